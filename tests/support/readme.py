"""Runs the blocks of pages that say they run: `python -m tests.support.readme [--write] [PAGE…]`.

A fenced `sh` or `bash` block after `<!-- runs -->` (or `<!-- runs, exit 1 -->`) is run, by bash.
All blocks of a page run in order in one fresh copy of the project, and what one exports holds for
those after it. What a block prints must equal the `text` block that follows, if one does before
the next heading: 64 hexadecimal digits stand for any, and `…` for anything. A page named `….zh.md`
runs in Chinese.

With `--write` the text blocks that differ are rewritten from what was printed; a `…` and a `ROOT`
stay where they are. Read the difference before you commit it.
"""

import argparse
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from typing import NamedTuple

from tests.support import source

MARK = re.compile(r"<!-- runs(?:, exit (?P<code>\d+))? -->")
SHELLS = ("sh", "bash")
TIMEOUT_S = 300
ANYTHING = "…"
EXPORTS = ".exports"
DEMO = "make --no-print-directory demo >/dev/null"
"""How a page makes the demo that does not show what it prints; it may be given one that is made."""


class Block(NamedTuple):
    """One block: where it stands, what it runs, what it must print (None: anything) and return."""

    line: int
    script: str
    expected: str | None
    code: int
    answer_line: int = 0


class Fence(NamedTuple):
    """A fenced block as it stands in the file, with the lines since the last one."""

    line: int
    language: str
    body: str
    before: list[str]


class Outcome(NamedTuple):
    """What came of a block."""

    block: Block
    code: int
    printed: str

    def wrong(self) -> str:
        """What is wrong with it, or nothing."""
        if self.code != self.block.code:
            return f"line {self.block.line} returns {self.code}:\n{self.printed}"
        if self.block.expected is None or agrees(self.block.expected, self.printed):
            return ""
        lines = (masked(text).splitlines() for text in (self.block.expected, self.printed))
        return f"line {self.block.line} prints something else:\n" + "\n".join(
            unified_diff(*lines, "expected", "printed", lineterm=""))


# -- what stands in a page ------------------------------------------------------------------------


def fences(markdown: str) -> Iterator[Fence]:
    """The fenced blocks of a page."""
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
    for fence, after in zip(found, [*found, None][1:], strict=True):
        last = [line for line in fence.before if line.strip()][-1:]
        mark = MARK.fullmatch(last[0].strip()) if last else None
        if mark is None:
            continue
        assert fence.language in SHELLS, f"line {fence.line}: only sh and bash blocks run"
        follows = after is not None and after.language == "text" and not any(
            line.startswith("#") or MARK.search(line) for line in after.before)
        expected, line = (after.body, after.line) if after and follows else (None, 0)
        yield Block(fence.line, fence.body, expected, int(mark["code"] or 0), line)


def pages() -> list[Path]:
    """The pages with blocks that run."""
    return [path for path in source.tracked()
            if path.suffix == ".md" and any(blocks(path.read_text("utf-8")))]


# -- running --------------------------------------------------------------------------------------


def fresh_copy(to: Path) -> None:
    """The project without what tools leave behind, with what is installed, and its own `ledger`.

    `make` takes what is installed as it is: the copy borrows it, and must not change it. `ledger`
    is the copy's, so that it runs the copy's code.
    """
    for path in source.tracked():
        target = to / path.relative_to(source.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    stamps = re.findall(r"^\.venv/(\w+):", (to / "Makefile").read_text("utf-8"), flags=re.M)
    lent, own = Path(sys.prefix), to / ".venv"
    (own / "bin").mkdir(parents=True)
    for path in (*lent.iterdir(), *(lent / "bin").iterdir()):
        if path.name not in (*stamps, "bin", "ledger"):
            (own / path.relative_to(lent)).symlink_to(path)
    for stamp in stamps:
        (own / stamp).touch()
    subprocess.run(["make", "--silent", ".venv/bin/ledger"], cwd=to, check=True)


def environment(folder: Path, language: str) -> dict[str, str]:
    """A plain environment: no settings, the copy's virtual environment first on the path."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("LEDGER_", "PYTEST_", "LC_", "LANG")) and name != "PYTHONPATH"}
    return {**kept, "PATH": f"{folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}",
            "LC_CTYPE": "C.UTF-8", "LC_MESSAGES": {"zh": "zh_CN.UTF-8"}.get(language, "C.UTF-8"),
            "PYTHONDONTWRITEBYTECODE": "", "COLUMNS": "100"}


def run(block: Block, folder: Path, language: str = "en") -> Outcome:
    """Run a block in a folder; what it prints includes its errors."""
    exports = shlex.quote(str(folder / EXPORTS))
    # The language is that of the page: a shell warns when it is given one that is not installed.
    # A server that a block started is stopped, even if the block fails before it does so itself.
    script = (f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
              f"[ ! -e {exports} ] || . {exports}\n{block.script}\n"
              f"export -p | grep -v '^declare -x LC_' >{exports}")
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=folder,
        env=environment(folder, language), text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)
    return Outcome(block, done.returncode, done.stdout)


def run_page(page: Path, folder: Path, demo: Path | None = None) -> Iterator[Outcome]:
    """Run the blocks of a page in a fresh copy in an empty folder, with the demo's files, if any,
    instead of a demo that does not show what it prints."""
    fresh_copy(folder)
    language = "zh" if page.name.endswith(".zh.md") else "en"
    for block in blocks(page.read_text("utf-8")):
        if demo is not None and DEMO in block.script:
            given = f"mkdir -p var; cp -r {shlex.quote(str(demo))}/. var/"
            block = block._replace(script=block.script.replace(DEMO, given))
        yield run(block, folder, language)


def make_demo(folder: Path) -> Path:
    """The files of a demo, made in a fresh copy in this folder, which several may share."""
    made, lock = folder / "demo", folder / "demo.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not made.exists():
            fresh_copy(folder / "demo.copy")
            outcome = run(Block(0, DEMO, None, 0), folder / "demo.copy")
            assert not outcome.wrong(), outcome.wrong()
            (folder / "demo.copy/var").rename(made)
    return made


def masked(text: str) -> str:
    """An output with roots hidden and blanks at line ends taken off."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "ROOT", text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def agrees(expected: str, printed: str) -> bool:
    """Whether an output is the expected one, where `…` stands for anything."""
    pattern = ".*".join(map(re.escape, masked(expected).split(ANYTHING)))
    return re.fullmatch(pattern, masked(printed), re.S) is not None


# -- rewriting what is expected -------------------------------------------------------------------


def rewritten(expected: str, printed: str) -> str:
    """What was printed, with each `…` of what was expected where it stood, as far as that fits."""
    if agrees(expected, printed):
        return expected
    new = "\n".join(_merged(expected.splitlines(), masked(printed).splitlines()))
    return new if agrees(new, printed) else masked(printed)


def _merged(kept: list[str], printed: list[str]) -> Iterator[str]:
    """The lines printed, each with the `…` of the kept line that it is most like.

    `cost[i, j]` is the least it costs to match the kept lines from `i` on with those printed from
    `j` on. A line that is `…` alone takes up any number of lines for nothing.
    """
    cost = {(len(kept), len(printed)): 0.0}
    step: dict[tuple[int, int], str] = {}
    for i in range(len(kept), -1, -1):
        for j in range(len(printed), -1, -1):
            ways = []
            if i < len(kept):
                alone = kept[i].strip() == ANYTHING
                ways.append((cost[i + 1, j] + (not alone), "end" if alone else "drop"))
                if j < len(printed):
                    ways.append((cost[i + 1, j + 1] + _unlike(kept[i], printed[j]), "pair"))
                    ways += [(cost[i, j + 1], "take up")] if alone else []
            if j < len(printed):
                ways.append((cost[i, j + 1] + 1, "add"))
            if ways:
                cost[i, j], step[i, j] = min(ways)
    i = j = 0
    while (i, j) in step:
        match step[i, j]:
            case "pair":
                yield _line(kept[i], printed[j])
                i, j = i + 1, j + 1
            case "add":
                yield printed[j]
                j += 1
            case "take up":
                j += 1
            case "end":
                yield kept[i]
                i += 1
            case _:
                i += 1


def _unlike(kept: str, printed: str) -> float:
    """0 if a line is the kept one, up to 0.9: it is dearer to drop a line than to change it."""
    if agrees(kept, printed):
        return 0
    return 0.9 * (1 - SequenceMatcher(None, kept, printed, autojunk=False).ratio())


def _line(kept: str, printed: str) -> str:
    """A line printed, with each `…` of the kept one where its neighbours are."""
    if agrees(kept, printed):
        return kept
    before, after = (re.findall(r"[A-Za-z0-9_]+|\s+|.", line) for line in (kept, printed))
    found: list[str] = []
    for _, i, i_end, j, j_end in SequenceMatcher(None, before, after, False).get_opcodes():
        old, new = before[i:i_end], after[j:j_end]
        if old == [ANYTHING]:
            new = old
        elif ANYTHING in old and len(old) == len(new):
            new = [ANYTHING if a == ANYTHING else b for a, b in zip(old, new, strict=True)]
        elif old.count(ANYTHING) == sum(map(str.isdecimal, new)):
            new = [ANYTHING if word.isdecimal() else word for word in new]
        found += new
    return "".join(found)


def rewrite(page: Path, outcomes: list[Outcome]) -> Iterator[str]:
    """Write what was printed into a page; what a reader of the difference should look at."""
    lines = page.read_text("utf-8").splitlines()
    for block, code, printed in reversed(outcomes):
        if code == block.code and block.expected is not None:
            new = rewritten(block.expected, printed)
            start = block.answer_line
            lines[start : start + len(block.expected.splitlines())] = new.splitlines()
            if new.count(ANYTHING) < block.expected.count(ANYTHING):
                yield f"the answer to line {block.line} lost a {ANYTHING}"
    page.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> int:
    """Run pages, and say or rewrite what differs; 1 if anything is wrong at the end."""
    parser = argparse.ArgumentParser(description="Run the blocks of pages that say they run.")
    parser.add_argument("--write", action="store_true", help="rewrite what is expected")
    parser.add_argument("pages", type=Path, nargs="*", metavar="PAGE")
    options = parser.parse_args()
    failed = False
    for page in [path.resolve() for path in options.pages] or pages():
        with tempfile.TemporaryDirectory() as folder:
            outcomes = list(run_page(page, Path(folder)))
        wrong = [outcome for outcome in outcomes if outcome.wrong()]
        notes: list[str] = []
        if options.write and wrong:
            notes = list(rewrite(page, outcomes))
            wrong = [outcome for outcome in wrong if outcome.code != outcome.block.code]
        failed = failed or bool(wrong)
        print(f"{source.name(page)}: {len(outcomes)} blocks",
              *(outcome.wrong() for outcome in wrong), *notes, sep="\n  ", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
