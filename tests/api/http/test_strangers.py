"""What a stranger's tools make of the description: a linter, a generator of clients, and
schemathesis."""

import compileall
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.settings import Settings
from tests.support.generating import generate
from tests.support.schemathesis_run import Stand
from tests.support.serving import Served
from tests.support.web import Web

SPEC = Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None)
           ).app.extensions["description"].spec

LINTER = "@redocly/cli@2.77.0"
"""The linter, from npm."""

WITHOUT_PROBLEMS = {"/livez", "/version", "/v1/openapi.json", "/readyz"}
"""Public, and asked for nothing that could be wrong: the linter wants a 4xx everywhere."""

STRANGER = '''
import sys
from made_client import AuthenticatedClient
from made_client.api.orders import list_orders, place_order, read_order
from made_client.models import Line, OneOrder, OrderRow, PlaceOrderBody, Price, ReceiptAnswer

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
body = PlaceOrderBody(
    channel="taobao", shop="pine", number="1001", currency="CNY",
    lines=[Line(line="1", sku="SH-001", quantity=2, unit_price=1750, amount_minor=3500)],
    amounts=Price(total_minor=3500))
made = place_order.sync_detailed(client=client, body=body, idempotency_key="stranger-1")
assert made.status_code == 201, made
assert isinstance(made.parsed, ReceiptAnswer)
assert made.parsed.subject == "order:taobao:pine:1001"
again = place_order.sync_detailed(client=client, body=body, idempotency_key="stranger-1")
assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
assert again.parsed == made.parsed
seen = made.headers["Ledger-Position"]
read = read_order.sync(made.parsed.subject, client=client, ledger_position=seen)
assert isinstance(read.item, OneOrder)
assert (read.item.total_minor, read.item.payment_status) == (3500, "unpaid")
listed = list_orders.sync(client=client, ledger_position=seen)
assert all(isinstance(row, OrderRow) for row in listed.items)
assert [row.subject for row in listed.items] == [made.parsed.subject]
print("placed", made.parsed.subject)
'''


def test_client__made_by_a_generator_places_an_order(tmp_path: Path) -> None:
    said = generate(SPEC, tmp_path)
    assert "arning" not in said, said
    assert compileall.compile_dir(tmp_path / "made_client", quiet=2)
    served = Served(tmp_path)
    token = served.issue()
    served.start()
    try:
        done = subprocess.run(
            [sys.executable, "-c", STRANGER, f"http://127.0.0.1:{served.port}", token],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path)})
    finally:
        served.stop()
    assert done.stdout == "placed order:taobao:pine:1001\n", done.stderr


def test_linter__finds_no_fault(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm, which brings the linter, is not installed")
    fetched = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", tmp_path, LINTER],
        capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"npm cannot bring the linter: {fetched.stderr.strip()[-200:]}")
    (tmp_path / "openapi.json").write_text(json.dumps(SPEC), "utf-8")
    done = subprocess.run(
        [tmp_path / "node_modules/.bin/redocly", "lint", "openapi.json", "--format", "json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"})
    found = json.loads(done.stdout)
    assert found["totals"]["errors"] == 0, found
    assert {one["ruleId"] for one in found["problems"]} <= {"operation-4xx-response"}
    places = {one["location"][0]["pointer"].split("/")[2] for one in found["problems"]}
    assert {place.replace("~1", "/") for place in places} == WITHOUT_PROBLEMS


def test_schemathesis__sends_every_example_without_a_failure(tmp_path: Path) -> None:
    # The long run, of three seeds with links: `python -m tests.support.schemathesis_run`.
    stand = Stand(tmp_path)
    stand.served.start()
    try:
        found = stand.run(1, "examples")
    finally:
        stand.served.stop()
    assert found.code == 0, found.said
    assert len(found.reached()) >= 0.8 * len(stand.operations), sorted(
        set(stand.operations) - found.reached())
