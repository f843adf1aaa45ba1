"""Imports over HTTP: files are uploaded, the work goes on after the answer, faults can be read.

What is uploaded lies in files without a name until it has been read, and nowhere else: those of the
request, which Werkzeug makes so, and copies for the work that goes on.
"""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import marshmallow
import orjson
from flask import Response, request
from werkzeug.datastructures import FileStorage

from api import faulty_rows, sheets
from api.http import shapes, things
from api.http.edge_errors import EDGE, Problem
from api.http.fields import Digits, Text, Word
from api.http.key_ring import Caller
from api.http.limiting import holder
from api.http.metrics import asker, refused
from api.http.noting import Opened, note_reading
from api.http.previewing import PreviewQuery, is_asked
from api.http.problems import RETRY_AFTER_S
from api.http.reading import DAY, DAY_OR_TIME, DEFAULT_LIMIT, MOMENT, PageQuery
from api.http.routes import LARGER_BODIES, READERS, Blueprint, caller, edge
from api.http.runtime import Edge
from api.http.starting import staging_folder
from api.http.things import Things
from api.http.writing import KeyHeaders
from api.import_jobs import FAILED, RUNNING, ImportProgress, Job, RowFaults
from ledger.access.readings import IMPORT
from ledger.common.context import Context
from ledger.common.days import Days
from ledger.common.errors import Fault, InvalidValues, LedgerError
from ledger.common.values import escaped, to_us
from ledger.imports import guessing, profiles
from ledger.imports.choices import POLICIES, REJECT_EVERYTHING, STOCK
from ledger.imports.faults import RowFault
from ledger.imports.faulty_rows import Kept, kept, kept_warnings
from ledger.imports.importer import run_import
from ledger.imports.profile import Profile
from ledger.imports.record import Import
from ledger.imports.sources import Unnamed
from ledger.log.zones import days_of
from ledger.settings import Settings
from projections import imports
from projections.asking.clocks import moment
from projections.asking.periods import period_between
from projections.imports import ImportRow

LARGEST = 64 << 20
"""The most bytes of an upload."""

LARGER_BODIES["/v1/imports"] = LARGEST

TRUST = ("false", "true")
"""Whether long numbers that end in zeros are taken."""

AT_ONCE = 3
"""Imports of one key that run at the same time."""

KEPT = 50
"""Imports of one ledger whose faults can still be read once they are finished."""

OPTIONS = ("profile", "shop", "policy", "stock", "trust_numbers", "as_of")
"""The fields of an upload, beside its files."""

IMPORTERS = {"integration", "operations", "manager"}
"""Who imports, and reads what is personal in rows that were not taken."""

group = Blueprint("imports", __name__, description="Exports of platforms, file by file.")


_jobs: OrderedDict[str, Job] = OrderedDict()
_lock = threading.Lock()


@group.permit("/v1/imports", IMPORTERS, name="import",
              method="POST")
@group.arguments(PreviewQuery(), location="query")
@group.arguments(KeyHeaders(), location="headers")
@group.response(202, shapes.one(ImportProgress))
@group.doc(requestBody={"required": True, "content": {"multipart/form-data": {"schema": {
    "type": "object", "required": ["file"], "properties": {
        "file": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}},
        "profile": {"enum": sorted(profiles.available())}, "shop": {"type": "string"},
        "policy": {"enum": list(POLICIES)}, "stock": {"enum": list(STOCK)},
        "trust_numbers": {"enum": list(TRUST)},
        "as_of": {"type": "string", **DAY_OR_TIME}}}}}})
def upload(query: Mapping[str, str], headers: Mapping[str, str]) -> Response:
    """Import files. They are sent as multipart/form-data: `file` (one or more), and if wanted
    `profile`, `shop`, `policy`, `stock`, `trust_numbers`, and `as_of`, when the files were made.
    Without `profile` it is the only one that has just their columns. With `?preview=true` all is
    checked and counted, and nothing recorded: the key may then be used for the import itself. With
    one key, 3 run at once."""
    request.max_content_length = LARGEST
    options = {name: request.form.get(name) for name in OPTIONS}
    files = request.files.getlist("file")
    known = profiles.available()
    _check(options, known, files=len(files))
    _as_of(options, days_of(edge().store, caller().ledger))
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
        profile = guessing.guessed(copies, guessing.shipped()) if options["profile"] is None \
            else profiles.find(options["profile"])
        with _lock:
            job = _jobs.get(job_id)
            if job is None or (job.state == FAILED and job.digest == digest.hexdigest()):
                _must_have_room(who)
                job = _jobs[job_id] = Job(
                    job_id, who, digest.hexdigest(), profile=profile.name, preview=preview)
                _forget_old(who.ledger)
                threading.Thread(target=_run, args=(here, who, job, copies), daemon=False, kwargs={
                    "profile": profile, "options": options, "until": held.pop_all()},
                                 name=f"import {job_id}").start()
    if job.digest != digest.hexdigest():
        raise Problem("command_reused")
    found = Response(orjson.dumps(job.shown()), 202, content_type="application/json")
    found.headers["Location"] = f"/v1/imports/{job_id}"
    return found


def _must_have_room(who: Caller) -> None:
    """Refuse a key more imports at once than it may have: each has its files, its staged rows and
    its share of the processor. Errors: 429."""
    running = [job for job in _jobs.values()
               if job.state == RUNNING and job.holder == holder(who)]
    if len(running) >= AT_ONCE:
        refused.labels(asker(), "imports_running").inc()
        raise Problem("imports_running", headers={"Retry-After": str(RETRY_AFTER_S)},
                      most=AT_ONCE, wait=RETRY_AFTER_S)


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
    if options["profile"] is not None and options["profile"] not in known:
        faults.append(Fault("/profile", "unknown", f"is not one of {', '.join(sorted(known))}"))
    for name, words in (("policy", POLICIES), ("stock", STOCK), ("trust_numbers", TRUST)):
        if options[name] is not None and options[name] not in words:
            faults.append(Fault(f"/{name}", "unknown", f"is not one of {', '.join(words)}"))
    if faults:
        raise InvalidValues(faults)


def _as_of(options: Mapping[str, str | None], days: Days) -> int | None:
    """When the files were made, in microseconds since 1970. Errors: BadTime (R-PRJ-03)."""
    return None if (text := options["as_of"]) is None else moment("as_of", text, days).at_us


def _staging(here: Edge) -> Path:
    folder = staging_folder(here.settings or Settings.from_environment())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(
    here: Edge, who: Caller, job: Job, files: Sequence[Unnamed], *,
    profile: Profile, options: Mapping[str, str | None], until: ExitStack,
) -> None:
    context = Context(actor=who.actor, role=who.role, client=who.client,
                      correlation=UUID(job.id))
    try:
        summary = run_import(
            here.ledger(who.ledger), files, profile, context=context, shop=options["shop"],
            policy=options["policy"] or REJECT_EVERYTHING, stock=options["stock"],
            trust_numbers=options["trust_numbers"] == "true",
            as_of_us=_as_of(options, days_of(here.store, who.ledger)), dry_run=job.preview,
            staging_dir=_staging(here), progress=job.progress, side_file=here.side_file)
        job.held.callback(summary.close)
        job.summary = summary
        job.state = imports.DONE if summary.ok else (
            imports.PART if summary.accepted else imports.REJECTED)
    except LedgerError as error:
        job.state, job.problem = FAILED, str(error)
    except Exception:
        job.state, job.problem = FAILED, EDGE["our_fault"].words
        raise
    finally:
        until.close()
        here.wrote()


class ImportsQuery(PageQuery):
    """Imports of which state, by which profile, that began on which days."""

    state = Word(imports.STATES)
    profile = Text(longest=100)
    since = Text(longest=MOMENT, data_key="from", metadata=DAY)
    until = Text(longest=MOMENT, data_key="to", metadata=DAY)


def _taking(query: Mapping[str, Any]) -> Callable[[dict[str, Any]], bool]:
    """What lets an import through. Errors: those of `period_between`."""
    period = period_between(query.get("since"), query.get("until"),
                            days=days_of(edge().store, caller().ledger))
    same = [(name, query[name]) for name in ("state", "profile") if name in query]
    return lambda row: all(row[name] == value for name, value in same) and period.holds(
        to_us(datetime.fromisoformat(row["started_at"])))


things.add_list(group, Things(
    "/v1/imports", Import.KIND, "Imports, and what became of each; the newest first.", READERS,
    imports.shown, ImportRow, "-started_at", by_age=True, query=ImportsQuery, taking=_taking))


def _job(name: str) -> Job | None:
    """An import that this server knows since it ran here."""
    job = _jobs.get(name)
    return job if job is not None and job.ledger == caller().ledger else None


def _recorded(name: str) -> dict[str, Any] | None:
    """An import as the ledger has it, by its own id or that of its upload, if it has it."""
    here, who, job = edge(), caller(), _job(name)
    stream = imports.stream_of(name)
    if job is not None and not job.preview:
        stream = None if job.summary is None else f"import:{job.summary.import_id}"
    elif stream is None and _is_upload(name):
        known = here.side_file.import_of(here.store.id_of(who.ledger), UUID(name).bytes)
        stream = known and f"import:{known}"
    return imports.read(here.store, who.ledger, stream) if stream else None


_is_upload = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


def _must_be(found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        raise Problem("import_unknown")
    return found


def _kept(found: dict[str, Any]) -> Kept:
    """The faulty rows of an import. Errors: FaultyRowsGone (R-IMP-32, 410), SideFileUnusable
    (R-IMP-33)."""
    return _aside(kept, found) if found["faults"] else Kept({}, iter(()))


def _aside(read: Callable[..., Any], found: dict[str, Any]) -> Any:
    """What the side file has of an import. Errors: as above."""
    here, ledger = edge(), edge().ledger(caller().ledger)
    return read(here.side_file, ledger.id, found["import"].partition(":")[2],
                now=ledger.clock.wall())


@group.permit("/v1/imports/<job>", READERS, name="import-progress")
@group.response(200, shapes.one(ImportProgress))
def progress(job: str) -> Response:
    """How far an import has come, and its state. Its id is that of its upload, or its own."""
    found = _job(job)
    shown = _as_recorded(job, _must_be(_recorded(job))) if found is None else found.shown()
    return Response(orjson.dumps(shown), content_type="application/json")


def _as_recorded(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """An import that ran elsewhere or before, as far as the ledger knows of it."""
    counts = found["completed"] and {
        **found["completed"], "older": None, "events": None, "position": found["position"]}
    return {"import": name, "preview": False, "profile": found["profile"],
            "state": found["state"], "stage": "",
            "done": found["rows"] if counts else 0, "total": found["rows"], "counts": counts,
            "problem": None, "faults": sum(one["count"] for one in found["faults"]),
            "warnings": sum(one["count"] for one in found["warnings"]), "recorded": found}


class FaultsQuery(marshmallow.Schema):
    """Which faults or warnings."""

    limit = Digits(least=1, most=1000)
    after = Digits(metadata={"description": "How many to leave out."})


class FoundQuery(FaultsQuery):
    """Which faults, and in which form."""

    format = Word(("json", *faulty_rows.FORMS), load_default="json")


@group.permit("/v1/imports/<job>/faults", READERS, name="import-faults")
@group.arguments(FoundQuery(), location="query")
@group.response(200, shapes.one(RowFaults))
@group.doc(**{"x-also": list(sheets.TYPES.values())})
def faults(query: Mapping[str, Any], job: str) -> Response:
    """What is wrong in the files: file, row, column, code, rule; never a personal value. As CSV or
    as Excel: the rows themselves, as they were, with what is personal masked."""
    if query["format"] != "json":
        return _sheet(_must_be(_recorded(job)), query["format"], opened=False)
    known = _job(job)
    if known is None:
        return _listed(faulty_rows.faults_of(_kept(_must_be(_recorded(job)))), query)
    return _listed(known.summary.faults if known.summary else (), query)


class RowsQuery(marshmallow.Schema):
    """In which form rows are wanted."""

    format = Word(faulty_rows.FORMS, load_default="csv")


@group.permit("/v1/imports/<job>/rows", IMPORTERS, name="import-rows")
@group.arguments(RowsQuery(), location="query")
@group.response(200, {"type": "string"}, content_type=sheets.TYPES["csv"])
@group.doc(**{"x-also": [sheets.TYPES["xlsx"]]})
def rows(query: Mapping[str, Any], job: str) -> Response:
    """The rows with faults as they were, with what is personal in them, to mend and import again.
    Who reads them is noted."""
    found = _recorded(job)
    note_reading(edge().store.head(caller().ledger).position,
                 about=found["import"] if found else None, opened=Opened(IMPORT, ("rows",)))
    return _sheet(_must_be(found), query["format"], opened=True)


def _sheet(found: dict[str, Any], form: str, *, opened: bool) -> Response:
    rows = _kept(found)
    content = b"".join(faulty_rows.as_csv(rows, opened=opened)) if form == "csv" \
        else faulty_rows.as_xlsx(rows, opened=opened)
    answer = Response(content, content_type=sheets.TYPES[form])
    name = found["import"].replace(":", "-")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return answer


@group.permit("/v1/imports/<job>/warnings", READERS, name="import-warnings")
@group.arguments(FaultsQuery(), location="query")
@group.response(200, shapes.one(RowFaults))
def warnings(query: Mapping[str, Any], job: str) -> Response:
    """What was read otherwise than it is printed, such as full-width digits of an order number."""
    known = _job(job)
    if known is None:
        found = _must_be(_recorded(job))
        return _listed(_aside(kept_warnings, found) if found["warnings"] else (), query)
    return _listed(known.summary.warnings if known.summary else (), query)


def _listed(found: Iterable[RowFault], query: Mapping[str, Any]) -> Response:
    after, limit = query.get("after", 0), query.get("limit", DEFAULT_LIMIT)
    shown = [fault._asdict() for fault in islice(found, after, after + limit)]
    return Response(orjson.dumps({"items": shown}), content_type="application/json")
