"""The README's numbers are those of results.json, and its two commands are there."""

from __future__ import annotations

from pathlib import Path

from semcom_core.evaluation import tables

README = Path(__file__).parents[2] / "README.md"


def test_tables_are_those_of_the_results() -> None:
    _, _, rest = README.read_text().partition(tables.BEGIN)
    shown, _, _ = rest.partition(tables.END)
    assert shown.strip() == tables.markdown().strip(), "run `python -m semcom_core tables --write`"


def test_results_belong_to_the_weights_beside_them() -> None:
    from semcom_core import weights
    from semcom_core.domains import DOMAINS

    for domain in DOMAINS:
        for name in ("base", "judge", "naive", "adaptive", "prior", "adaptive_rotation"):
            if not (weights.root() / domain / name / "results.json").is_file():
                continue  # the README says "not run"
            measured = tables.results(f"{domain}/{name}")["weights"]
            assert measured == {n: weights.locate(f"{domain}/{n}").sha256 for n in measured}, (domain, name)
