"""The days of the ledgers that tests begin without naming a zone."""

from ledger.common.days import Days
from ledger.writing.genesis import DEFAULT_ZONE

IN_SHANGHAI = Days(DEFAULT_ZONE)

day_of = IN_SHANGHAI.day_of
