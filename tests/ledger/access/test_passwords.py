"""Passwords: only the right one is taken, however it was typed, and only with the ledger's keys."""

import hashlib

import pytest
from argon2 import extract_parameters
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.access.passwords import NOBODY, hashed, is_right
from tests.support.thorough import tried


def keyed(purpose: str, data: bytes) -> bytes:
    """A stand-in for the ledger's secret."""
    return hashlib.sha256(purpose.encode() + data).digest()


@hypothesis_settings(max_examples=tried(20), deadline=None)
@given(password=st.text(min_size=1, max_size=50), other=st.text(max_size=50))
def test_password__is_right_if_it_is_the_same(password: str, other: str) -> None:
    kept = hashed(password, keyed)
    assert is_right(password, kept, keyed)
    assert not is_right(password + "x", kept, keyed)
    assert not is_right(other, NOBODY, keyed)
    assert hashed(password, keyed) != kept  # each has a salt of its own


def test_password__is_the_same_from_every_keyboard() -> None:
    assert is_right("cafe\u0301 ＡＢＣ", hashed("café ABC", keyed), keyed)


def test_password__is_wrong_without_the_keys_of_the_ledger() -> None:
    kept = hashed("correct horse", keyed)
    assert not is_right("correct horse", kept, lambda purpose, data: b"another" + data)


@pytest.mark.parametrize("kept", ["", "x", "$argon2id$v=19$m=1", NOBODY[:-1]])
def test_password__is_wrong_where_nothing_can_be_read(kept: str) -> None:
    assert not is_right("", kept, keyed)


def test_nobody__costs_what_somebody_costs() -> None:
    assert extract_parameters(NOBODY) == extract_parameters(hashed("x", keyed))
