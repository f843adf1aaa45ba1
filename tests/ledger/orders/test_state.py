"""The marks of an order, and the number that a row has for them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.orders.state import Marks, OrderState, bit_of, review_status, row_of, state_of

BITS = {"imported": 1, "price_changed": 2, "corrected": 4, "completed": 8, "closed": 16,
        "cancelled": 32, "inferred_placed": 64, "inferred_paid": 128, "inferred_dispatched": 256,
        "inferred_delivered": 512, "inferred_ended": 1024, "inferred_refunded": 2048,
        "refunds_unstated": 4096, "approved": 8192, "submitted": 16384, "held": 32768}
"""As rows that were written have them."""


def test_marks__have_the_bits_that_rows_have() -> None:
    assert {name: bit_of(name) for name in Marks.__struct_fields__} == BITS
    assert {name: Marks(**{name: True}).bits() for name in BITS} == BITS


@given(bits=st.integers(0, 2**16 - 1))
def test_marks__of_any_bits(bits: int) -> None:
    marks = Marks.of_bits(bits)
    assert marks.bits() == bits
    assert {name for name, holds in msgspec.structs.asdict(marks).items() if holds} == {
        name for name, bit in BITS.items() if bits & bit}


@given(bits=st.integers(0, 2**16 - 1))
def test_row__keeps_a_state(bits: int) -> None:
    order = OrderState(*[None] * len(OrderState.__struct_fields__))
    order.marks = Marks.of_bits(bits)
    row = row_of(order)
    assert row[OrderState.__struct_fields__.index("marks")] == bits
    assert state_of(row) == order


@pytest.mark.parametrize(("bits", "status"), [
    (0, "pending_review"), (1, "imported"), (8192, "approved"), (8192 + 16384, "submitted"),
    (8192 + 16384 + 32768, "on_hold"), (32768 + 32, "cancelled"), (1 + 16, "closed"),
    (2**16 - 1, "completed")])
def test_review_status__is_the_first_that_holds(bits: int, status: str) -> None:
    assert review_status(Marks.of_bits(bits)) == status
