"""Our measurements beside the papers' numbers, with where each comes from."""

from __future__ import annotations

from pages.results_views import cem, curves, diffsem, numbers, pictures, robust
from pages.widgets.routing import through_router
from pages.widgets.sections import section_page
from pages.widgets.strings import t

_SECTIONS = {
    "curves": curves.section,
    "pictures": pictures.section,
    "cem": cem.section,
    "diffsem": diffsem.section,
    "robust": robust.section,
    "numbers": numbers.section,
}

through_router()
section_page("results", _SECTIONS, "results_section", ["inversion/grid.css"], t("results.words"))
