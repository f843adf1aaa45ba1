"""What some tests of the log stand on besides: stores that keep an index of accounts."""

from collections.abc import Iterator

import pytest

from ledger import settings
from ledger.core.postings import ACCOUNT_KINDS


@pytest.fixture(scope="module")
def indexed() -> Iterator[None]:
    """The stores are handed the kinds of accounts, which documents will post to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "INDEXED", ACCOUNT_KINDS)
        yield
