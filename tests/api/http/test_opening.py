"""Who reads over HTTP what people wrote of an order, and that it is noted."""

from ledger.log.store import SUFFIX
from projections.asking.written import PERSONAL
from tests.conftest import on_sqlite
from tests.support.bodies import at, order, stocked
from tests.support.web import Web


@on_sqlite
def test_written__is_opened_for_those_who_work_on_orders(web: Web) -> None:
    stocked(web)
    for number in ("1", "2"):
        web.done("/v1/sales", order(number=number, warehouse="main"), "service")
    web.done(f"{at()}/exceptions", {"exception": "e", "kind": "buyer_remark", "note": "要发票"},
             "service")
    web.done(f"{at()}/holds", {"reason": "改地址"}, "warehouse")
    seen = {}
    for role in ("service", "warehouse", "auditor", "integration"):
        (exception,) = _items(web, "/v1/exceptions", role)
        free, held = (row["held"] for row in _items(web, "/v1/fulfilment", role))
        item = (web.get(at(), role).json or {})["item"]
        assert (item["held"], item["exceptions"], free) == (held, [
            {name: value for name, value in exception.items() if name != "subject"}], None)
        seen[role] = exception["note"], held
    assert seen == {"service": ("要发票", "改地址"), "warehouse": ("要发票", "改地址"),
                    "auditor": (PERSONAL, PERSONAL), "integration": (PERSONAL, PERSONAL)}
    assert _readers(web) == {"member:service", "member:warehouse"}


@on_sqlite
def test_written__is_not_noted_where_there_is_nothing_to_open(web: Web) -> None:
    stocked(web)
    web.done("/v1/sales", order(warehouse="main"), "service")
    assert _items(web, "/v1/fulfilment", "service")[0]["held"] is None
    assert _readers(web) == set()


def _readers(web: Web) -> set[str]:
    return {one.actor for one in web.edge.store.read("main" + SUFFIX)
            if one.type == "reading.noted.v1"}


def _items(web: Web, path: str, role: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (web.get(path, role).json or {})["items"]
    return found
