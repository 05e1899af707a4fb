r"""The cipher one step at a time: where every cell goes, and the equation with one cell's numbers.

::

    F_s ─(4)─ F_1 ─(5)─ F_2 ─(6)─ F_3 ─(7)─ F_en ─(8)─ F_1' ─(9)─ F_2' ─(10)─ F_3' ─(11)─ F_de = F_s

Equation numbers are RepObE's (Lin et al., Sec. 3.2); (11) with its index mended. The positions
come from the cipher's own functions, applied to a map of positions: nothing is derived twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core.ciphers import confusion
from semcom_core.ciphers.confusion import ConfusionKey


@dataclass(frozen=True)
class Rule:
    """One equation.

    Attributes:
        name: registry name; ``plain`` for the start.
        number: RepObE's equation number, 0 for the start.
        before, after: the maps' symbols: ``s``, ``1``, …, ``en``, ``1'``, …, ``de``.
        general: the equation in LaTeX.
        apply: the cipher's function, on maps (…,H,W).
    """

    name: str
    number: int
    before: str
    after: str
    general: str
    apply: Callable[[Tensor, ConfusionKey], Tensor]


RULES = (
    Rule("plain", 0, "s", "s", "F_s[a,i,j]", lambda F, key: F),
    Rule(
        "row_confusion", 4, "s", "1", r"F_1[a,i,:] = F_s[a,\,K_r[i],\,:]",
        lambda F, key: confusion.row_confusion(F, key.K_r),
    ),
    Rule(
        "column_offset", 5, "1", "2", r"F_2[a,i,j] = F_1[a,\,i,\,(j+i+c) \bmod W]",
        lambda F, key: confusion.column_offset(F, key.c),
    ),
    Rule(
        "column_confusion", 6, "2", "3", r"F_3[a,:,j] = F_2[a,\,:,\,K_c[j]]",
        lambda F, key: confusion.column_confusion(F, key.K_c),
    ),
    Rule(
        "row_offset", 7, "3", "en", r"F_{en}[a,i,j] = F_3[a,\,(i+j+r) \bmod H,\,j]",
        lambda F, key: confusion.row_offset(F, key.r),
    ),
    Rule(
        "inverse_row_offset", 8, "en", "1'", r"F'_1[a,i,j] = F_{en}[a,\,(i-j-r) \bmod H,\,j]",
        lambda F, key: confusion.inverse_row_offset(F, key.r),
    ),
    Rule(
        "inverse_column_confusion", 9, "1'", "2'", r"F'_2[a,:,K_c[j]] = F'_1[a,\,:,\,j]",
        lambda F, key: confusion.inverse_column_confusion(F, key.K_c),
    ),
    Rule(
        "inverse_column_offset", 10, "2'", "3'", r"F'_3[a,i,j] = F'_2[a,\,i,\,(j-i-c) \bmod W]",
        lambda F, key: confusion.inverse_column_offset(F, key.c),
    ),
    Rule(
        "inverse_row_confusion", 11, "3'", "de", r"F_{de}[a,K_r[i],:] = F'_3[a,\,i,\,:]",
        lambda F, key: confusion.inverse_row_confusion(F, key.K_r),
    ),
)  # fmt: skip
"""The start, eqs. (4)–(7), and their inverses, eqs. (8)–(11)."""


@dataclass(frozen=True, eq=False)
class State:
    """The map after one step.

    Attributes:
        rule: the step that led here.
        origin: for each cell (H,W) the flat position in ``F_s`` that its content came from.
        reads: for each cell (H,W) the flat position in the map *before* this step.
    """

    rule: Rule
    origin: np.ndarray
    reads: np.ndarray


def walk(key: ConfusionKey) -> tuple[State, ...]:
    """The nine states of a map under a key: plain, four steps, four inverses."""
    positions = torch.arange(key.height * key.width).reshape(key.height, key.width)
    states, current = [], positions
    for rule in RULES:
        current = rule.apply(current, key)
        states.append(State(rule, current.numpy(), rule.apply(positions, key).numpy()))
    return tuple(states)


_PLAIN = {"s": "F<sub>s</sub>", "en": "F<sub>en</sub>", "de": "F<sub>de</sub>"}


def _symbol(name: str, latex: bool) -> str:
    if latex:
        return f"F'_{name[0]}" if name.endswith("'") else f"F_{{{name}}}"
    return _PLAIN.get(name) or f"F{'′' if name.endswith(chr(39)) else ''}<sub>{name[0]}</sub>"


def filled(rule: Rule, key: ConfusionKey, i: int, j: int, *, latex: bool = True) -> str:
    """The step's equation for cell ``[i,j]`` of its result, with the numbers filled in.

    ``F_2[1,3] = F_1[1, (3+1+2) mod 4] = F_1[1,2]``; the channel index ``a`` is left out.

    Args:
        latex: LaTeX, or else text with the HTML that Plotly's hover labels know.
    """
    new, old = _symbol(rule.after, latex), _symbol(rule.before, latex)
    mod = r" \bmod " if latex else " mod "
    K_r, K_c = ("K_r", "K_c") if latex else ("K<sub>r</sub>", "K<sub>c</sub>")
    height, width, r, c = key.height, key.width, key.r, key.c
    cell, minus = f"[{i},{j}]", "-" if latex else "−"
    match rule.name:
        case "plain":
            return f"{new}{cell}"
        case "row_confusion":
            return f"{new}{cell} = {old}[{K_r}[{i}],{j}] = {old}[{key.K_r[i]},{j}]"
        case "column_offset":
            return f"{new}{cell} = {old}[{i},({j}+{i}+{c}){mod}{width}] = {old}[{i},{(j + i + c) % width}]"
        case "column_confusion":
            return f"{new}{cell} = {old}[{i},{K_c}[{j}]] = {old}[{i},{key.K_c[j]}]"
        case "row_offset":
            return f"{new}{cell} = {old}[({i}+{j}+{r}){mod}{height},{j}] = {old}[{(i + j + r) % height},{j}]"
        case "inverse_row_offset":
            inner = f"({i}{minus}{j}{minus}{r}){mod}{height}"
            return f"{new}{cell} = {old}[{inner},{j}] = {old}[{(i - j - r) % height},{j}]"
        case "inverse_column_confusion":
            k = int(np.flatnonzero(key.K_c == j)[0])
            return f"{new}{cell} = {new}[{i},{K_c}[{k}]] = {old}[{i},{k}]"
        case "inverse_column_offset":
            inner = f"({j}{minus}{i}{minus}{c}){mod}{width}"
            return f"{new}{cell} = {old}[{i},{inner}] = {old}[{i},{(j - i - c) % width}]"
        case "inverse_row_confusion":
            k = int(np.flatnonzero(key.K_r == i)[0])
            return f"{new}{cell} = {new}[{K_r}[{k}],{j}] = {old}[{k},{j}]"
    raise ValueError(f"there is no step {rule.name!r}")
