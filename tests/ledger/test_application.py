"""The ledger as an application: the shop's commands and handlers, on the engine.

What the engine itself does is tested in tests/ledger/writing, with no command of the shop.
"""

from ledger.application import Ledger
from ledger.log.store import Store
from ledger.settings import Settings, open_ledger
from tests.conftest import durable
from tests.support.builders import CONTEXT, pay, place, record
from tests.support.soundness import must_be_sound


def test_preview__accepted_and_leaves_nothing(ledger: Ledger, store: Store) -> None:
    before = store.head("main")
    commands = [record(), pay(2), record(), place(2, recipient="张三"), pay(2)]
    found = ledger.preview([(command, CONTEXT) for command in commands])
    assert [getattr(count, "code", count) for count in found] == [4, "order_unknown", 0, 1, 1]
    assert store.head("main") == before
    assert ledger.keys._by_lookup == {}


@durable
def test_ledger__accepted_when_opened_again(settings: Settings) -> None:
    for turn in range(3):
        opened = open_ledger(settings)
        opened.ledger.handle(place(turn), CONTEXT)
        if turn:
            opened.ledger.handle(pay(turn - 1), CONTEXT)
        assert len(must_be_sound(opened.store)) == 2 * turn + 1
        opened.close()
