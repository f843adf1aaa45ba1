"""A small ledger as each release stored it, kept in tests/data/releases.

`python -m tests.support.releases` makes that of this version anew, for a change of what is stored
that is meant. Those of earlier releases are never made again: they are what shops have.
"""

import json
import lzma
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from click.testing import CliRunner, Result

from api.cli.commands import COMMANDS
from ledger import __version__
from ledger.settings import Settings
from tests.support import source
from tests.support.bodies import WHEN, at, order, stocked
from tests.support.builders import stream
from tests.support.web import Web, problem

FOLDER = source.ROOT / "tests/data/releases"
FILES = ("ledger.db", "ledger.keys.db", "ledger.master.key", "log.backup", "keys.backup")
PERSON = {"account": "买书的人", "recipient": "某先生", "phone": "13800000000",
          "address": "某路1号"}
RULES = [{"code": "LATE", "posts": ["customer_service"], "zh": "慢", "en": "late",
          "per": "occurrence", "charges": {"offender": ["1", "3"]}}]
REPEATED = {"path": f"{at()}/holds", "role": "service", "key": "hold-1",
            "body": {"reason": "改地址", "occurred_at": WHEN}}
"""A command that is sent again, years later, under its key."""

ASKED = {
    at(): "service", "/v1/exceptions": "service", "/v1/fulfilment": "warehouse",
    "/v1/orders": "auditor", f"{at()}/history": "auditor", f"{at()}/explain": "auditor",
    "/v1/returns": "auditor", "/v1/inventory": "auditor", "/v1/reconciliation": "finance",
    f"/v1/stock-cards/{quote('sku:SH-001')}": "auditor", "/v1/decisions": "reviewer",
    "/v1/policies": "auditor", "/v1/audit?limit=500&sort=position": "auditor"}
"""What is asked of the ledger, and in which role."""


def settings_of(folder: Path) -> Settings:
    """Those of the ledger in a folder."""
    return Settings(database_url=f"sqlite:///{folder}/ledger.db",
                    keys_url=f"sqlite:///{folder}/ledger.keys.db",
                    master_key_file=folder / "ledger.master.key")


def ledger_command(settings: Settings, name: str, *arguments: str) -> Result:
    """`ledger NAME …` on an installation."""
    environment = {
        "LEDGER_DATABASE_URL": settings.database_url, "LEDGER_KEYS_URL": settings.keys_url,
        "LEDGER_MASTER_KEY_FILE": str(settings.master_key_file), "LANG": "en_GB.UTF-8",
        "LEDGER_ADMIN_DATABASE_URL": settings.admin_url, "LC_ALL": None, "LC_MESSAGES": None}
    (command,) = (one for one in COMMANDS if one.name == name)
    return CliRunner(env=environment).invoke(command, list(arguments), catch_exceptions=False)


def answers(web: Web, position: int) -> dict[str, Any]:
    """What the ledger answers as of a position."""
    found = {}
    for path, role in ASKED.items():
        answer = web.get(f"{path}{'&' if '?' in path else '?'}position={position}", role)
        assert answer.status_code == 200, (path, answer.text)
        body = answer.json or {}
        found[path] = body.get("item", body.get("items"))
    return found


def _record(web: Web) -> dict[str, Any]:
    """A little of everything. Shapes: the receipt of the command that is sent again."""
    stocked(web)
    for number in ("1", "2"):
        web.done("/v1/sales", order(number, warehouse="main", **PERSON), "service")
    web.done("/v1/orders", order("3", **PERSON), "service")
    web.done(f"{at('3')}/payments", {"amount_minor": 4990, "occurred_at": WHEN}, "finance")
    web.done(f"{at()}/exceptions", {"exception": "e", "kind": "buyer_remark", "note": "要发票",
                                    "occurred_at": WHEN}, "service")
    receipt = web.done(str(REPEATED["path"]), REPEATED["body"], str(REPEATED["role"]),
                       key=REPEATED["key"])
    web.done("/v1/returns", {
        "channel": "taobao", "shop": "云杉书店", "number": "R1", "currency": "CNY",
        "order": stream("3"), "kind": "refund_only", "refund_minor": 1000, "reason": "破了",
        "occurred_at": WHEN}, "service")
    web.done("/v1/policies", {"policy": {"title": "ours", "sections": {"rules": RULES}},
                              "effective_from": "2026-01-01"}, "admin")
    web.done("/v1/members", {"member": "member:service", "joined_on": "2026-01-01",
                             "name": "王芳"}, "admin")
    web.done("/v1/post-terms", {"member": "member:service", "post": "customer_service",
                                "since": "2026-01-01"}, "admin")
    web.done("/v1/deductions", {"number": "1", "rule": "LATE", "about": "day:2026-09-03",
                                "evidence": [1], "breached_at": "2026-09-03T12:00:00+08:00",
                                "offender": "member:service", "note": "太慢"}, "warehouse")
    problem(web.post(f"{at('3')}/refunds", {"amount_minor": 10**9,
                           "reference": "TK-1"}, "finance"), 422,
            "refund_exceeds_payment")
    return receipt


def make(folder: Path) -> None:
    """Make the ledger of this version, and its backups, in a folder of the release."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as made:
        settings = settings_of(Path(made))
        web = Web(settings)
        receipt = _record(web)
        for role in ASKED.values():
            web.token(role)
        position = web.edge.store.head("main").position
        said = answers(web, position)
        heads = {name: f"{head.position}:{head.root.hex()}" for name in ("main", "main.access")
                 for head in [web.edge.store.head(name)]}
        web.close()
        for more in ((), ("--keys",)):
            done = ledger_command(settings, "backup", *more,
                                  f"{made}/{'keys' if more else 'log'}.backup")
            assert done.exit_code == 0, done.output
        assert not list(Path(made).glob("*-wal"))
        for name in FILES:
            (folder / f"{name}.xz").write_bytes(
                lzma.compress((Path(made) / name).read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    (folder / "answers.json").write_text(json.dumps({
        "position": position, "heads": heads, "receipt": receipt, "answers": said,
        "tokens": {role: token for (role, _), token in web.tokens.items()},
    }, indent=1, ensure_ascii=False) + "\n", "utf-8")


def unpack(folder: Path, into: Path) -> dict[str, Any]:
    """Unpack the files of a release. Returns what it answered."""
    for name in FILES:
        path = into / name
        path.touch(0o600)
        path.write_bytes(lzma.decompress((folder / f"{name}.xz").read_bytes()))
    found: dict[str, Any] = json.loads((folder / "answers.json").read_text("utf-8"))
    return found


if __name__ == "__main__":
    make(FOLDER / __version__)
