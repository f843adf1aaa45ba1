"""Buckets that processes share, on both databases."""

import subprocess
import sys
from pathlib import Path

from api.http.limits import BAD_KEYS, REQUESTS, Limits, Quota
from ledger.log.store import Store
from ledger.settings import Settings
from projections.store.buckets import buckets_of
from tests.conftest import durable
from tests.support import source


@durable
def test_bucket__is_shared_by_processes(settings: Settings, store: Store) -> None:
    """Two at once get what one would have got, and a third what is left: nothing."""
    command = [sys.executable, "-m", "tests.support.limits_child", settings.database_url, "80"]
    children = [subprocess.Popen(command, cwd=source.ROOT, stdout=subprocess.PIPE, text=True)
                for _ in range(2)]
    printed = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(printed) == 100
    kept = Limits({REQUESTS: Quota(100, 86_400)}, buckets_of(store))
    refused = kept.take(REQUESTS, "key")
    assert refused is not None
    assert (refused.left, refused.wait_s > 0) == (0, True)
    kept.close()


@durable
def test_bucket__names_nobody(settings: Settings, store: Store, tmp_path: Path) -> None:
    """An address is personal."""
    found = Limits({BAD_KEYS: Quota(10, 60)}, buckets_of(store))
    found.take(BAD_KEYS, "203.0.113.7")
    (kept,) = found._buckets.names()
    assert "." not in kept
    found.close()
    assert not [path for path in tmp_path.rglob("*")
                if path.is_file() and b"203.0.113.7" in path.read_bytes()]
