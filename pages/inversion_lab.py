"""The inversion lab: what can a thief make of a transmitted picture, and what does stopping it cost?"""

from __future__ import annotations

from pages.inversion import plane, table, theory, watch
from pages.inversion.scene import scene
from pages.widgets.routing import through_router
from pages.widgets.sections import section_page

_SECTIONS = {
    "table": lambda: table.section(scene()),
    "plane": lambda: plane.section(scene()),
    "watch": lambda: watch.section(scene()),
    "theory": lambda: theory.section(scene()),
}

through_router()
section_page("inversion_lab", _SECTIONS, "inversion_section", ["inversion/grid.css"])
