"""The cipher lab: watch the scrambling cipher, agree on its key, break it, repair it."""

from __future__ import annotations

from pages.cipher import break_it, keys, repair, strength, tamper, watch
from pages.widgets.routing import through_router
from pages.widgets.sections import section_page

_SECTIONS = {
    "watch": watch.section,
    "keys": keys.section,
    "strength": strength.section,
    "break": break_it.section,
    "repair": repair.section,
    "tamper": tamper.section,
}

through_router()
section_page("cipher_lab", _SECTIONS, "section")
