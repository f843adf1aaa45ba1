"""Imports over HTTP: files are uploaded, the work goes on after the answer, faults can be read.

What is uploaded lies in files without a name until it has been read, and nowhere else: those of the
request, which Werkzeug makes so, and copies for the work that goes on.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5

import marshmallow
import msgspec
import orjson
from flask import Response, request
from msgspec import field
from werkzeug.datastructures import FileStorage

from api.http import shapes, things
from api.http.edge_errors import EDGE, Problem
from api.http.fields import Digits
from api.http.key_ring import Caller
from api.http.previewing import PreviewQuery, is_asked
from api.http.reading import DAY_OR_TIME, DEFAULT_LIMIT
from api.http.routes import LARGER_BODIES, READERS, Blueprint, caller, edge
from api.http.runtime import Edge
from api.http.starting import staging_folder
from api.http.things import Things
from api.http.writing import KeyHeaders
from ledger.common.context import Context
from ledger.common.errors import Fault, InvalidValues, LedgerError
from ledger.common.values import escaped, from_us, rfc3339
from ledger.core import event_types
from ledger.imports import profiles
from ledger.imports.choices import POLICIES, REJECT_EVERYTHING, STOCK
from ledger.imports.faults import RowFault
from ledger.imports.importer import run_import
from ledger.imports.record import Import
from ledger.imports.sources import Unnamed
from ledger.imports.summary import Summary
from ledger.log.envelope import Entry
from ledger.settings import Settings
from projections.asking.clocks import moment
from projections.asking.columns import Columns, Subject, Time, code, says

LARGEST = 64 << 20
"""The most bytes of an upload."""

LARGER_BODIES["/v1/imports"] = LARGEST

TRUST = ("false", "true")
"""Whether long numbers that end in zeros are taken."""

KEPT = 50
"""Imports of one ledger whose faults can still be read once they are finished."""

OPTIONS = ("profile", "shop", "policy", "stock", "trust_numbers", "as_of")
"""The fields of an upload, beside its files."""

group = Blueprint("imports", __name__, description="Exports of platforms, file by file.")


STATES = RUNNING, DONE, REJECTED, PART, FAILED = ("running", "done", "rejected", "part", "failed")
"""How an import stands: all of it was taken, nothing, or a part; or it failed."""


class ImportCounts(Columns):
    """What an import did."""

    rows: Annotated[int, says("The data rows of all files.")]
    accepted: Annotated[int, says("Rows that were recorded.")]
    rejected: Annotated[int, says("Rows in which something is wrong.")]
    duplicates: Annotated[int, says("Rows that brought nothing new.")]
    older: Annotated[int, says("Of these, rows that are older news than what is known.")]
    erased: Annotated[int, says("Rows that name something of somebody who was erased.")]
    events: Annotated[int, says("Events that were recorded.")]
    position: Annotated[int, says("The head of the log.")]


class ImportProgress(Columns):
    """How far an import has come, and what came of it."""

    id: Annotated[str, says("The import.")] = field(name="import")
    preview: Annotated[bool, says("Whether it is only tried, and nothing is recorded.")]
    state: Annotated[str, code(*STATES)]
    stage: Annotated[str, says("What is being done.")]
    done: Annotated[int, says("How much of it is done.")]
    total: Annotated[int | None, says("How much of it there is; null where that is not known.")]
    counts: Annotated[ImportCounts | None, says("What it did; null while it runs.")]
    problem: Annotated[str | None, says("Why it failed; null where it did not.")]
    faults: Annotated[int, says("How many faults there are.")]
    warnings: Annotated[int, says("How many warnings there are.")]


class FaultRow(Columns):
    """One thing that is wrong in a file, or was read otherwise than it is printed."""

    file: Annotated[str, says("The file.")]
    row: Annotated[int, says("The row, the header is 1; 0: the file as a whole.")]
    column: Annotated[str, says("The column; empty: the row as a whole.")]
    value: Annotated[str, says("What stands there; what is personal is hidden.")]
    code: Annotated[str, says("The code of the fault.")]
    rule: Annotated[str, says("Its rule.")]
    reason: Annotated[str, says("What is wrong.")]


class RowFaults(Columns):
    """Faults or warnings of an import."""

    items: Annotated[list[FaultRow], says("By file and row.")]


class Job:
    """An import that goes on after its answer."""

    def __init__(self, job: str, ledger: str, digest: str, *, preview: bool) -> None:
        self.id, self.ledger, self.digest, self.preview = job, ledger, digest, preview
        self.state, self.stage, self.done, self.total = RUNNING, "", 0, 0
        self.problem: str | None = None
        self.summary: Summary | None = None
        self.held = ExitStack()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Take what `run_import` reports."""
        self.stage, self.done, self.total = stage, done, total

    def shown(self) -> dict[str, Any]:
        """How far it has come, and what came of it."""
        counts = self.summary.counts() if self.summary is not None else None
        return {"import": self.id, "preview": self.preview, "state": self.state,
                "stage": self.stage, "done": self.done, "total": self.total, "counts": counts,
                "problem": self.problem,
                "faults": 0 if self.summary is None else self.summary.fault_count,
                "warnings": 0 if self.summary is None else self.summary.warning_count}


_jobs: OrderedDict[str, Job] = OrderedDict()
_lock = threading.Lock()


@group.permit("/v1/imports", {"integration", "operations", "manager"}, name="import",
              method="POST")
@group.arguments(PreviewQuery(), location="query")
@group.arguments(KeyHeaders(), location="headers")
@group.response(202, shapes.one(ImportProgress))
@group.doc(requestBody={"required": True, "content": {"multipart/form-data": {"schema": {
    "type": "object", "required": ["file", "profile"], "properties": {
        "file": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}},
        "profile": {"enum": sorted(profiles.available())}, "shop": {"type": "string"},
        "policy": {"enum": list(POLICIES)}, "stock": {"enum": list(STOCK)},
        "trust_numbers": {"enum": list(TRUST)},
        "as_of": {"type": "string", **DAY_OR_TIME}}}}}})
def upload(query: Mapping[str, str], headers: Mapping[str, str]) -> Response:
    """Import files. They are sent as multipart/form-data: `file` (one or more), `profile`, and if
    wanted `shop`, `policy`, `stock`, `trust_numbers`, and `as_of`, when the files were made. With
    `?preview=true` all is checked and counted, and nothing recorded: the key may then be used for
    the import itself."""
    request.max_content_length = LARGEST
    options = {name: request.form.get(name) for name in OPTIONS}
    files = request.files.getlist("file")
    known = profiles.available()
    _check(options, known, files=len(files))
    _as_of(options)
    who = caller()
    key = orjson.dumps([who.ledger_id, who.actor, headers["idempotency_key"]]).decode()
    preview = is_asked(query)
    job_id = str(uuid5(NAMESPACE_URL, f"{'preview' if preview else 'import'}:{key}"))
    here = edge()
    with ExitStack() as held:
        copies: list[Unnamed] = []
        digest = hashlib.sha256(orjson.dumps(options))
        for file in files:
            copy = Unnamed(_name_of(file), file.stream, _staging(here))
            held.callback(copy.close)
            if any(copy.digest == other.digest for other in copies):
                raise InvalidValues([Fault("/file", "twice", "is given twice")])
            digest.update(copy.digest)
            copies.append(copy)
        with _lock:
            job = _jobs.get(job_id)
            if job is None or (job.state == FAILED and job.digest == digest.hexdigest()):
                job = _jobs[job_id] = Job(
                    job_id, who.ledger, digest.hexdigest(), preview=preview)
                _forget_old(who.ledger)
                threading.Thread(target=_run, args=(here, who, job, copies), daemon=False,
                                 kwargs={"options": options, "until": held.pop_all()},
                                 name=f"import {job_id}").start()
    if job.digest != digest.hexdigest():
        raise Problem("command_reused")
    found = Response(orjson.dumps(job.shown()), 202, content_type="application/json")
    found.headers["Location"] = f"/v1/imports/{job_id}"
    return found


def _forget_old(ledger: str) -> None:
    """Let go of the imports of a ledger beyond those that are kept, the oldest first."""
    own = [job for job in _jobs.values() if job.ledger == ledger]
    for job in own[:max(0, len(own) - KEPT)]:
        if job.state == RUNNING:
            break
        _jobs.pop(job.id).held.close()


def _name_of(file: FileStorage) -> str:
    return Path(file.filename or "file.csv").name[:80] or "file.csv"


def _check(options: Mapping[str, str | None], known: Mapping[str, Any], *, files: int) -> None:
    faults = [Fault(f"/{escaped(name)}", "unknown_field", "is no field here")
              for name in sorted({*request.form} - {*OPTIONS} | {*request.files} - {"file"})]
    faults += [Fault(f"/{escaped(name)}", "twice", "is given twice")
               for name, values in request.form.lists() if len(values) > 1]
    if not files:
        faults.append(Fault("/file", "missing", "is needed: the export"))
    if options["profile"] not in known:
        faults.append(Fault("/profile", "unknown", f"is not one of {', '.join(sorted(known))}"))
    for name, words in (("policy", POLICIES), ("stock", STOCK), ("trust_numbers", TRUST)):
        if options[name] is not None and options[name] not in words:
            faults.append(Fault(f"/{name}", "unknown", f"is not one of {', '.join(words)}"))
    if faults:
        raise InvalidValues(faults)


def _as_of(options: Mapping[str, str | None]) -> int | None:
    """When the files were made, in microseconds since 1970. Errors: BadTime (R-PRJ-03)."""
    return None if (text := options["as_of"]) is None else moment("as_of", text).at_us


def _staging(here: Edge) -> Path:
    folder = staging_folder(here.settings or Settings.from_environment())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(
    here: Edge, who: Caller, job: Job, files: Sequence[Unnamed], *,
    options: Mapping[str, str | None], until: ExitStack,
) -> None:
    context = Context(actor=who.actor, role=who.role, client=f"key:{who.key}")
    try:
        summary = run_import(
            here.ledger(who.ledger), files, profiles.find(options["profile"] or ""),
            context=context, shop=options["shop"], policy=options["policy"] or REJECT_EVERYTHING,
            stock=options["stock"], trust_numbers=options["trust_numbers"] == "true",
            as_of_us=_as_of(options), dry_run=job.preview, staging_dir=_staging(here),
            progress=job.progress)
        job.held.callback(summary.close)
        job.summary = summary
        job.state = DONE if summary.ok else REJECTED if not summary.accepted else PART
    except LedgerError as error:
        job.state, job.problem = FAILED, str(error)
    except Exception:
        job.state, job.problem = FAILED, EDGE["our_fault"].words
        raise
    finally:
        until.close()
        here.wrote()


class ImportedFile(Columns):
    """A file that was imported."""

    name: Annotated[str, says("Its name.")]
    bytes: Annotated[int, says("Its size.")]
    rows: Annotated[int, says("Its data lines.")]
    encoding: Annotated[str | None, says("How its text was encoded; empty where it is none.")]


class Decided(Columns):
    """What became of the rows of an import."""

    rows: Annotated[int, says("All rows: those that follow added up.")]
    accepted: Annotated[int, says("Rows that were recorded.")]
    rejected: Annotated[int, says("Rows that were rejected.")]
    duplicates: Annotated[int, says("Rows that brought nothing new.")]
    erased: Annotated[int, says("Rows that name somebody who was erased.")]


class ImportRow(Columns):
    """An import that recorded something."""

    stream: Annotated[Subject, says("The stream of the import.")] = field(name="import")
    started_at: Annotated[Time, says("When it began.")]
    by: Annotated[str, says("Who imported it.")]
    files: Annotated[list[ImportedFile], says("Its files.")]
    profile: Annotated[str, says("The profile by which they were read.")]
    channel: Annotated[str | None, says("The channel, if it is known.")]
    shop: Annotated[str | None, says("The shop, if it is one.")]
    policy: Annotated[str, says("What becomes of good rows where others are rejected.")]
    rows: Annotated[int, says("How many rows it has.")]
    completed: Annotated[Decided | None, says("What became of its rows; null until then.")]
    position: Annotated[int, says("The position of its last event.")]


def _import(entries: Sequence[Entry]) -> dict[str, Any]:
    """An import as the ledger has it. Shapes: import (its stream), started_at, by, files (objects
    of name, bytes, rows, encoding), profile, channel, shop, policy, rows, completed (rows,
    accepted, rejected, duplicates, erased; None until then), position."""
    first = event_types.decode(entries[0])
    ends = [event for event in map(event_types.decode, entries)
            if isinstance(event, Import.Completed)]
    return {
        "import": entries[0].stream, "started_at": rfc3339(from_us(entries[0].recorded_at)),
        "by": entries[0].actor, "files": msgspec.to_builtins(first.files),
        "profile": first.profile, "channel": first.channel or None, "shop": first.shop or None,
        "policy": first.policy, "rows": first.rows,
        "completed": {name: getattr(ends[-1], name) for name in (
            "rows", "accepted", "rejected", "duplicates", "erased")} if ends else None,
        "position": entries[-1].position}


things.add_list(group, Things("/v1/imports", Import.KIND, "Imports that recorded something.",
                              READERS, _import, ImportRow))


def _job(name: str) -> Job:
    job = _jobs.get(name)
    if job is None or job.ledger != caller().ledger:
        raise Problem("import_unknown")
    return job


@group.permit("/v1/imports/<job>", READERS, name="import-progress")
@group.response(200, shapes.one(ImportProgress))
def progress(job: str) -> Response:
    """How far an import has come, and its state: running, done, part, rejected or failed."""
    return Response(orjson.dumps(_job(job).shown()), content_type="application/json")


class FaultsQuery(marshmallow.Schema):
    """Which faults or warnings."""

    limit = Digits(least=1, most=1000)
    after = Digits(metadata={"description": "How many to leave out."})


@group.permit("/v1/imports/<job>/faults", READERS, name="import-faults")
@group.arguments(FaultsQuery(), location="query")
@group.response(200, shapes.one(RowFaults))
def faults(query: Mapping[str, Any], job: str) -> Response:
    """What is wrong in the files: file, row, column, code, rule; never a personal value."""
    summary = _job(job).summary
    return _listed(summary.faults if summary else (), query)


@group.permit("/v1/imports/<job>/warnings", READERS, name="import-warnings")
@group.arguments(FaultsQuery(), location="query")
@group.response(200, shapes.one(RowFaults))
def warnings(query: Mapping[str, Any], job: str) -> Response:
    """What was read otherwise than it is printed, such as full-width digits of an order number."""
    summary = _job(job).summary
    return _listed(summary.warnings if summary else (), query)


def _listed(found: Iterable[RowFault], query: Mapping[str, Any]) -> Response:
    after, limit = query.get("after", 0), query.get("limit", DEFAULT_LIMIT)
    shown = [fault._asdict() for fault in islice(found, after, after + limit)]
    return Response(orjson.dumps({"items": shown}), content_type="application/json")
