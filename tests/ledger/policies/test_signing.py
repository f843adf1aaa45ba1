"""The section `signing` of a policy: what is refused before it is published."""

import pytest

from ledger.policies.checks import findings
from ledger.policies.reader import read
from ledger.policies.signing import ACTS, signing_of
from ledger.policies.values import UNWRITTEN, Sections, Signing, Version
from tests.support import source

PAY, APPROVE = "case.pay_refund", "case.approve_refund"


def found(*rows: Signing) -> set[tuple[str, str]]:
    """The faults of a section: where, and which."""
    return {(one.where, one.code) for one in findings(Sections(signing=list(rows)), Sections())}


@pytest.mark.parametrize(("row", "fault"), [
    (Signing(act="stock.burn"), ("/signing/0/act", "unknown")),
    (Signing(act=PAY, apart_from=["x"]), ("/signing/0/apart_from", "unknown")),
    (Signing(act=PAY, posts=["boss"]), ("/signing/0/posts", "unknown_post")),
    (Signing(act=PAY, posts=["finance"], otherwise=["boss"]),
     ("/signing/0/otherwise", "unknown_post")),
    (Signing(act=PAY, otherwise=["finance"]), ("/signing/0/otherwise", "missing")),
    (Signing(act=PAY, posts=["finance"], otherwise=["finance"]),
     ("/signing/0/otherwise", "twice")),
    (Signing(act=PAY, above_minor=-1), ("/signing/0/above_minor", "out_of_range")),
    (Signing(act="stock.approve_found", above_minor=5), ("/signing/0/above_minor", "no_money")),
    (Signing(act=PAY, apart_from=[PAY]), ("/signing/0/apart_from", "circle")),
    (Signing(act=APPROVE, apart_from=[PAY]), ("/signing/0/apart_from", "circle")),
])
def test_signing__rejected_with_what_is_wrong_of_a_row(
    row: Signing, fault: tuple[str, str],
) -> None:
    assert found(row) == {fault}


def test_signing__rejected_with_an_act_twice_or_acts_in_a_circle() -> None:
    assert ("/signing/1/act", "twice") in found(Signing(act=PAY), Signing(act=PAY))
    both = found(Signing(act=PAY, apart_from=[APPROVE]), Signing(act=APPROVE, apart_from=[PAY]))
    assert both == {("/signing/0/apart_from", "circle"), ("/signing/1/apart_from", "circle")}
    assert not found(Signing(act=PAY, apart_from=[]), Signing(act=APPROVE, apart_from=[PAY]))


def test_signing__that_is_shipped_is_sound_and_keeps_every_second_person() -> None:
    shipped = Version(1, "2026-01-01", read("signing").sections)
    assert findings(shipped.sections, Sections()) == []
    for act, said in ACTS.items():
        named = signing_of(shipped, act).apart_from
        assert set(said.apart_from) <= set(said.apart_from if named is None else named), act
        assert signing_of(UNWRITTEN, act) == Signing(act=act)


def test_signing__every_act_and_section_is_on_the_page() -> None:
    page = (source.ROOT / "docs/policies.md").read_text("utf-8")
    source.check(name for name in (*ACTS, *Sections.__struct_fields__) if f"`{name}`" not in page)
