"""The server's log: one line of JSON for each record, with the request, key and ledger it is about.

No line holds what a request says: only ids, routes, codes and what an error says of itself.
"""

import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson
import structlog
from flask import g, has_request_context

LOGGERS = ("ledger", "waitress")
"""Whose records are written."""

log = logging.getLogger("ledger.edge")


def fields() -> dict[str, str]:
    """The request under way, and its key and ledger; nothing outside a request."""
    if not has_request_context():
        return {}
    who = g.get("caller")
    return {"request": g.get("request_id", ""), **(
        {} if who is None else {"key": who.key, "ledger": who.ledger})}


def with_fields(work: Callable[[], object]) -> Callable[[], object]:
    """Work for another thread whose lines name what this thread's lines do."""
    said = {**structlog.contextvars.get_contextvars(), **fields()}

    def found() -> object:
        with structlog.contextvars.bound_contextvars(**said):
            return work()

    return found


about = structlog.contextvars.bound_contextvars
"""Let the lines of this thread say what they are about, for a while."""


def _add_fields(_logger: object, _method: str, line: structlog.typing.EventDict
                ) -> structlog.typing.EventDict:
    record: logging.LogRecord = line["_record"]
    return {**line, **_thread_of(record), **fields(), **getattr(record, "fields", {})}


def _thread_of(record: logging.LogRecord) -> dict[str, str | None]:
    """The name of the thread that says something, unless that is the main one."""
    return {} if record.thread == threading.main_thread().ident else {"thread": record.threadName}


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Makes a line of a record: of what a request says of itself in one step, since each has one.
    """

    def format(self, record: logging.LogRecord) -> str:
        own: dict[str, Any] | None = getattr(record, "fields", None)
        if own is None or record.exc_info or not has_request_context():
            return super().format(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        return _as_json({"at": f"{at[:-6]}Z", "level": record.levelname.lower(),
                         "logger": record.name, **_thread_of(record), **fields(), **own,
                         "message": record.getMessage()})


def formatter() -> logging.Formatter:
    """What makes a record a line: a traceback is a text in it, without the values of variables."""
    return _Formatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            _add_fields,
            structlog.processors.format_exc_info],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(serializer=_as_json)])


def _as_json(line: dict[str, Any], **_: Any) -> str:
    return orjson.dumps(line, default=repr).decode()


def install() -> None:
    """Write the records of `LOGGERS` to stderr, and what ends a thread, too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter())
    for name in LOGGERS:
        own = logging.getLogger(name)
        if not own.handlers:
            own.addHandler(handler)
            own.setLevel(logging.INFO if name == "ledger" else logging.WARNING)
            own.propagate = False
    threading.excepthook = _ended


def _ended(what: threading.ExceptHookArgs) -> None:
    name = "a thread" if what.thread is None else what.thread.name
    found: tuple[type[BaseException], BaseException, TracebackType | None] | None = (
        None if what.exc_value is None else (
            what.exc_type, what.exc_value, what.exc_traceback))
    log.critical("%s ended with an error", name, exc_info=found)
