"""Connections that are kept between two uses."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from ledger.log import sqlite
from ledger.log.kept import KEPT, KeptConnections


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine on a file."""
    return sqlite.make_engine(tmp_path / "a.db")


def out(engine: Engine) -> int:
    """How many connections an engine has lent out."""
    return int(engine.pool.checkedout())  # type: ignore[attr-defined]


def test_lent__is_the_same_connection_for_one_use_after_another(engine: Engine) -> None:
    kept = KeptConnections(engine)
    with kept.lent() as first:
        with kept.lent() as second:
            assert second is not first
        with kept.lent() as again:
            assert again is second
    assert out(engine) == 2
    kept.close()
    assert out(engine) == 0


def test_lent__is_not_kept_after_an_error(engine: Engine) -> None:
    kept = KeptConnections(engine)
    with pytest.raises(RuntimeError), kept.lent():
        raise RuntimeError
    assert out(engine) == 0


def test_lent__is_another_one_where_the_kept_one_is_of_no_use(engine: Engine) -> None:
    useless: list[Connection] = []
    kept = KeptConnections(engine, lambda one: one not in useless)
    with kept.lent() as first:
        pass
    useless.append(first)
    with kept.lent() as second:
        assert second is not first
    assert (first.closed, out(engine)) == (True, 1)


def test_lent__keeps_no_more_than_some_and_none_once_it_is_closed(engine: Engine) -> None:
    kept = KeptConnections(engine)
    lent = [kept.lent() for _ in range(KEPT + 1)]
    for one in lent:
        one.__enter__()
    for one in lent:
        one.__exit__(None, None, None)
    assert out(engine) == KEPT
    with kept.lent():
        kept.close()
        assert out(engine) == 1
    assert out(engine) == 0
