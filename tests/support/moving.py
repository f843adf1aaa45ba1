"""Random commands on stock: moves, counts and transfers between two warehouses, with times in any
order."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from ledger.stock.counts import CountLine, CountStock
from ledger.stock.movements import MoveStock, StockMove
from ledger.stock.places import CAUSES
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer
from tests.support.builders import HOUSE, NOON

HOUSES, SKUS = (HOUSE, "north"), ("A", "B", "a")
"""`a` is another name of A."""

HOURS = [NOON + timedelta(hours=hours) for hours in range(10)]
AT = st.sampled_from(HOURS)
FEW = st.integers(1, 5)
LATE = st.sampled_from(["", "", "not_counted"])
BIN = st.sampled_from(["", "", "A1", "B2"])
ROUTES = [(name, source, target) for name, cause in CAUSES.items()
          for source in cause.sources for target in cause.targets
          if source != target or name == "bin_move"]


def a_move(
    sku: str, quantity: int, route: tuple[str, str, str], name: str, to_name: str
) -> StockMove:
    """One move by a route, where a bin move goes from one bin to another."""
    if route[0] == "bin_move" and name == to_name:
        to_name = "C3"
    return StockMove(sku=sku, quantity=quantity, cause=route[0], source=route[1], target=route[2],
                     bin=name if route[1] == "available" else "", to_bin=to_name)


MOVE = st.builds(a_move, st.sampled_from(SKUS), FEW, st.sampled_from(ROUTES), BIN, BIN)
HOUSE_OF = st.sampled_from(HOUSES)
COUNT = st.builds(CountLine, sku=st.sampled_from(SKUS), quantity=st.integers(0, 9), bin=BIN)
COUNT_ELSEWHERE = st.builds(CountLine, sku=st.sampled_from(SKUS), quantity=st.integers(0, 9),
                            place=st.sampled_from(["damaged", "quarantine", "receiving"]))

COMMANDS: st.SearchStrategy[Any] = st.one_of(
    st.builds(MoveStock, warehouse=HOUSE_OF, occurred_at=AT, late=LATE, reason=st.just("试"),
              moves=st.lists(MOVE, min_size=1, max_size=3)),
    st.builds(CountStock, warehouse=HOUSE_OF, occurred_at=AT, counts=st.lists(
        COUNT | COUNT_ELSEWHERE, min_size=1, max_size=3,
        unique_by=lambda count: (count.sku, count.place, count.bin))),
    st.builds(lambda way, **fields: SendTransfer(source=way[0], target=way[1], **fields),
              st.permutations(HOUSES), number=st.sampled_from("12"), occurred_at=AT, late=LATE,
              lines=st.lists(st.builds(Sending, sku=st.sampled_from(SKUS), quantity=FEW, bin=BIN),
                             min_size=1, max_size=2)),
    st.builds(ReceiveTransfer, number=st.sampled_from("12"), occurred_at=AT, late=LATE,
              reason=st.just("试"), lines=st.lists(
                  st.builds(Arrival, sku=st.sampled_from(SKUS), quantity=FEW, bin=BIN,
                            place=st.sampled_from(["available", "receiving", "written_off"])),
                  min_size=1, max_size=2)),
)

SENT = SendTransfer(number="1", source=HOUSE, target="north", occurred_at=NOON, lines=[
    Sending(sku="A", quantity=9), Sending(sku="B", quantity=9)])
