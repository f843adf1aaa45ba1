"""From the bytes of a file to CSV records: encodings, quotes, and rows that never end."""

import io
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.imports.sources import (
    LONGEST_ROW,
    Broken,
    Source,
    Unnamed,
    identify,
    name_of,
    named_apart,
    open_text,
    records,
)

HEADER = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额"


# -- encodings ------------------------------------------------------------------------------------


def source(folder: Path, raw: bytes, encodings: tuple[str, ...] = ("utf-8", "gb18030")) -> Source:
    """A file with these bytes, identified."""
    path = folder / "export.csv"
    path.write_bytes(raw)
    return identify(path, encodings)


def records_of(found: Source) -> list[Any]:
    """All records of a file, the header too."""
    text, _ = open_text(found)
    with text:
        return list(records(text))


@pytest.mark.parametrize(("encoding", "known"), [
    ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gbk", "gb18030"), ("gb18030", "gb18030"),
])
def test_encoding__accepted(tmp_path: Path, encoding: str, known: str) -> None:
    found = source(tmp_path, f"{HEADER}\r\n1,上海\r\n".encode(encoding))
    assert found.encoding == known
    assert found.fault is None
    assert records_of(found) == [HEADER.split(","), ["1", "上海"]]


def test_encoding__accepted_when_a_character_lies_across_two_chunks(tmp_path: Path) -> None:
    raw = b"x" * ((1 << 20) - 1) + "上海".encode()
    assert source(tmp_path, raw).encoding == "utf-8"


@pytest.mark.parametrize(("raw", "row", "offset"), [
    ("甲,乙\r\n".encode("gbk") + b"1,\xff\xfe\r\n", 2, 9),
    ("甲,乙\r\n1,2\r\n".encode("gbk") + b"\xff,2\r\n", 3, 12),
    ("甲,乙\r\n".encode("gbk") + b'"1\r\n2",\xff\r\n', 2, 14),
    ("\ufeff甲,乙\r\n1,2\r\n".encode() + b"3,\x80\r\n", 3, 19),
    (b"\xff", 1, 0),
])
def test_encoding__rejected_with_byte_and_row(
    tmp_path: Path, raw: bytes, row: int, offset: int
) -> None:
    fault = source(tmp_path, raw).fault
    assert fault is not None
    assert (fault.row, fault.code, fault.rule) == (row, "wrong_encoding", "R-IMP-03")
    assert f"byte {offset} " in fault.reason


def test_encoding__rejected_with_a_hint_when_utf_16(tmp_path: Path) -> None:
    fault = source(tmp_path, "甲,乙\r\n".encode("utf-16")).fault
    assert fault is not None
    assert "add `utf-16` to `encodings`" in fault.reason


def test_encoding__rejected_when_half_a_surrogate_pair_is_encoded(tmp_path: Path) -> None:
    raw = b"a,b\r\n1,\xed\xa0\xbd\r\n"
    fault = source(tmp_path, raw, ("utf-8",)).fault
    assert fault is not None
    assert (fault.row, fault.code) == (2, "wrong_encoding")


def test_identify__rejected_when_there_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        fault = identify(path, ("utf-8",)).fault
        assert fault is not None
        assert fault.code == "not_a_file"


# -- records ---------------------------------------------------------------------------------------


def test_records__accepted_with_quoted_commas_and_line_breaks(tmp_path: Path) -> None:
    raw = b'a,b\r\n="12","x, ""y""\r\nz"\r\n\r\n3,4'
    assert records_of(source(tmp_path, raw)) == [
        ["a", "b"], ['="12"', 'x, "y"\r\nz'], [], ["3", "4"]]


@pytest.mark.parametrize("raw", [b'a\n"x" y\n2\n', b'a\n"x\n', b'a\n1,"2'])
def test_records__rejected_when_quotes_do_not_pair(tmp_path: Path, raw: bytes) -> None:
    found = records_of(source(tmp_path, raw))
    assert isinstance(found[1], Broken)
    assert found[1].code == "bad_quotes"


def test_records__rejected_when_endless_and_read_on_after_it(tmp_path: Path) -> None:
    raw = b"a\n" + b"x" * (3 * LONGEST_ROW) + b"\n2\n" + b"y" * 200_000 + b"\n3\n"
    found = records_of(source(tmp_path, raw))
    assert [one if isinstance(one, list) else one.code for one in found] == [
        ["a"], "row_too_long", ["2"], "row_too_long", ["3"]]


# -- files without a name -------------------------------------------------------------------------


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_unnamed__is_read_like_the_file_that_it_is_a_copy_of(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("unnamed")
    path = folder / "export.csv"
    path.write_bytes(content)
    with path.open("rb") as file:
        copy = Unnamed(path.name, file, folder)
    assert list(folder.iterdir()) == [path]
    named, unnamed = (identify(one, ("utf-8", "gb18030")) for one in (path, copy))
    assert unnamed._replace(file=path) == named
    assert copy.digest == sha256(content).digest()
    (first, at), (second, _) = open_text(unnamed), open_text(unnamed)
    assert first.read(1) == second.read(1)
    assert (first.read(), at()) == (second.read(), len(content))
    first.close()
    assert copy.open().read() == content
    copy.close()


def test_unnamed__leaves_nothing_when_it_cannot_be_made(tmp_path: Path) -> None:
    class Torn(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("the client went away")

    with pytest.raises(OSError, match="went away"):
        Unnamed("export.csv", Torn(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_sources__of_one_name_are_named_apart(tmp_path: Path) -> None:
    found = list(named_apart(identify(tmp_path / name, ("utf-8",)) for name in (
        "x/a.csv", "a.csv#2", "y/a.csv", "b.csv", "z/a.csv")))
    assert [one.name for one in found] == ["a.csv", "a.csv#2", "a.csv#3", "b.csv", "a.csv#4"]
    assert [one.fault and one.fault.file for one in found] == [one.name for one in found]


@pytest.mark.parametrize(("name", "shown"), [
    ("订单　九月.csv", "订单　九月.csv"), ("a\x1b]0;x\x07.csv", "a\ufffd]0;x\ufffd.csv"),
    ("a\nb.csv", "a\ufffdb.csv"), ("a\u202evsc.exe", "a\ufffdvsc.exe"), ("\udcff.csv", "?.csv"),
    ("\x9b2J.csv", "\ufffd2J.csv")])
def test_name__does_nothing_to_the_terminal_that_shows_it(name: str, shown: str) -> None:
    """Somebody uploads a file, and somebody else lists the imports."""
    assert name_of(Path(name)) == shown
    assert identify(Path(name), ("utf-8",)).name == shown
