"""What a process counts for Prometheus: `GET /metrics` shows a key what is of its own ledger."""

from collections.abc import Iterator

from flask import g
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import Metric

registry = CollectorRegistry()
"""All of it. The label `ledger` is the ledger of a request's key; no label names a key or a person.
"""

requests = Counter("ledger_requests", "Requests answered", ["ledger", "endpoint", "status"],
                   registry=registry)
seconds = Histogram("ledger_request_seconds", "How long answers took", ["ledger", "endpoint"],
                    registry=registry)
commits = Histogram("ledger_commit_seconds", "How long the writer's transactions took, from "
                    "waiting for the head to the commit", ["ledger"], registry=registry,
                    buckets=(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5))
refused = Counter("ledger_limited", "Requests refused by a limit", ["ledger", "code"],
                  registry=registry)


def asker() -> str:
    """The ledger of the key of the request under way; empty where none opened anything."""
    return str(g.caller.ledger) if "caller" in g else ""


class _Of(CollectorRegistry):
    """What was counted of one ledger, and of requests without a key."""

    def __init__(self, ledger: str) -> None:
        super().__init__()
        self._shown = ("", ledger)

    def collect(self) -> Iterator[Metric]:
        for metric in registry.collect():
            metric.samples = [one for one in metric.samples
                              if one.labels.get("ledger", "") in self._shown]
            yield metric


def counted(ledger: str) -> bytes:
    """What was counted of a ledger, and of requests without a key, as Prometheus reads it: what
    other ledgers are asked is nobody else's business."""
    return generate_latest(_Of(ledger))
