"""For operators: is it alive, can it work, how much does it do, which version is it."""

import logging
import os
import shutil
import sys
import time
from typing import Annotated, Any
from uuid import uuid4

import orjson
from flask import Flask, Response, g, request
from msgspec import UNSET, UnsetType
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from api.http import shapes
from api.http.problems import detail_of
from api.http.routes import PUBLIC, Blueprint, edge
from api.http.runtime import Edge
from ledger import __version__
from ledger.common.errors import LedgerError
from ledger.log.sqlite import SqliteStore
from ledger.log.store import StorageFailed
from projections.asking.columns import Columns, says

LEAST_DISK = 256 << 20
"""Free bytes below which it is not ready."""

LAG = 100_000
"""Events by which a read model may lag."""

group = Blueprint("operations", __name__, description="For those who run it.")

registry = CollectorRegistry()
requests = Counter("ledger_requests", "Requests answered", ["endpoint", "status"],
                   registry=registry)
seconds = Histogram("ledger_request_seconds", "How long answers took", ["endpoint"],
                    registry=registry)
head = Gauge("ledger_head_position", "The last position", ["ledger"], registry=registry)
lag = Gauge("ledger_projection_lag", "Events that a read model is behind",
            ["ledger", "projection"], registry=registry)


class Alive(Columns):
    """That the process is alive."""

    ok: Annotated[bool, says("It is true.")]


class Check(Columns):
    """Whether one thing is as it has to be, and what was found of it."""

    ok: Annotated[bool, says("Whether it is.")]
    found: Annotated[str | UnsetType | None, says(
        "The schema that was found; there of the schema, null where there is none yet.")] = UNSET
    needed: Annotated[str | UnsetType, says("The schema that is needed.")] = UNSET
    position: Annotated[int | UnsetType, says(
        "Where a read model is; there of read models.")] = UNSET
    lag: Annotated[int | UnsetType, says("How many events it is behind.")] = UNSET
    stopped: Annotated[bool | UnsetType, says("Whether an error has stopped it.")] = UNSET
    free_bytes: Annotated[int | UnsetType, says("The free space; there of the disk.")] = UNSET
    code: Annotated[str | UnsetType, says("The error's code; there of an error.")] = UNSET
    rule: Annotated[str | UnsetType, says("Its rule.")] = UNSET
    detail: Annotated[str | UnsetType, says("What is wrong.")] = UNSET


class Ready(Columns):
    """Whether the server can work."""

    ok: Annotated[bool, says("Whether all checks are well.")]
    checks: Annotated[dict[str, Check], says("The checks, by their names.")]


class Version(Columns):
    """Which version is running."""

    version: Annotated[str, says("The version of the program.")]
    api: Annotated[str, says("The version of the API.")]


@group.permit("/livez", PUBLIC, name="livez")
@group.response(200, shapes.one(Alive))
def livez() -> Response:
    """Whether the process is alive."""
    return Response(b'{"ok":true}', content_type="application/json")


@group.permit("/readyz", PUBLIC, name="readyz")
@group.response(200, shapes.one(Ready))
@group.alt_response(503, schema=shapes.one(Ready))
def readyz() -> Response:
    """Whether it can work: schema, keys, writers, read models, the log's file, disk. 503 if not.

    A ledger that would refuse whatever is sent says why: its keys are others, a newer program has
    written to it, its head is not where it ends."""
    checks = _checks()
    status = 200 if all(check["ok"] for check in checks.values()) else 503
    return Response(orjson.dumps({"ok": status == 200, "checks": checks}), status,
                    content_type="application/json")


def _checks() -> dict[str, dict[str, Any]]:
    here = edge()
    found: dict[str, dict[str, Any]] = {}
    schema, needed = here.store.schema()
    found["schema"] = {"ok": schema in (None, needed), "found": schema, "needed": needed}
    found["keys"] = _answered(_keys_fault(here))
    for name, error in here.writers().items():
        found[f"{name}/writer"] = _answered(error)
    for name in here.served():
        for status in here.models.status(name):
            found[f"{name}/{status.projection}"] = {
                "ok": status.error is None and status.lag < LAG, "position": status.position,
                "lag": status.lag, "stopped": status.error is not None}
    if isinstance(here.store, SqliteStore):
        free = shutil.disk_usage(here.store.path.parent).free
        path = here.store.path
        found["writable"] = {"ok": all(os.access(one, os.W_OK) for one in (path, path.parent))}
        found["disk"] = {"ok": free > LEAST_DISK, "free_bytes": free}
    return found


def _keys_fault(here: Edge) -> LedgerError | None:
    """Why no key can be read now."""
    try:
        here.keys.master_row()
    except StorageFailed as error:
        return error
    return None


def _answered(error: LedgerError | None) -> dict[str, Any]:
    return {"ok": True} if error is None else {
        "ok": False, "code": error.code, "rule": error.rule, "detail": detail_of(error)}


@group.permit("/metrics", {"admin", "auditor", "operations"}, name="metrics")
@group.response(200, content_type="text/plain")
def metrics() -> Response:
    """Counters for Prometheus: no names, no amounts."""
    here = edge()
    for name in here.served():
        head.labels(name).set(here.store.head(name).position)
        for status in here.models.status(name):
            lag.labels(name, status.projection).set(status.lag)
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4")


@group.permit("/version", PUBLIC, name="version")
@group.response(200, shapes.one(Version))
def version_() -> Response:
    """Which version is running."""
    return Response(orjson.dumps({"version": __version__, "api": "v1"}),
                    content_type="application/json")


# -- every request --------------------------------------------------------------------------------


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {"at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname,
                "logger": record.name, "message": record.getMessage(),
                **getattr(record, "fields", {})}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


log = logging.getLogger("ledger.requests")


def install(app: Flask) -> None:
    """Give every request an id, a line in the log, and a place in the counters."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    own = logging.getLogger("ledger")
    if not own.handlers:
        own.addHandler(handler)
        own.setLevel(logging.INFO)
        own.propagate = False
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if given.isascii() and given.replace("-", "").isalnum() \
        and len(given) <= 64 else uuid4().hex
    g.begun = time.perf_counter()


def _end(response: Response) -> Response:
    took = time.perf_counter() - g.get("begun", time.perf_counter())
    endpoint = request.endpoint or "none"
    requests.labels(endpoint, response.status_code).inc()
    seconds.labels(endpoint).observe(took)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'")
    response.headers.setdefault("Cache-Control", "no-store")
    who = g.get("caller")
    log.info("%s %s %s", request.method, endpoint, response.status_code, extra={"fields": {
        "request": g.get("request_id"), "ms": round(took * 1000, 2),
        "key": None if who is None else who.key}})
    return response
