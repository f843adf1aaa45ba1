"""The engine is tested with a domain of the tests' own, jars: no noun of the shop is needed."""

from collections.abc import Iterator

import pytest

from ledger.application import Ledger
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.writing.genesis import begun
from tests.support.jars import HANDLERS


@pytest.fixture
def ledger(store: Store, keys: Keys) -> Iterator[Ledger]:
    """The ledger `main` on the store, which knows jars only."""
    opened = Ledger(store, begun(store, keys), handlers=HANDLERS)
    yield opened
    opened.close()
