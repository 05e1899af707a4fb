"""Fixtures of the core tests."""

from __future__ import annotations

import pytest

from semcom_core.link import Encoded, LinkModels, encode
from tests.untrained import textured, untrained


@pytest.fixture(scope="session")
def models() -> LinkModels:
    """Untrained networks of the digits' link; no test may change them."""
    return untrained()


@pytest.fixture(scope="session")
def encoded(models: LinkModels) -> Encoded:
    """Two pictures after stage 1."""
    return encode(models, textured(2))


@pytest.fixture(scope="session")
def known(models: LinkModels) -> Encoded:
    """An earlier message whose picture the attacker knows."""
    return encode(models, textured(1, seed=9))
