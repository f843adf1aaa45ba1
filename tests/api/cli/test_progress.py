"""The progress of an import, as a terminal and a file see it."""

import io

from api.cli.progress import ProgressBar
from tests.support.shops import Shop, order


class Terminal(io.StringIO):
    """A terminal that remembers what was written."""

    def isatty(self) -> bool:
        return True


def test_progress__is_a_line_a_stage_and_a_bar_on_a_terminal(shop: Shop) -> None:
    plain, terminal = io.StringIO(), Terminal()
    with ProgressBar(plain) as bar:
        shop.bring(shop.file([order(1)], "a.csv"), progress=bar)
    assert plain.getvalue().splitlines() == ["Reading …", "Checking …", "Recording …"]
    with ProgressBar(terminal) as bar:
        shop.bring(shop.file([order(2)], "b.csv"), progress=bar)
    assert terminal.getvalue().count("100%") == 3
