"""What a process counts for Prometheus: `GET /metrics` shows it."""

from prometheus_client import CollectorRegistry, Counter, Histogram

registry = CollectorRegistry()
"""All of it; no label names a ledger, a key or a person."""

requests = Counter("ledger_requests", "Requests answered", ["endpoint", "status"],
                   registry=registry)
seconds = Histogram("ledger_request_seconds", "How long answers took", ["endpoint"],
                    registry=registry)
refused = Counter("ledger_limited", "Requests refused by a limit", ["code"], registry=registry)
