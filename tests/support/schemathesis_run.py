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

OF_ONE_VALUE = frozenset({
    "empty", "full_width", "ignorable", "invisible", "malformed", "missing", "not_ascii",
    "not_boolean", "not_currency", "not_day", "not_decimal", "not_integer", "not_list",
    "not_member", "not_month", "not_object", "not_person", "not_sha256", "not_subject", "not_text",
    "not_time", "nul", "null", "odd_blank", "out_of_range", "surrogate", "too_few", "too_fine",
    "too_long", "too_many", "unknown", "unknown_field"})
"""The codes of faults that a schema might have kept out: they are about one value alone. All others
say which rule between several values was broken."""

NOT_ASKED = 401
"""The status of what schemathesis sends without the key, to see that it is refused."""


class Run(NamedTuple):
    """How a run ended: its exit code, what it printed, and each answer by operation."""

    code: int
    said: str
    answers: dict[str, Counter[str]]

    def reached(self) -> set[str]:
        """The operations that answered with a 2xx."""
        return {name for name, count in self.answers.items() if count["2xx"]}

    def total(self) -> Counter[str]:
        """All answers by their kind."""
        return sum(self.answers.values(), Counter())

    def named(self) -> dict[str, float]:
        """By operation, the share of answers that were a 2xx or the refusal of a rule."""
        return {name: 1 - count["other"] / total
                for name, count in self.answers.items() if (total := sum(count.values()))}


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
            kind = _kind(entry["response"])
            for name in self._named(entry["request"]) if kind else ():
                answers[name][str(kind)] += 1
        return Run(done.returncode, done.stdout + done.stderr, dict(answers))

    def _named(self, request: dict[str, Any]) -> Iterator[str]:
        path = urlsplit(request["url"]).path
        yield from (name for name, (method, pattern) in self.operations.items()
                    if method == request["method"] and pattern.match(path))


def _kind(response: dict[str, Any]) -> str | None:
    """2xx, rule for the refusal of a rule, or other; None for what does not count."""
    status = response["status"]
    if status == NOT_ASKED:
        return None
    if 200 <= status < 300:
        return "2xx"
    try:
        problem = json.loads(response["content"].get("text") or "{}")
    except ValueError:
        return "other"
    if status not in (404, 409, 412, 422, 428):
        return "other"
    of_one = {fault["code"] for fault in problem.get("errors", ())} & OF_ONE_VALUE
    return "other" if problem.get("code") == "invalid_values" and of_one else "rule"


def main(seeds: Sequence[int]) -> int:
    """Run all seeds, each on a demo of its own, and print what was reached. Returns how many runs
    found a failure."""
    failed = 0
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            stand = Stand(Path(folder))
            stand.served.start()
            try:
                whole = stand.run(seed, "examples,coverage,fuzzing,stateful", "-n", "10")
                made = stand.run(seed, "fuzzing", "--mode", "positive", "-n", "20")
            finally:
                stand.served.stop()
        for one in (whole, made):
            print(one.said[-2000:] if one.code else "", end="")
            failed += one.code != 0
        print(f"seed {seed}: {sum(whole.total().values())} requests, "
              f"{len(whole.reached())} of {len(stand.operations)} operations reach a 2xx; not: "
              f"{', '.join(sorted(set(stand.operations) - whole.reached()))}")
        total = made.total()
        print(f"of {sum(total.values())} that were made up, {total['2xx']} ended in a 2xx, "
              f"{total['rule']} in the refusal of a rule; less than half of: " + ", ".join(
                  f"{name} ({share:.0%})" for name, share in sorted(made.named().items())
                  if share < 0.5))
    return failed


if __name__ == "__main__":
    sys.exit(main([int(seed) for seed in sys.argv[1:]] or SEEDS))
