"""Currencies: the decimals of each are a part of the format, and a profile cannot say otherwise."""

from hashlib import sha256
from typing import Any

import pytest
import yaml

from ledger.common.currencies import EXPONENTS
from ledger.imports import profiles
from ledger.imports.profiles import PACKAGED, InvalidProfile

FROZEN = "c88a6dc11706eab7fc5828a68ac537f12a5387d3a43979937b4a70f566b6735c"
"""Of the table as it stood first; an addition changes it, a change of what stood there is never
right."""


def test_exponents__stay_as_they_are() -> None:
    text = " ".join(f"{code}{exponent}" for code, exponent in sorted(EXPONENTS.items()))
    assert sha256(text.encode()).hexdigest() == FROZEN
    assert (EXPONENTS["CNY"], EXPONENTS["JPY"], EXPONENTS["KWD"]) == (2, 0, 3)


def profile(**money: Any) -> bytes:
    """A shipped profile with other money."""
    raw = yaml.safe_load((PACKAGED / "generic.yaml").read_text("utf-8"))
    return yaml.safe_dump({**raw, "money": money}).encode()


@pytest.mark.parametrize(("currency", "exponent"), [("CNY", 2), ("JPY", 0), ("KWD", 3)])
def test_profile__has_the_decimals_of_its_currency(currency: str, exponent: int) -> None:
    found = profiles.parse(profile(currency=currency, exponent=exponent), "it")
    assert (found.currency, found.exponent) == (currency, exponent)
    with pytest.raises(InvalidProfile, match=f"{currency} has {exponent} decimals"):
        profiles.parse(profile(currency=currency, exponent=exponent + 1), "it")


def test_profile__rejected_with_a_currency_that_is_none() -> None:
    with pytest.raises(InvalidProfile, match="'XXX', not a currency"):
        profiles.parse(profile(currency="XXX", exponent=2), "it")
