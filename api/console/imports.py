"""The pages of imports: a file is tried first, then recorded as it was tried; its faults as a file.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import IO, Any

from flask import Response, redirect, request

from api.console import asking, lists, pages
from api.console.asking import ask, at, may
from api.console.tables import part
from api.http.edge_errors import Problem
from api.http.routes import LARGER_BODIES, caller
from api.import_jobs import FaultRow
from api.imports import LARGEST, OPTIONS, TRUST
from ledger.imports import profiles
from ledger.imports.choices import POLICIES, STOCK
from projections.imports import STATES, ImportRow

LARGER_BODIES["/imports/new"] = LARGEST

KEPT, KEPT_S = 20, 3600
"""How many files that were tried are kept for being recorded, and for how long."""

SHOWN = 200
"""So many faults are on a page; the file has all that the API has of them."""

FORM_OPTIONS = tuple(name for name in OPTIONS if name != "as_of")


class Tried:
    """Files that were tried by a visitor, how, and the import that they became."""

    def __init__(
        self, files: list[tuple[str, IO[bytes]]], fields: dict[str, str], key: str
    ) -> None:
        self.actor, self.at = caller().actor, time.monotonic()
        self.files, self.fields, self.key = files, fields, key
        self.became: str | None = None
        self._lock = threading.Lock()

    def record(self) -> str:
        """Record the files; returns the import. Of two who ask at once the other waits for the
        same: a file is read by one at a time. Errors: Declined."""
        with self._lock:
            if self.became is None:
                self.became = str(_send(self, preview=False)["import"])
                self.close()
            return self.became

    def close(self) -> None:
        """Let go of the files."""
        for _, content in self.files:
            content.close()


_tried: OrderedDict[str, Tried] = OrderedDict()
_lock = threading.Lock()


@pages.page("/imports", "imports")
def imports() -> Response:
    """What was imported, the newest first."""
    query = {name: value for name, value in request.args.items() if value and name in (
        "state", "profile", "from", "to", "sort", "cursor", "limit", *pages.CLOCKS)}
    found = ask("/v1/imports", {"limit": lists.LIMIT, **query})
    return pages.render(
        "imports.html", as_of=found.as_of, following=found.cursor, states=STATES,
        part=part(ImportRow, "import state started_at by profile rows completed faults position",
                  found.items))


@pages.page("/imports/new", "import-new")
def new() -> Response:
    """Where files are dropped."""
    return _form({}, None)


def _form(values: Mapping[str, str], problem: Mapping[str, Any] | None, status: int = 200
          ) -> Response:
    if not may("imports.import"):
        raise asking.denied("imports.import")
    return pages.render(
        "import_new.html", status=status, profiles=sorted(profiles.available()), values=values,
        policies=POLICIES, stock=STOCK, trust=TRUST, problem=problem, largest=LARGEST >> 20)


@pages.page("/imports/new", "import-try", method="POST")
def try_() -> Response:
    """Try files: all is checked and counted, and nothing is recorded."""
    if not may("imports.import"):
        raise asking.denied("imports.import")
    fields = {name: request.form[name] for name in FORM_OPTIONS if request.form.get(name)}
    files: list[tuple[str, IO[bytes]]] = []
    for one in request.files.getlist("file"):
        if one.filename:
            content = TemporaryFile()  # noqa: SIM115  kept until it is recorded, or forgotten
            one.save(content)
            files.append((one.filename, content))
    tried = Tried(files, fields, request.form.get("key") or "")
    try:
        found = _send(tried, preview=True)
    except asking.Declined as declined:
        tried.close()
        return _form(fields, declined.problem, declined.status)
    job = found["import"]
    with _lock:
        _tried[job] = tried
        _forget()
    return redirect(f"/imports/{job}", 303)  # type: ignore[return-value]


def _forget() -> None:
    old = time.monotonic() - KEPT_S
    while _tried and (len(_tried) > KEPT or next(iter(_tried.values())).at < old):
        _tried.popitem(last=False)[1].close()


def _send(tried: Tried, *, preview: bool) -> dict[str, Any]:
    for _, content in tried.files:
        content.seek(0)
    return asking.upload("/v1/imports", tried.files, tried.fields, key=tried.key,
                         query={"preview": "true"} if preview else None).body


@pages.page("/imports/<job>", "import")
def one(job: str) -> Response:
    """How far an import has come, what it did, and what is wrong in its files."""
    found = ask(at("imports", job)).body
    faults = ask(at("imports", job, "faults"), {"limit": SHOWN}).items if found["faults"] else []
    warnings = ask(at("imports", job, "warnings"), {"limit": SHOWN}).items \
        if found["warnings"] else []
    columns, tried = part(FaultRow, "file row column value reason rule", []).columns, _of(job)
    return pages.render(
        "import.html", job=job, found=found, faults=faults, warnings=warnings, columns=columns,
        can_record=found["preview"] and tried is not None and tried.became is None)


def _of(job: str) -> Tried | None:
    """What the visitor tried under an id."""
    with _lock:
        _forget()
        found = _tried.get(job)
    return found if found is not None and found.actor == caller().actor else None


@pages.page("/imports/<job>/record", "import-record", method="POST")
def record(job: str) -> Response:
    """Record files as they were tried."""
    tried = _of(job)
    if tried is None:
        raise Problem("not_found")
    return redirect(f"/imports/{tried.record()}", 303)  # type: ignore[return-value]


@pages.page("/imports/<job>/faults.<form>", "import-faults")
def faults(job: str, form: str) -> Response:
    """What is wrong: the rows themselves with their reasons; of a trial, the places and reasons."""
    pages.must_be_form(form)
    path = at("imports", job, "faults")
    if form == "json" or not ask(at("imports", job)).body["preview"]:
        return asking.sheet_of(path, {"format": form})
    columns = part(FaultRow, " ".join(FaultRow.__struct_fields__), []).columns
    return lists.sheet("faults", form, columns, ask(path, {"limit": 1000}).items)
