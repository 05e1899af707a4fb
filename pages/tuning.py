"""Tuning: what each hyper-parameter does, with networks as they are, with a small one trained here, and as measured."""

from __future__ import annotations

from pages.tuning_views import inference, large, training
from pages.widgets.routing import through_router
from pages.widgets.sections import section_page

_SECTIONS = {
    "inference": inference.section,
    "training": training.section,
    "large": large.section,
}

through_router()
section_page("tuning", _SECTIONS, "tuning_section", ["tuning_views/strip.css"])
