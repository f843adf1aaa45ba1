"""A shop that does anything in any order: after every step every invariant of its states holds."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings

from ledger.settings import Settings, open_ledger
from tests.support.stock_shop import Shop
from tests.support.thorough import tried


class ShopOnDisk(Shop):
    """The same on SQLite."""

    def setup_store(self) -> Any:
        self.folder = tempfile.TemporaryDirectory()
        return open_ledger(Settings(
            database_url=f"sqlite:///{Path(self.folder.name)}/l.db", keys_url="memory:",
            master_key_file=None))

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=tried(100), stateful_step_count=40, deadline=None)
TestShopOnDisk = ShopOnDisk.TestCase
TestShopOnDisk.settings = settings(max_examples=tried(15), stateful_step_count=30, deadline=None)
