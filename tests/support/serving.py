"""A served ledger: `ledger serve` on a free port, in a folder of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support import source

BIN = Path(sys.executable).parent


class Served:
    """A running server and a key for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {
            **os.environ, "LEDGER_DATABASE_URL": f"sqlite:///{folder}/ledger.db",
            "LEDGER_KEYS_URL": "", "LEDGER_MASTER_KEY_FILE": "", "LANG": "en_GB.UTF-8",
            "LEDGER_BIND": f"127.0.0.1:{self.port}"}
        self.command: tuple[str | Path, ...] = (sys.executable, "-m", "api.cli", "serve")
        self.ready = "/readyz"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it can work."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=source.ROOT, env=self.environment, stdout=log, stderr=log,
                start_new_session=True)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if self.request("GET", self.ready, key=None)[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "server.log").read_text("utf-8"))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it has ended."""
        assert self.process is not None
        if how == signal.SIGKILL:
            os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        self.process.wait(60)

    def flask(self, *arguments: str) -> str:
        """A command on its ledger."""
        return subprocess.run([BIN / "flask", *arguments], cwd=source.ROOT, env=self.environment,
                              capture_output=True, text=True, check=True).stdout

    def issue(self, role: str = "manager") -> str:
        """A key."""
        printed = self.flask("keys", "issue", "--owner", f"member:{role}", "--role", role, "--json")
        return str(json.loads(printed)["token"])

    def connect(self) -> http.client.HTTPConnection:
        """A connection that stays open."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def request(
        self, method: str, path: str, body: Any = None, *, key: str | None,
        connection: http.client.HTTPConnection | None = None, **headers: str,
    ) -> tuple[int, Any]:
        """Status and body of an answer."""
        found = connection or self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named["Authorization"] = f"Bearer {key}"
        if body is not None:
            named["Content-Type"] = "application/json"
        found.request(method, path, None if body is None else json.dumps(body), named)
        answer = found.getresponse()
        raw = answer.read()
        if connection is None:
            found.close()
        return answer.status, json.loads(raw) if raw[:1] in (b"{", b"[") else raw
