"""As of what an answer is: the members of `as_of`, which `clocks.header` makes."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from projections.asking.columns import Columns, Time, code, says


class Header(Columns, kw_only=True):
    """As of what an answer is: by which position, and by which of both clocks."""

    ledger: Annotated[str, says("The ledger.")]
    position: Annotated[int, says("The position of the last event that was looked at.")]
    head: Annotated[int, says("The position of the log's last event.")]
    recorded_at: Annotated[Time | None, says(
        "When the event at `position` was recorded; null before the first.")]
    recorded_as_of: Annotated[Time | None, says(
        "Up to which time of recording was asked; null: not by that.")]
    occurred_as_of: Annotated[Time | None, says(
        "Up to which time of the business was asked; null: not by that.")]
    open: Annotated[bool, says("Whether the same question may be answered otherwise later.")]
    clock: Annotated[str, code("ahead"), says(
        "It is there while the log's times are ahead of the clock, after an admin accepted that."
    )] | UnsetType = UNSET
    notes: Annotated[list[str], says("What else is to be said of the answer, in sentences.")]


class HistoryHeader(Header):
    """As of what a history is."""

    left_out: Annotated[int, says("How many events of this page are not for the caller.")]


class LogHeader(Columns):
    """As of what the root of a log is."""

    ledger: Annotated[str, says("The ledger.")]
    position: Annotated[int, says("The position of the last event that was looked at.")]
    head: Annotated[int, says("The position of the log's last event.")]
