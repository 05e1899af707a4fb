"""What a browser shows of a session: elements by their place in the tree, and how to find one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.Element_pb2 import Element

WIDGETS = frozenset(
    ("slider", "selectbox", "button_group", "button", "checkbox", "file_uploader", "number_input", "radio")
)

Path = tuple[int, ...]


@dataclass
class Page:
    """What a browser shows: elements and keyed containers by their place in the tree."""

    elements: dict[Path, Element] = field(default_factory=dict)
    containers: dict[str, Path] = field(default_factory=dict)

    def widget(self, key: str) -> Any:
        """The widget with a user's key.

        Raises:
            KeyError: it is not on the page.
        """
        for element in self.elements.values():
            kind = element.WhichOneof("type")
            if kind in WIDGETS and getattr(element, kind).id.endswith(f"-{key}"):
                return getattr(element, kind)
        raise KeyError(f"there is no widget {key!r} on the page")

    def has(self, key: str) -> bool:
        """Whether that widget is on the page."""
        try:
            self.widget(key)
        except KeyError:
            return False
        return True

    def inside(self, container: str) -> list[tuple[Path, Element]]:
        """Elements of a keyed container in order, each with its place inside it."""
        root = self.containers.get(container)
        if root is None:
            return []
        found = [(path[len(root) :], one) for path, one in self.elements.items() if path[: len(root)] == root]
        return sorted(found, key=lambda pair: pair[0])

    def complaints(self) -> list[str]:
        """Exceptions and error boxes that a visitor would see."""
        found = []
        for element in self.elements.values():
            kind = element.WhichOneof("type")
            if kind == "exception" and not element.exception.is_warning:
                found.append(f"{element.exception.type}: {element.exception.message}"[:300])
            elif kind == "alert" and element.alert.format == element.alert.ERROR:
                found.append(f"error box: {element.alert.body}"[:300])
        return found
