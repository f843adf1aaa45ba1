"""From the records of a file to whole rows: cells converted, all faults found."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.common.values import to_us
from ledger.imports import profiles
from ledger.imports.faults import HIDDEN
from ledger.imports.profile import Profile
from ledger.imports.rows import Row, RowKeys, RowReader
from ledger.imports.sources import identify

KEYS = RowKeys(b"whole", b"open")
TMALL = profiles.find("tmall-report")
OLIST = profiles.find("olist")
ITEMS = profiles.find("taobao-items")
NOW = to_us(datetime(2026, 11, 24, tzinfo=UTC))
HEADER = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额"
GOOD = "6,327.7,148.9,浙江省,2020-02-20 23:56:39,,178.8"


# -- rows -----------------------------------------------------------------------------------------


def reader(
    folder: Path, lines: Sequence[str], *, profile: Profile = TMALL, header: str = HEADER
) -> RowReader:
    """The reader of a file with a header and these lines."""
    path = folder / "export.csv"
    path.write_text("".join(f"{line}\r\n" for line in (header, *lines)), "utf-8", newline="")
    return RowReader(identify(path, ("utf-8",)), profile, KEYS, latest_us=NOW)


def read(folder: Path, line: str) -> Row:
    """One row of the Tmall report."""
    row, = reader(folder, [line]).rows()
    return row


def test_row__accepted(tmp_path: Path) -> None:
    row = read(tmp_path, GOOD)
    assert row.faults == []
    assert row.values[:4] == ["6", 32770, 14890, "浙江省"]
    assert row.values[5:] == [None, 17880]


def test_row__rejected_with_all_its_faults_and_no_personal_value(tmp_path: Path) -> None:
    row = read(tmp_path, "1E+5,x,1,某人的完整地址,2020-02-30 00:00:00,,-1")
    assert [(fault.row, fault.column, fault.value, fault.code) for fault in row.faults] == [
        (2, "订单编号", "1E+5", "mangled"), (2, "总金额", "x", "not_money"),
        (2, "收货地址", HIDDEN, "unknown_value"),
        (2, "订单创建时间", "2020-02-30 00:00:00", "not_time"), (2, "退款金额", "-1", "negative")]
    assert row.values[2] == 100


@pytest.mark.parametrize(("line", "why"), [("1,2", "too_few_cells"), ("1," * 9, "too_many_cells")])
def test_row__rejected_when_its_width_differs(tmp_path: Path, line: str, why: str) -> None:
    row = read(tmp_path, line)
    assert row.values == []
    assert [fault.code for fault in row.faults] == [why]
    assert not row.torn


def test_row__rejected_as_torn_when_quotes_do_not_pair(tmp_path: Path) -> None:
    found = list(reader(tmp_path, [GOOD, '"6" x,', GOOD]).rows())
    assert [(row.number, row.torn) for row in found] == [(2, False), (3, True), (4, False)]
    assert [fault.code for fault in found[1].faults] == ["bad_quotes"]
    assert (found[1].values, found[1].digest) == ([], None)


def test_row__rejected_without_a_digest_when_a_cell_holds_no_character(tmp_path: Path) -> None:
    row = read(tmp_path, GOOD.replace("浙江省", "浙\0江"))
    assert [(fault.column, fault.value, fault.code) for fault in row.faults] == [
        ("收货地址", HIDDEN, "unknown_value"), ("收货地址", "", "nul")]
    assert row.digest is None


def test_rows__keep_their_numbers_across_blank_lines(tmp_path: Path) -> None:
    found = reader(tmp_path, ["", GOOD, "", ",,,,,,", GOOD])
    assert [(row.number, found.bytes_read()) for row in found.rows()] == [
        (3, found.source.size), (6, found.source.size)]
    assert found.count() == 2


def test_rows__have_equal_digests_when_only_volatile_cells_differ(tmp_path: Path) -> None:
    columns = ITEMS.parts()[0].columns
    header = ",".join([*columns, *ITEMS.parts()[0].ignored])
    cells = dict.fromkeys(columns, "1")

    def line(**other: str) -> str:
        return ",".join([*{**cells, **other}.values(), "", "", ""])

    found = reader(tmp_path, [line(), line(备注="改", 订单状态="交易成功"), line(标题="改")],
                   profile=ITEMS, header=header)
    first, same, other = [row.digest for row in found.rows()]
    assert first == same
    assert first != other


OTHERS = {"text": ("x", "y"), "id": ("1", "2"), "money": ("1", "2"), "integer": ("1", "2")}
"""Two values of each kind of cell."""


@pytest.mark.parametrize("name", ["generic", "taobao-orders", "tmall-report", "online-retail"])
def test_rows__keep_no_digest_of_what_is_personal(tmp_path: Path, name: str) -> None:
    """A digest in the log outlives an erased key: with the secret, every phone could be tried."""
    profile = profiles.find(name).read_in("Asia/Shanghai")
    ignored = profile.main.ignored
    columns = {column: fields[0] for column, fields in profile.main.columns.items()}
    time = datetime(2020, 1, 2, tzinfo=UTC).strftime(profile.formats[0])
    cells = {column: OTHERS[field.kind][0] if field.kind in OTHERS
             else next(iter(field.values or ()), time) for column, field in columns.items()}

    def line(**other: str) -> str:
        return ",".join([*{**cells, **other}.values(), *("" for _ in ignored)])

    changed = [column for column, field in columns.items() if field.kind in OTHERS]
    found = reader(
        tmp_path, [line(), *(line(**{one: OTHERS[columns[one].kind][1]}) for one in changed)],
        profile=profile, header=",".join([*columns, *ignored]))
    first, *rest = found.rows()
    assert not first.faults
    assert {column for column, row in zip(changed, rest, strict=True)
            if row.open_digest == first.open_digest} == {
        column for column in changed if columns[column].personal}
    assert len({row.digest for row in (first, *rest)}) == len(rest) + 1


def test_rows__can_only_be_counted_when_the_header_is_wrong(tmp_path: Path) -> None:
    found = reader(tmp_path, [GOOD, "", '"6" x', "1,2"], header="颜色")
    assert {fault.code for fault in found.faults} == {"missing_column", "unknown_column"}
    assert found.count() == 3


def test_rows__are_none_when_there_is_no_file(tmp_path: Path) -> None:
    found = RowReader(identify(tmp_path, ("utf-8",)), TMALL, KEYS, latest_us=NOW)
    assert [fault.code for fault in found.faults] == ["not_a_file"]
    assert found.count() == 0
