"""The progress bar of an import, on stderr."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

WORDS = {"read": "Reading", "check": "Checking", "record": "Recording"}


class ProgressBar:
    """A callable that `run_import` takes as `progress`; a plain line a stage if no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
            TimeRemainingColumn(), console=self.console, disable=not self.console.is_terminal)
        self._tasks: dict[str, object] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(WORDS[stage], total=total)
            if not self.console.is_terminal:
                self.console.print(f"{WORDS[stage]} …")
        self._bar.update(self._tasks[stage], completed=done)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._bar.stop()
