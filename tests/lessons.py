"""What each lesson's experiment finds with the committed weights, computed once for all tests."""

from __future__ import annotations

from functools import cache

from semcom_core import link
from semcom_core.lessons.catalogue import lessons
from semcom_core.lessons.evidence import Evidence
from semcom_core.lessons.experiments import compute  # itself, whatever a test puts in its place

models = cache(link.load_models)


@cache
def found(key: str) -> Evidence:
    return compute(lessons()[key], models)
