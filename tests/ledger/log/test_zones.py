"""Each ledger has the days of the zone that it began in."""

import pytest

from ledger.log.persons import Keys
from ledger.log.store import LedgerUnknown, Store
from ledger.log.zones import days_of
from ledger.writing.genesis import DEFAULT_ZONE, begun


def test_days__are_those_that_the_ledger_began_with(store: Store, keys: Keys) -> None:
    with pytest.raises(LedgerUnknown):
        days_of(store, "berlin")
    begun(store, keys, "berlin", zone="Europe/Berlin")
    begun(store, keys)
    zones = {name: days_of(store, name).zone for name in store.ledgers()}
    assert zones == {"berlin": "Europe/Berlin", "berlin.access": "Europe/Berlin",
                     "main": DEFAULT_ZONE, "main.access": DEFAULT_ZONE}
    assert days_of(store, store.id_of("berlin")) == days_of(store, "berlin")
