"""Where the real order files lie, and the mark of the tests that need them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.source import ROOT

DATA = Path(os.environ.get("LEDGER_TEST_DATA") or ROOT / "../shared/data")
TMALL = DATA / "tmall_order_report.csv"
OLIST = DATA / "olist-sample-8000"
RETAIL = DATA / "uci-online-retail_2010-12_2011-09.by-day.tar.gz"


def needs(path: Path) -> Callable[[Any], Any]:
    """Skip a test where a real file is not there."""
    skip = pytest.mark.skipif(not path.exists(), reason=f"no real data at {path}")
    return lambda test: pytest.mark.real_data(skip(test))
