"""Corrections: an event of a document that did not occur, or holds incorrect data, is taken back by
another one, which posts what is right.

Nothing is changed or removed. The correction posts at the times of what it corrects, as a declared
fact: the past is told as it was, and what a count has seen since stays as it was counted.
"""

from typing import Annotated, ClassVar

from ledger.common.between import Said, among, fork, given
from ledger.common.bounds import At, Items, Ordinal, Reason, Stream, Words
from ledger.common.errors import Conflict, NotFound, Refused
from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Wanted
from ledger.stock.counts import CountLine, StockCount, check_counts
from ledger.stock.movements import Movement, StockMove, check_moves
from ledger.stock.slips import Slip
from ledger.stock.transfers import Transfer

DID_NOT_OCCUR, INCORRECT_DATA = KINDS = ("did_not_occur", "incorrect_data")

DOCUMENTS: dict[str, type[Movement | StockCount | Slip | Transfer]] = {
    cls.KIND: cls for cls in (Movement, StockCount, Slip, Transfer)}
"""What can be corrected, by how its subjects begin. Steps of orders have a command of their own."""


class EventUnknown(NotFound):
    """{document} holds no event at position {position}. Look at its history, and name the position
    of the event that is wrong."""

    code = "event_unknown"
    rule = "R-COR-01"


class StandsOn(Conflict):
    """The event at position {position} of {document} cannot be taken back: the one at position
    {stands_on} stands on it. Correct the newest first."""

    code = "stands_on"
    rule = "R-COR-02"


class AlreadyCorrected(Conflict):
    """The event at position {position} of {document} was corrected by the one at position {by}.
    If that is wrong, correct that one."""

    code = "already_corrected"
    rule = "R-COR-04"


class NotCorrectable(Refused):
    """{type} at position {position} of {document} cannot be corrected so: {instead}."""

    code = "not_correctable"
    rule = "R-COR-03"


class CorrectStock(Command, frozen=True, kw_only=True):
    """Take an event of a movement, a count, a slip or a transfer back. If it held incorrect data,
    give the moves of the movement, or what was counted, as they were in truth."""

    NAME: ClassVar[str] = "stock.correct"
    BETWEEN: ClassVar[Said] = fork(
        among("kind", DID_NOT_OCCUR),
        {"properties": {"moves": {"maxItems": 0}, "counts": {"maxItems": 0}}},
        fork({"properties": {"moves": {"maxItems": 0}}}, given("counts", minItems=1),
             {"properties": {"counts": {"maxItems": 0}}}))
    document: Stream
    position: Ordinal
    kind: Annotated[str, Words(*KINDS)]
    reason: Reason
    occurred_at: At
    moves: Annotated[list[StockMove], Items()] = []
    counts: Annotated[list[CountLine], Items()] = []

    def check(self, checks: Checks) -> None:
        if self.document.split(":")[0] not in DOCUMENTS:
            checks.fault("/document", "not_stock", f"begins with none of {', '.join(DOCUMENTS)}")
        check_moves(self.moves, self.reason, checks)
        check_counts(self.counts, checks)
        given = [name for name in ("moves", "counts") if getattr(self, name)]
        if self.kind == DID_NOT_OCCUR:
            for name in given:
                checks.fault(f"/{name}", "not_empty", f"is nothing to give for {DID_NOT_OCCUR}")
        elif self.document.split(":")[0] in (Slip.KIND, Transfer.KIND):
            checks.fault("/kind", "not_so", f"of a slip or a transfer only {DID_NOT_OCCUR} can be "
                                            "said; then record what did")
        elif len(given) != 1:
            checks.fault("/kind", "half", f"{INCORRECT_DATA} needs either moves or counts")

    @property
    def subject(self) -> str:
        """The document's stream."""
        return self.document

    def streams(self) -> Wanted:
        cls: type[Aggregate] | None = DOCUMENTS.get(self.document.split(":")[0])
        return [] if cls is None else [(cls, self.document)]
