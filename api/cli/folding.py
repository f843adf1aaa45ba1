"""How what is wider than a terminal is folded: at the seams of paths, lists and times."""

import re
from collections.abc import Sequence

LEAST = 8
"""A column is not made narrower than that."""

GAP = 2
"""Blanks between two columns."""

_words = re.compile(r"\s*\S+").findall
_seams = re.compile(
    r"(?<=[/_,;])|(?<=:)(?!\d)|(?<=\.)(?=[a-z])|(?<=-)(?=[A-Z])|(?<=\d)(?=T\d\d:|\.\d{6}Z)").split


def folded(text: str, width: int) -> list[str]:
    """A text in lines that are no wider than that: a word that is wider is parted at its seams, and
    cut where it has none. Units: cells, of which a Chinese character takes two."""
    from rich.cells import cell_len, chop_cells

    lines = [""]
    for word in _words(text):
        for piece in [word] if cell_len(word.strip()) <= width else _seams(word):
            if cell_len(lines[-1] + piece) <= width:
                lines[-1] += piece
            else:
                lines += chop_cells(piece.lstrip(), width)
    return [line for line in lines if line] or [""]


def fitting(widths: Sequence[int], room: int) -> list[int]:
    """The widths of columns that have so much room together: the widest ones give way first."""
    most, left = max(widths, default=0), room - GAP * (len(widths) - 1)
    while most > LEAST and sum(min(width, most) for width in widths) > left:
        most -= 1
    return [min(width, most) for width in widths]
