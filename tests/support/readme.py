"""Runs the blocks of a Markdown file that say they run.

A fenced `sh` block behind `<!-- runs -->` (or `<!-- runs, exit 1 -->`) is run, all of a file in
order in one fresh copy of the project. What it prints must equal the `text` block that follows, if
one does before the next heading: 64 hexadecimal digits stand for any, and `…` for anything.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support import source

MARK = re.compile(r"<!-- runs(?:, exit (?P<code>\d+))? -->")
TIMEOUT_S = 300


class Block(NamedTuple):
    """One block: where it stands, what it runs, what it must print (None: anything) and return."""

    line: int
    script: str
    expected: str | None
    code: int


class Fence(NamedTuple):
    """A fenced block as it stands in the file, with what the lines since the last one say."""

    line: int
    language: str
    body: str
    before: list[str]


def fences(markdown: str) -> Iterator[Fence]:
    """The fenced blocks of a file."""
    opened: tuple[int, str] | None = None
    gathered: list[str] = []
    before: list[str] = []
    for number, line in enumerate(markdown.splitlines(), 1):
        if opened is None and line.startswith("```"):
            opened, before, gathered = (number, line[3:].strip()), gathered, []
        elif opened is not None and line.startswith("```"):
            yield Fence(*opened, "\n".join(gathered), before)
            opened, gathered = None, []
        else:
            gathered.append(line)


def blocks(markdown: str) -> Iterator[Block]:
    """The blocks that run."""
    found = list(fences(markdown))
    for fence, after in zip(found, [*found[1:], None], strict=True):
        said = [line for line in fence.before if line.strip()]
        mark = MARK.fullmatch(said[-1].strip()) if said else None
        if mark is None:
            continue
        assert fence.language == "sh", f"line {fence.line}: only sh blocks run"
        follows = after is not None and after.language == "text" and not any(
            line.startswith("#") or MARK.search(line) for line in after.before)
        yield Block(fence.line, fence.body, after.body if after and follows else None,
                    int(mark["code"] or 0))


def fresh_copy(to: Path) -> None:
    """The project without what tools leave behind, with the present virtual environment."""
    for path in source.tracked():
        target = to / path.relative_to(source.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    (to / ".venv").symlink_to(sys.prefix, target_is_directory=True)


def environment(folder: Path) -> dict[str, str]:
    """A plain environment: English, no settings, the copy's virtual environment first on the path:
    called through it, `ledger` is the program of the copy."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("LEDGER_", "PYTEST_", "LC_")) and name != "PYTHONPATH"}
    return {**kept, "PATH": f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8", "COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1"}


def run(block: Block, folder: Path) -> tuple[int, str]:
    """Run a block in a folder; its exit code and what it printed, errors included."""
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", block.script], cwd=folder, env=environment(folder),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        timeout=TIMEOUT_S, check=False)
    return done.returncode, done.stdout


def masked(text: str) -> str:
    """An output with roots hidden and blanks at line ends taken off."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "ROOT", text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def agrees(expected: str, printed: str) -> bool:
    """Whether an output is the expected one, where `…` stands for anything."""
    pattern = ".*".join(map(re.escape, masked(expected).split("…")))
    return re.fullmatch(pattern, masked(printed), re.S) is not None
