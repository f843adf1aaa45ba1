"""schemathesis against a server on the demo's ledger, and what became of its requests.

`python -m tests.support.schemathesis_run [SEED …]` runs three seeds: with examples, with what it
makes up itself, and from link to link.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from api.demo.people import MANAGER
from tests.support import source
from tests.support.example_shop import Shop, demo
from tests.support.examples import ready
from tests.support.serving import BIN, Served

SEEDS = (1, 2, 3)
UNNAMED = frozenset({"invalid_values"})
"""What is no rule's refusal: a value that the schema should not have let through."""


class Run(NamedTuple):
    """How a run ended: its exit code, what it printed, and each answer by operation."""

    code: int
    said: str
    answers: dict[str, Counter[str]]

    def reached(self) -> set[str]:
        """The operations that answered with a 2xx."""
        return {name for name, count in self.answers.items() if count["2xx"]}

    def refused_for_values(self) -> dict[str, float]:
        """By operation, the share of answers that were neither a 2xx nor the refusal of a rule."""
        return {name: count["other"] / sum(count.values())
                for name, count in self.answers.items()}


class Stand:
    """A served demo in which every example can be sent."""

    def __init__(self, folder: Path) -> None:
        shop = Shop(demo(folder))
        self.operations = {name: (method.upper(), re.compile(
            re.sub(r"\\{[^}]*\\}", "[^/]*", re.escape(path)) + "$"))
            for name, (method, path) in shop.paths.items()}
        shop.prepare()
        ready(shop)
        shop.web.close()
        self.served = Served(folder)
        self.served.environment["LEDGER_DATABASE_URL"] = f"sqlite:///{folder}/demo.db"
        # What ignores keys is sent more often than an address may send bad ones.
        self.served.environment["LEDGER_BAD_KEY_LIMIT"] = "off"
        printed = self.served.flask("keys", "issue", "--owner", MANAGER, "--role", "manager",
                                    "--json")
        self.token = json.loads(printed)["token"]
        self.folder = folder

    def run(self, seed: int, phases: str, *more: str) -> Run:
        """Run schemathesis once."""
        har = self.folder / "run.har"
        har.unlink(missing_ok=True)
        done = subprocess.run(
            [BIN / "schemathesis", "run", f"http://127.0.0.1:{self.served.port}/v1/openapi.json",
             "-H", f"Authorization: Bearer {self.token}", "--phases", phases, "--seed", str(seed),
             "--no-color", "--report", "har", "--report-har-path", str(har), *more],
            cwd=source.ROOT, capture_output=True, text=True, check=False)
        entries = json.loads(har.read_text("utf-8"))["log"]["entries"] if har.exists() else []
        answers: dict[str, Counter[str]] = defaultdict(Counter)
        for entry in entries:
            for name in self._named(entry["request"]):
                answers[name][_kind(entry["response"])] += 1
        return Run(done.returncode, done.stdout + done.stderr, dict(answers))

    def _named(self, request: dict[str, Any]) -> Iterator[str]:
        path = urlsplit(request["url"]).path
        yield from (name for name, (method, pattern) in self.operations.items()
                    if method == request["method"] and pattern.match(path))


def _kind(response: dict[str, Any]) -> str:
    """2xx, rule for the refusal of a rule, or other."""
    if 200 <= response["status"] < 300:
        return "2xx"
    try:
        problem = json.loads(response["content"].get("text") or "{}")
    except ValueError:
        return "other"
    named = problem.get("code") not in UNNAMED and response["status"] in (404, 409, 412, 422, 428)
    return "rule" if named else "other"


def main(seeds: Sequence[int]) -> int:
    """Run all seeds, and print what was reached. Returns how many runs found a failure."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        stand = Stand(Path(folder))
        stand.served.start()
        try:
            for seed in seeds:
                found = stand.run(seed, "examples,fuzzing,stateful", "--mode", "positive")
                print(found.said[-2000:] if found.code else "", end="")
                print(f"seed {seed}: {len(found.reached())} of {len(stand.operations)} reach a 2xx")
                poor = {name: f"{share:.0%}" for name, share in found.refused_for_values().items()
                        if share > 0.5}
                print(f"more than half refused for their values: {poor}")
                failed += found.code != 0
        finally:
            stand.served.stop()
    return failed


if __name__ == "__main__":
    sys.exit(main([int(seed) for seed in sys.argv[1:]] or SEEDS))
