"""The API as a client meets it: an app on a fresh installation, keys, and requests."""

import hashlib
import itertools
from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import create_app
from api.http.runtime import Edge
from ledger.access.keys import IssueKey
from ledger.application import Ledger
from ledger.log.store import SUFFIX
from ledger.settings import Settings
from ledger.writing.genesis import begun
from tests.support.builders import CONTEXT

_numbers = itertools.count(1)


@cache
def _shared() -> Flask:
    """An app whose routes all others of a process share: to make them takes longer than most tests
    do."""
    return create_app(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))


class Web:
    """A served installation. A test that changes routes brings an app with its own."""

    def __init__(self, settings: Settings, routes: Flask | None = None) -> None:
        self.edge = Edge(settings)
        self.app = copy(routes or _shared())
        self.app.extensions = {**self.app.extensions, "edge": self.edge}
        self.client: FlaskClient = self.app.test_client()
        self.tokens: dict[tuple[str, str], str] = {}
        self.begun: set[tuple[str, int]] = set()

    def close(self) -> None:
        """Let go of everything."""
        self.edge.close()

    def ledger(self, name: str = "main") -> Ledger:
        """A ledger that is served; it begins when it is first asked for."""
        here = self.edge.open()
        if (name, id(here.store)) not in self.begun:
            begun(here.store, here.keys, name)
            self.begun.add((name, id(here.store)))
        return here.ledger(name)

    def token(self, role: str = "manager", ledger: str = "main", **fields: Any) -> str:
        """A key of a role; made when it is first asked for."""
        if fields or (role, ledger) not in self.tokens:
            key = f"{next(_numbers):012x}"
            self.ledger(ledger)
            here = self.edge
            own = here.store.id_of(ledger)
            token = f"ol_{own.hex()}_{key}-secret"
            here.ledger(ledger + SUFFIX).handle(IssueKey(**{
                "key": key, "owner": f"member:{role.replace('_', '-')}", "role": role,
                "digest": hashlib.sha256(token.encode()).hexdigest(),
                "occurred_at": datetime.now(UTC), **fields}), CONTEXT)
            here.ring(own).refresh()
            if fields:
                return token
            self.tokens[role, ledger] = token
        return self.tokens[role, ledger]

    def headers(self, role: str, ledger: str, more: Mapping[str, str]) -> dict[str, str]:
        """What a request of a role has."""
        return {"Authorization": f"Bearer {self.token(role, ledger)}", **more}

    def get(self, path: str, role: str = "manager", ledger: str = "main", **headers: str
            ) -> TestResponse:
        """Read; after what was written is known to the read models."""
        self.ledger(ledger)
        self.edge.models.catch_up(ledger)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers=self.headers(role, ledger, named))

    def post(
        self, path: str, body: Any, role: str = "manager", ledger: str = "main", *,
        key: str | None = None, **headers: str,
    ) -> TestResponse:
        """Send a command under a key of its own, or the given one."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Idempotency-Key"] = key or f"k{next(_numbers)}"
        sent: dict[str, Any] = {"json": body}
        if isinstance(body, bytes):
            sent = {"data": body, "content_type": "application/json"}
        return self.client.post(path, headers=self.headers(role, ledger, named), **sent)

    def done(self, path: str, body: Any, role: str = "manager", **more: Any) -> dict[str, Any]:
        """A command that must be taken."""
        answer = self.post(path, body, role, **more)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json
        return found


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The body of a problem."""
    assert (answer.status_code, answer.json and answer.json["code"]) == (status, code), answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    own = {"open"} if code.startswith("nothing_") else set()
    assert answer.json.keys() == {"type", "title", "status", "detail", "instance", "code", "rule",
                                  "errors", "errors_left_out", "request_id", *own}
    return dict(answer.json)
