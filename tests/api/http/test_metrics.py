"""What is counted, and the dashboard that shows it."""

import json
import re
from typing import Any

from api.http.limits import REQUESTS, Quota
from tests.conftest import on_sqlite
from tests.support import source
from tests.support.bodies import order
from tests.support.web import Web

_PART = re.compile("_(bucket|count|sum|total|created)$")


def shown() -> set[str]:
    """The metrics that the dashboard names."""
    board: dict[str, Any] = json.loads((source.ROOT / "deploy/grafana.json").read_text("utf-8"))
    said = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    return {_PART.sub("", name) for name in re.findall(r"\bledger_[a-z_]+", said)}


def values(web: Web) -> dict[str, float]:
    """What /metrics says, by name and labels."""
    text = web.get("/metrics", "operations").text
    return {name: float(value) for name, _, value in
            (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))}


@on_sqlite
def test_dashboard__shows_every_metric_and_no_other(web: Web) -> None:
    web.done("/v1/orders", order(1))
    found = {_PART.sub("", name.partition("{")[0]) for name in values(web)}
    found |= {_PART.sub("", line.split()[2]) for line in
              web.get("/metrics", "operations").text.splitlines() if line.startswith("# TYPE")}
    assert found == shown()


@on_sqlite
def test_metrics__say_how_the_ledger_stands(web: Web) -> None:
    web.done("/v1/orders", order(1))
    found = values(web)
    assert found['ledger_head_position{ledger="main"}'] == web.edge.store.head("main").position
    assert found['ledger_writer_waiting{ledger="main"}'] == 0
    assert found["ledger_replays"] == 0
    assert found["ledger_disk_free_bytes"] > 0


def test_metrics__count_what_limits_refuse(web: Web) -> None:
    web.done("/v1/orders", order(1))
    name = 'ledger_limited_total{code="rate_limited",ledger="main"}'
    before = values(web).get(name, 0)
    web.edge.limits.quotas[REQUESTS] = Quota(1, 3600)
    assert [web.get("/v1/orders").status_code for _ in range(3)] == [200, 429, 429]
    web.edge.limits.quotas.clear()
    assert values(web)[name] == before + 2


@on_sqlite
def test_metrics__measure_each_transaction_that_was_committed(web: Web) -> None:
    """Those of the asker's ledger alone: what is noted of keys is in another."""
    name = 'ledger_commit_seconds_count{ledger="main"}'
    web.done("/v1/orders", order(1))
    before, seconds = values(web)[name], values(web)[name.replace("count", "sum")]
    for number in (2, 3):
        web.done("/v1/orders", order(number))
    web.get("/v1/orders")
    found = values(web)
    assert found[name] == before + 2
    assert seconds < found[name.replace("count", "sum")] < seconds + 10
    assert found['ledger_commit_seconds_bucket{le="+Inf",ledger="main"}'] == found[name]
    assert not any("ledger_commit" in one and 'ledger="main"' not in one for one in found)
