"""The progress of an import on stderr: a bar on a terminal, else a plain line for each stage."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

from api.messages import tr

WIDTH = 40
EVERY_S = 0.1


def said() -> dict[str, str]:
    """The words for the stages, in the user's language."""
    return {"read": tr("Reading"), "check": tr("Checking"), "record": tr("Recording")}


class ProgressBar:
    """Draws what `run_import` reports to its `progress`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.drawn_at = 0.0
        self.stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        begins, ends = stage != self.stage, done >= total
        self.stage = stage
        word = said()[stage]
        if not self.stream.isatty():
            if begins:
                self.stream.write(f"{word} …\n")
            return
        now = time.monotonic()
        if not (begins or ends or now - self.drawn_at >= EVERY_S):
            return
        self.drawn_at = now
        share = min(done / total, 1.0) if total else 1.0
        bar = "█" * round(share * WIDTH)
        self.stream.write(f"\r\x1b[K{word:<10}{bar:░<{WIDTH}} {share:4.0%}")
        self.stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.stream.isatty():
            self.stream.write("\r\x1b[K")
            self.stream.flush()
