"""The glossary's terms, and how another page links one: ``st.markdown(term("snr"))``."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from pages.widgets.strings import names, t

PAGE = "glossary"
_OPTIONAL = ("also", "formula", "see")


@dataclass(frozen=True)
class Term:
    """One entry.

    Attributes:
        key: of the address (``/glossary?term=snr``).
        also: other names, with commas; may be empty.
        plain: what it means, in one sentence.
        formula: LaTeX; may be empty.
        see: page and query where it can be seen ("cipher_lab?section=break"); may be empty.
    """

    key: str
    name: str
    also: str
    plain: str
    formula: str
    see: str

    @property
    def order(self) -> str:
        """For sorting: without accents, capitals and symbols."""
        return _folded(self.name).lstrip("λετ (").strip(")") or self.key

    def has(self, words: str) -> bool:
        """Whether all words stand in the term, its other names or its explanation."""
        text = _folded(f"{self.name} {self.also} {self.plain}")
        return all(word in text for word in _folded(words).split())


def terms() -> list[Term]:
    """All terms in alphabetical order."""
    return sorted((find(key) for key in names("glossary.term")), key=lambda one: (one.order, one.key))


def find(key: str) -> Term:
    """One term.

    Raises:
        KeyError: there is no such term.
    """
    return Term(key, *(_maybe(key, part) for part in ("name", "also", "plain", "formula", "see")))


def term(key: str, words: str | None = None) -> str:
    """A link to a term as Markdown, for any page's text.

    Args:
        words: what to show; the term's name if omitted.

    Raises:
        KeyError: there is no such term, so that a page cannot link nowhere.
    """
    return f"[{words or find(key).name}]({PAGE}?term={key})"


def _maybe(key: str, part: str) -> str:
    if part in _OPTIONAL and part not in names(f"glossary.term.{key}"):
        return ""
    return t(f"glossary.term.{key}.{part}")


def _folded(text: str) -> str:
    """Without accents, capitals and curled apostrophes, so that both are found."""
    spread = unicodedata.normalize("NFKD", text.casefold()).replace("’", "'")
    return "".join(one for one in spread if not unicodedata.combining(one))
