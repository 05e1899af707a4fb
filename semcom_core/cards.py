"""Model cards: the README of each model and of the repository on the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

LICENSE = "other"
"""Licence in the front matter; the owner sets it when the project has one."""

_TAGS = ("semantic-communication", "physical-layer-security", "image-transmission")
_MAX_ROWS = 60


def model_card(name: str, config: dict[str, Any], results: dict[str, Any] | None, withheld: str = "") -> str:
    """The README of one model.

    Args:
        name: ``<domain>/<name>``.
        config: content of its ``config.json``.
        results: content of its ``results.json``; ``None`` prints "not run".
        withheld: hash of weights that are not beside the card.
    """
    files = "Half-precision weights; the app checks their SHA-256 against its own manifest before loading."
    if withheld:
        files = (
            "The weights are not in this folder, since only an evaluation needs them: retrain to reproduce.\n"
            f"SHA-256 of those that were measured: `{withheld}`."
        )
    arguments = ", ".join(f"{key} = {value}" for key, value in sorted(config["arguments"].items()))
    return "\n".join(
        [
            _front_matter(config["domain"]),
            f"# {name}",
            "",
            f"Network `{config['network']}` ({arguments or 'no arguments'}) of SemCom Lab, domain {config['domain']}.",
            files,
            "",
            f"Reproduce: `python -m semcom_core train {config['recipe']}` (recipe digest `{config['recipe_digest']}`,",
            "copy in `recipe.toml`; the training curve is in `log.csv`).",
            "",
            "## Measured results",
            "",
            *_results(results),
            "",
        ]
    )


def index_card(models: dict[str, dict[str, Any]]) -> str:
    """The README at the root of the repository.

    Args:
        models: configuration by model name.
    """
    rows = [
        f"| [`{name}`](./{name}) | `{config['network']}` | {config['domain']} |"
        for name, config in sorted(models.items())
    ]
    return "\n".join(
        [
            _front_matter(*sorted({config["domain"] for config in models.values()})),
            "# SemCom Lab weights",
            "",
            "Trained networks of SemCom Lab, a browser lab for secure semantic communication. The app pins a commit",
            "of this repository and refuses every file whose SHA-256 is not in the manifest of its source code.",
            "",
            "| model | network | domain |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _front_matter(*domains: str) -> str:
    tags = "\n".join(f"- {tag}" for tag in (*_TAGS, *domains))
    return f"---\nlicense: {LICENSE}\nlibrary_name: pytorch\ntags:\n{tags}\n---\n"


def _results(results: dict[str, Any] | None) -> list[str]:
    if not results:
        return ["Not run."]
    rows = list(_flat(results))
    shown = [f"| {key} | {value} |" for key, value in rows[:_MAX_ROWS]]
    rest = len(rows) - len(shown)
    return ["| measure | value |", "|---|---|", *shown, *([f"\n{rest} more in `results.json`."] if rest else [])]


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Scalars of nested results as ``("awgn.10.accuracy", "0.991")``; a list is one cell."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value):
            yield from _flat(item, f"{prefix}.{number}")
    else:
        yield prefix, _cell(value)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
