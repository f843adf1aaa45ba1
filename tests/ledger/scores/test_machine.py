"""A shop that charges, appeals, grades and closes in any order agrees with a naive model of it."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings

from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.settings import Settings, open_ledger
from ledger.writing.genesis import begun
from tests.support.score_shop import Shop
from tests.support.thorough import tried


class ShopOnDisk(Shop):
    """The same on SQLite."""

    def setup_store(self) -> Any:
        self.folder = tempfile.TemporaryDirectory()
        return open_ledger(Settings(
            database_url=f"sqlite:///{Path(self.folder.name)}/l.db", keys_url="memory:",
            master_key_file=None), clock=self.clock())

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "folder"):
            self.folder.cleanup()


class ShopOfTwo(Shop):
    """The same through two ledger objects in turn, each with what it remembers."""

    def found(self) -> None:
        super().found()
        store = self.opened.store
        self.other = Ledger(store, begun(store, self.opened.keys), clock=self.clock())

    def send(self, *arguments: Any, **more: Any) -> Receipt | None:
        self.ledger, self.other = self.other, self.ledger
        return super().send(*arguments, **more)

    def teardown(self) -> None:
        if hasattr(self, "other"):
            self.other.close()
            self.ledger.close()
        super().teardown()


TestScores = Shop.TestCase
TestScores.settings = settings(max_examples=tried(40), stateful_step_count=40, deadline=None)
TestScoresOnDisk = ShopOnDisk.TestCase
TestScoresOnDisk.settings = settings(max_examples=5, stateful_step_count=30, deadline=None)
TestScoresOfTwoLedgerObjects = ShopOfTwo.TestCase
TestScoresOfTwoLedgerObjects.settings = settings(
    max_examples=8, stateful_step_count=30, deadline=None)
