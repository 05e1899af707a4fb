"""The adversarial lab: how little must be changed of a picture for a receiver to misread it, and what helps?"""

from __future__ import annotations

from pages.adversarial import attack, flip, many, space
from pages.adversarial.scene import scene
from pages.widgets.routing import through_router
from pages.widgets.sections import section_page

_SECTIONS = {
    "attack": lambda: attack.section(scene()),
    "flip": lambda: flip.section(scene()),
    "space": lambda: space.section(scene()),
    "many": lambda: many.section(scene()),
}

through_router()
section_page("adversarial_lab", _SECTIONS, "adversarial_section", ["inversion/grid.css", "adversarial/rows.css"])
