"""A signed month is read back with every signature."""

from ledger.application import Ledger
from ledger.people.commands import JoinMember
from projections.catalogue import PROJECTIONS
from projections.orders.signed import OneReconciliation, reconciliation
from projections.store.models import ReadModels
from tests.support.builders import CHANNEL, SHOP, pay, place
from tests.support.projecting import put
from tests.support.signing import SIGNED, sign
from tests.support.team import at
from tests.support.typed import must_be

FIN = "member:fin"


def test_reconciliation__has_each_signature_with_its_figures_and_their_causes(
    ledger: Ledger
) -> None:
    put(ledger, JoinMember(member=FIN, joined_on="2026-01-01", occurred_at=at("2026-01-01")),
        place("1"), pay("1", amount_minor=1000))
    models = ReadModels(ledger.store, PROJECTIONS)
    try:
        for stream, of in ((f"reconciliation:{SIGNED}", {}),
                           (f"reconciliation:{SIGNED}:{CHANNEL}:{SHOP}",
                            {"channel": CHANNEL, "shop": SHOP})):
            sign(ledger, models, FIN, **of)
            first = ledger.head().position
            found = reconciliation(ledger.store.streams("main", [stream]))
            must_be(found, OneReconciliation)
            (one,) = found["signatures"]
            assert (one["signer"], one["signed_at"], one["position"], found["position"]) == (
                FIN, "2026-11-02T04:00:00Z", first, first)
            assert (found["month"], found["channel"], found["shop"]) == (
                SIGNED, of.get("channel"), of.get("shop"))
            assert one["figures"] == [{
                "currency": "CNY", "orders": 1, "total_minor": 4990, "paid_minor": 1000,
                "refunded_minor": 0, "difference_minor": 3990, "differences": [
                    {"amount_minor": 3990, "cause": "under_investigation", "note": None}]}]
        put(ledger, pay("1", amount_minor=3990, reference="rest"))
        models.catch_up("main")
        sign(ledger, models, FIN)
    finally:
        models.close()
    before, after = reconciliation(
        ledger.store.streams("main", [f"reconciliation:{SIGNED}"]))["signatures"]
    assert before["digest"] != after["digest"]
    assert [one["figures"][0]["differences"] != [] for one in (before, after)] == [True, False]
