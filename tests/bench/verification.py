"""Verifying: every stored event read and hashed again, against a scan that hashes payloads."""

import time
from contextlib import closing

from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.sqlite import SqliteStore
from ledger.log.verify import verify as verify_log
from tests.bench.floors import SQLITE, hash_payloads
from tests.bench.harness import Goal, Result, Scale, paired
from tests.bench.logs import log_of

BATCH = 5_000


def verify(scale: Scale) -> Result:
    """Events a second; the floor reads all columns and hashes each payload, no more."""
    file = log_of(scale.events)
    with closing(SqliteStore(file, kinds=ACCOUNT_KINDS)) as store:
        events = store.head("main").position

        def floor() -> float:
            begun = time.perf_counter()
            assert hash_payloads(file, BATCH) == events
            return events / (time.perf_counter() - begun)

        def ours() -> float:
            begun = time.perf_counter()
            assert verify_log(store, "main").ok
            return events / (time.perf_counter() - begun)

        slowest, found = paired(scale.rounds, floor, ours=ours)
    return Result(name="verify", unit="/s", ours=found["ours"].rate, floor=slowest,
                  ratio=found["ours"].ratio, goal=Goal("≥", 0.65),
                  how={"engine": SQLITE, "events": events, "rounds": scale.rounds,
                       "floor": "scan of all columns, SHA-256 of each payload"})
