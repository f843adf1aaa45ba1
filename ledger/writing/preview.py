"""What commands would do: decided like others, and forgotten."""

from ledger.common.personal import Person, Personal, Plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Handlers
from ledger.log.persons import LedgerKeys, PersonLost
from ledger.log.store import Reader
from ledger.writing.work import Work


class Preview(Work):
    """A work that changes nothing: it makes no keys and seals nothing."""

    def __init__(
        self, ledger: bytes, reader: Reader, keys: LedgerKeys, *, handlers: Handlers, now: int = 0
    ) -> None:
        super().__init__(ledger, reader, keys, now, handlers=handlers)
        self.sealer = _Unsealed(keys)

    def is_erased(self, person: str | None) -> bool:
        """As of now: no lock keeps anybody from being erased meanwhile."""
        return person is not None and self.keys.is_erased(person)

    def person(self, lookup: str, *beside: Aggregate) -> Person:
        for aggregate in beside:
            try:
                if (there := self._on_record(aggregate)) is not None and there.is_erased:
                    return there
            except PersonLost:
                if self._found(lookup) is None:
                    raise
        return self._by_id.setdefault(lookup, Person(lookup, b"none"))


class _Unsealed:
    """Lets a preview compare values that it has not sealed: `n` holds them open, in memory only."""

    def __init__(self, keys: LedgerKeys) -> None:
        self.keys = keys

    def seal(self, plain: Plain, stream: str, version: int, field: str) -> Personal:
        return Personal(plain.person.id, plain.value, "", "")

    def reveal(self, sealed: Personal, stream: str, version: int, field: str) -> str | None:
        return self.keys.reveal(sealed, stream, version, field) if sealed.c else sealed.n
