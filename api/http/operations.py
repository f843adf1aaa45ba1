"""For operators: is it alive, can it work, how much does it do, which version is it."""

import logging
import os
import shutil
import time
from contextlib import suppress
from functools import cache, partial
from typing import Annotated, Any

import orjson
from flask import Flask, Response, g, request
from msgspec import UNSET, UnsetType
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from api.http import limiting, logs, shapes
from api.http.key_ring import Caller
from api.http.metrics import asker, counted, requests, seconds
from api.http.problems import detail_of
from api.http.routes import PUBLIC, Blueprint, bearer, caller, edge
from api.http.runtime import Edge
from ledger import __version__
from ledger.common.errors import LedgerError
from ledger.log.randomness import random_16
from ledger.log.sqlite import SqliteStore
from ledger.log.store import SUFFIX, StorageFailed
from projections.asking import giving_way
from projections.asking.columns import Columns, says
from projections.asking.past import under_way

LEAST_DISK = 256 << 20
"""Free bytes below which it is not ready."""

LAG = 100_000
"""Events by which a read model may lag."""

group = Blueprint("operations", __name__, description="For those who run it.")

OPERATORS = frozenset({"admin", "auditor", "operations"})
"""Who runs it: they learn what is wrong, and of their own ledger only."""

READ_MODELS = "read_models"


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

    Everybody learns which kind of check failed. With a key of an admin, an auditor or operations it
    says of that key's ledger why it would refuse whatever is sent: its keys are others, a newer
    program has written to it, its head is not where it ends."""
    found = checks(edge())
    ready = all(check["ok"] for check in found.values())
    _log_failures(found)
    who = None
    with suppress(LedgerError):  # nobody can be known while keys cannot be read
        who = bearer()
    return Response(orjson.dumps({"ok": ready, "checks": _shown(found, who)}),
                    200 if ready else 503, content_type="application/json")


def _shown(found: dict[str, dict[str, Any]], who: Caller | None) -> dict[str, dict[str, Any]]:
    """The checks by their kinds, with what was found for those who run it."""
    whole = who is not None and who.role in OPERATORS
    shown: dict[str, dict[str, Any]] = {}
    for name, check in found.items():
        ledger, _, kind = name.rpartition("/")
        if not ledger:
            shown[name] = check if whole else {"ok": check["ok"]}
            continue
        if whole and who is not None and ledger in (who.ledger, who.ledger + SUFFIX):
            shown[name] = check
        kind = kind if kind == "writer" else READ_MODELS
        shown[kind] = {"ok": check["ok"] and shown.get(kind, {"ok": True})["ok"]}
    return shown


_failed: set[str] = set()


def _log_failures(found: dict[str, dict[str, Any]]) -> None:
    """Say in the log what has begun to fail since it was last asked."""
    failing = {name for name, check in found.items() if not check["ok"]}
    for name in sorted(failing - _failed):
        log_edge.error("not ready: %s: %s", name, found[name].get("code", found[name]))
    _failed.clear()
    _failed.update(failing)


def checks(here: Edge) -> dict[str, dict[str, Any]]:
    """All checks of an installation; those of a ledger as LEDGER/writer and LEDGER/PROJECTION. The
    read models of a ledger that nobody has asked for are caught up after it was looked at."""
    found: dict[str, dict[str, Any]] = {}
    schema, needed = here.store.schema()
    found["schema"] = {"ok": schema in (None, needed), "found": schema, "needed": needed}
    found["keys"] = _answered(_keys_fault(here))
    for name, error in here.writers().items():
        found[f"{name}/writer"] = _answered(error)
    for name in [one for one in here.store.ledgers() if not one.endswith(SUFFIX)]:
        for status in here.models.status(name):
            ok = status.error is None and status.lag < LAG
            found[f"{name}/{status.projection}"] = {
                "ok": ok, "position": status.position, "lag": status.lag,
                "stopped": status.error is not None}
            if not ok and name not in here.served():
                here.later(partial(here.begin, name))
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


@group.permit("/metrics", OPERATORS, name="metrics")
@group.response(200, content_type="text/plain")
def metrics() -> Response:
    """Counters for Prometheus, of this process and of the ledger of the key: no amounts."""
    here, name, own = edge(), caller().ledger, CollectorRegistry()
    head = Gauge("ledger_head_position", "The last position", ["ledger"], registry=own)
    lag = Gauge("ledger_projection_lag", "Events that a read model is behind",
                ["ledger", "projection"], registry=own)
    waiting = Gauge("ledger_writer_waiting", "Commands that wait for the writer", ["ledger"],
                    registry=own)
    head.labels(name).set(here.store.head(name).position)
    waiting.labels(name).set(here.ledger(name).waiting)
    for status in here.models.status(name):
        lag.labels(name, status.projection).set(status.lag)
    Gauge("ledger_replays", "Questions about the past of everything under way",
          registry=own).set(under_way())
    if isinstance(here.store, SqliteStore):
        Gauge("ledger_disk_free_bytes", "Free space where the log lies", registry=own).set(
            shutil.disk_usage(here.store.path.parent).free)
    return Response(counted(name) + generate_latest(own),
                    content_type="text/plain; version=0.0.4")


@group.permit("/version", PUBLIC, name="version")
@group.response(200, shapes.one(Version))
def version_() -> Response:
    """Which version is running."""
    return Response(orjson.dumps({"version": __version__, "api": "v1"}),
                    content_type="application/json")


# -- every request --------------------------------------------------------------------------------


log = logging.getLogger("ledger.requests")
log_edge = logging.getLogger("ledger.edge")


def install(app: Flask) -> None:
    """Give every request an id, a line in the log, and a place in the counters."""
    logs.install()
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(lambda _: giving_way.process.end())


def _begin() -> None:
    giving_way.process.begin()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if given.isascii() and given.replace("-", "").isalnum() \
        and len(given) <= 64 else random_16().hex()
    g.begun = time.perf_counter()


UNLESS_SAID = {"X-Content-Type-Options": "nosniff",
               "Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store"}
"""Headers of every answer that does not say otherwise."""


@cache
def _counters(ledger: str, endpoint: str, status: int) -> tuple[Counter, Histogram]:
    """What counts the answers of a status, and what measures those of an endpoint."""
    return requests.labels(ledger, endpoint, status), seconds.labels(ledger, endpoint)


def _end(response: Response) -> Response:
    took = time.perf_counter() - g.get("begun", time.perf_counter())
    endpoint = request.endpoint or "none"
    answers, times = _counters(asker(), endpoint, response.status_code)
    answers.inc()
    times.observe(took)
    limiting.say(response)
    said = {name.lower() for name, _ in response.headers}
    response.headers.extend([("X-Request-Id", g.get("request_id", "")), *(
        one for one in UNLESS_SAID.items() if one[0].lower() not in said)])
    if log.isEnabledFor(logging.INFO):  # `log.info` would look for the line of code that calls it
        log.handle(log.makeRecord(
            log.name, logging.INFO, "", 0, "%s %s %s",
            (request.method, endpoint, response.status_code), None,
            extra={"fields": {"ms": round(took * 1000, 2)}}))
    return response
