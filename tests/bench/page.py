"""Pages: what a visitor waits for an order, a list and a stock card, in a long log and in a short
one, and how much the first page loads."""

import http.client
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, build_opener

from ledger.log.store import Store
from ledger.settings import open_ledger
from ledger.stock.movements import MoveStock, StockMove
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.bench.explaining import some_order
from tests.bench.floors import SQLITE
from tests.bench.harness import Goal, Measured, Result, Scale, paired, workplace
from tests.bench.logs import BATCH, log_of, record, settings_of
from tests.bench.orders import SINCE, SKUS, WAREHOUSE, sku
from tests.support.serving import Served

MOST_MS, MOST_KB = 50, 40
"""What 95 of 100 pages of the slowest kind may take, and what the first page may load."""

BIG, LINES = "SKU-BIG", 5_000
"""A SKU with a long card, and how many lines that has."""

LOOKED_AT = 200
"""Orders that are looked at, in turn."""

LOADED = re.compile(r'(?:href|src)="(/console/[^"]+)"')
"""What a browser loads with a page."""

CSRF = re.compile(r'name="csrf" value="([^"]*)"')


def page(scale: Scale) -> Result:
    """Milliseconds in which 95 of 100 pages have arrived, of the kind of page that is the slowest;
    the floor is the same in a short log. Beside it each kind, and what the first page loads."""
    short, long = map(log_of, scale.past_events)
    with _console(short) as few, _console(long) as many:
        found = {}
        for kind in KINDS:
            visits = [_p95(visitor, kind, scale.times) for visitor in (few, many)]
            for visit in visits:
                visit()
            floor, rates = paired(scale.rounds, visits[0], ours=visits[1])
            found[kind] = (floor, rates["ours"])
        loaded = many.first_load() / 1_000
    slowest = max(found, key=lambda kind: found[kind][1].rate)
    floor, ours = found[slowest]
    return Result(
        name="page", unit="ms", ours=ours.rate, floor=floor, ratio=ours.ratio,
        goal=Goal("≤", 1.5), most=MOST_MS,
        beside={**{kind: figure.rate for kind, (_, figure) in found.items()},
                **{f"{kind}_floor": floor for kind, (floor, _) in found.items()},
                "first_load_kb": loaded, "most_kb": f"≤{MOST_KB}"},
        how={"engine": SQLITE, "events": scale.past_events[1], "rounds": scale.rounds,
             "floor_events": scale.past_events[0], "pages": scale.times, "slowest": slowest,
             "card_lines": LINES, "client": "one visitor, over a socket, one page after another"})


class _Visitor(NamedTuple):
    """Somebody who is signed in, and the orders that they look at."""

    connection: http.client.HTTPConnection
    cookie: str
    orders: Sequence[str]

    def get(self, path: str) -> bytes:
        """A page, as a browser is given it."""
        self.connection.request("GET", path, headers={
            "Cookie": self.cookie, "Accept": "text/html", "Accept-Language": "en"})
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, (path, answer.status)
        return content

    def first_load(self) -> int:
        """The bytes of the first page, with what it loads."""
        content = self.get("/")
        return len(content) + sum(
            len(self.get(path)) for path in sorted(set(LOADED.findall(content.decode()))))


def _order(visitor: _Visitor, random: Random) -> str:
    return f"/orders/{quote(random.choice(visitor.orders), safe=':')}"


def _filtered(**asked: str) -> str:
    return f"/orders?{urlencode(asked)}"


KINDS: dict[str, Callable[[_Visitor, Random], str]] = {
    "order": _order,
    "list": lambda _visitor, _random: "/orders",
    "paid": lambda _visitor, _random: _filtered(payment_status="paid"),
    "on_hold": lambda _visitor, _random: _filtered(review_status="on_hold"),
    "card": lambda _, random: f"/stock/sku:{sku(random.randrange(SKUS))}",
    "long_card": lambda _visitor, _random: f"/stock/sku:{BIG}",
    "home": lambda _visitor, _random: "/",
}
"""By kind of page, the address of one of them. No order is held: that list looks for what it does
not find."""


def _p95(visitor: _Visitor, kind: str, times: int) -> Measured:
    random = Random(2025)

    def visit() -> float:
        took = []
        for _ in range(times):
            path = KINDS[kind](visitor, random)
            begun = time.perf_counter()
            visitor.get(path)
            took.append((time.perf_counter() - begun) * 1_000)
        return sorted(took)[times * 95 // 100]

    return visit


@contextmanager
def _console(log: Path) -> Iterator[_Visitor]:
    """A copy of a log, since who signs in is noted in it, served with read models that are up to
    date."""
    with workplace() as folder:
        for name in (log.name, "keys.db", "master.key"):
            shutil.copyfile(log.parent / name, folder / name)
        orders = _prepared(folder / log.name)
        served, settings = Served(folder), settings_of(folder / log.name)
        served.environment |= {
            "LEDGER_DATABASE_URL": settings.database_url, "LEDGER_KEYS_URL": settings.keys_url,
            "LEDGER_MASTER_KEY_FILE": str(settings.master_key_file)}
        served.start()
        try:
            with closing(served.connect()) as connection:
                yield _Visitor(connection, _cookie(served), orders)
        finally:
            served.stop()


def _prepared(log: Path) -> list[str]:
    """Put a SKU with a long card into a log, and make the read models; some orders of the log."""
    opened = open_ledger(settings_of(log))
    try:
        received = (MoveStock(warehouse=WAREHOUSE, occurred_at=SINCE, moves=[StockMove(
            sku=BIG, quantity=1, source="supplier", target="available", cause="receipt")])
            for _ in range(LINES))
        while some := list(islice(received, BATCH)):
            record(opened.ledger, some)
        with closing(ReadModels(opened.store, PROJECTIONS)) as models:
            models.rebuild("main")
            assert not any(status.error for status in models.status("main"))
        return _some_orders(opened.store)
    finally:
        opened.close()


def _some_orders(store: Store) -> list[str]:
    random, ends = Random(2025), store.head("main").position - LINES
    return [some_order(store, random, ends)[1] for _ in range(LOOKED_AT)]


def _cookie(served: Served) -> str:
    """The cookie of a manager who follows a link."""
    printed = served.flask("people", "invite", "person:first", "--role", "manager", "--json")
    link, cookies = json.loads(printed)["link"], CookieJar()
    browser = build_opener(HTTPCookieProcessor(cookies))
    with browser.open(link) as answer:
        shown = CSRF.search(answer.read().decode())
    assert shown is not None
    form = {"csrf": shown[1], "token": link.partition("token=")[2]}
    with browser.open(urlsplit(link)._replace(query="").geturl(), urlencode(form).encode()):
        return "; ".join(f"{one.name}={one.value}" for one in cookies)
