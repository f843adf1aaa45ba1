"""Threads that wait for another to work say so: whoever keeps few of them at work hands on the
place of one that waits.
"""

from collections.abc import Callable


def _nothing() -> None:
    """Nobody keeps few of them at work."""


class Waits:
    """What is called by a thread that begins to wait, and by one that goes on."""

    def __init__(self) -> None:
        self.begin: Callable[[], None] = _nothing
        self.end: Callable[[], None] = _nothing


process = Waits()
"""Of this process."""
