"""The database of keys, used by several threads at once."""

from ledger.log.key_tables import SECRET_BYTES, ledger_secrets
from ledger.log.milestones import ID_BYTES
from ledger.log.persons import Keys
from tests.support.waiting import in_thread


def test_changing__not_ended_by_a_reader_that_is_done(keys: Keys) -> None:
    """On every engine: a reader gives its connection back while somebody else is in the middle of
    a change. In memory, that is the same connection."""

    def read() -> int:
        with keys.asking() as connection:
            return len(connection.execute(ledger_secrets.select()).fetchall())

    with keys.changing() as connection:
        connection.execute(ledger_secrets.insert().values(
            ledger=bytes(ID_BYTES), wrapped=bytes(SECRET_BYTES)))
        in_thread(read).join()
    assert read() == 1
