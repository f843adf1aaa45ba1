"""Files that hold a table in another way, or none: read within bounds, or refused."""

import gzip
import io
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.imports import packed
from ledger.imports.profile import PLAIN
from ledger.imports.sources import Source, identify, open_text
from ledger.imports.tables import open_table
from tests.support.workbooks import workbook_of

TEXT = "订单,金额\r\n1,2\r\n"
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive of files."""
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for name, inner in files.items():
            archive.writestr(name, inner)
    return content.getvalue()


def source(folder: Path, content: bytes) -> Source:
    """A file with these bytes, identified."""
    path = folder / "export.bin"
    path.write_bytes(content)
    return identify(path, ("utf-8", "gb18030"))


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("pack", [
    gzip.compress, lambda text: gzip.compress(text[:5]) + gzip.compress(text[5:]),
    lambda text: zipped({"a.csv": text}),
    lambda text: zipped({"folder/": b"", "folder/a.csv": text, "__MACOSX/folder/._a.csv": b"x"}),
])
def test_packed__is_read_as_what_is_in_it(tmp_path: Path, pack: object, encoding: str) -> None:
    found = source(tmp_path, pack(TEXT.encode(encoding)))  # type: ignore[operator]
    assert (found.fault, found.encoding) == (None, encoding)
    for _ in range(2):
        text, bytes_read = open_text(found)
        with text:
            assert text.read() == TEXT
            text.seek(0)
            assert text.read() == TEXT
            assert 0 < bytes_read() <= found.size


def test_workbook__is_known_by_its_parts(tmp_path: Path) -> None:
    found = source(tmp_path, workbook_of("<row/>").getvalue())
    assert (found.kind, found.encoding, found.fault) == ("xlsx", "xlsx", None)


def test_workbook__is_read_from_an_archive(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{at}"><c t="inlineStr"><is><t>{at}</t></is></c></row>'
                   for at in range(1, 2000))
    book = workbook_of(rows).getvalue()
    for content in (zipped({"a.xlsx": book}), gzip.compress(book)):
        found = source(tmp_path, content)
        assert (found.kind, found.encoding, found.fault) == ("xlsx", "xlsx", None)
        with open_table(found, PLAIN, ".") as table:
            assert [row[0] for row in table.records] == [str(at) for at in range(1, 2000)]
            assert table.bytes_read() <= found.size


@pytest.mark.parametrize(("content", "code"), [
    (OLE2, "old_workbook"), (OLE2 + "EncryptedPackage".encode("utf-16-le"), "locked_workbook"),
    (zipped({"xl/workbook.bin": b""}), "other_workbook"),
    (zipped({"mimetype": b"application/vnd.oasis", "content.xml": b""}), "other_workbook"),
    (zipped({}), "many_in_archive"), (zipped({"a": b"1", "b": b"2"}), "many_in_archive"),
    (zipped({"a": zipped({"b": b"1"})}), "nested_archive"),
    (gzip.compress(zipped({"b": b"1"})), "nested_archive"),
    (gzip.compress(gzip.compress(b"1")), "nested_archive"),
    (zipped({"a.zip": zipped({"a.xlsx": workbook_of("<row/>").getvalue()})}), "nested_archive"),
    (zipped({"a.xlsx": workbook_of("<row/>").getvalue()[:-40]}), "nested_archive"),
    (gzip.compress(OLE2), "nested_archive"),
    (zipped({"a": b"1" * 999})[:-30], "bad_archive"), (b"PK\x03\x04", "bad_archive"),
    (gzip.compress(TEXT.encode())[:-9], "bad_archive"), (b"\x1f\x8b", "bad_archive"),
    (b"\x1f\x8b\x08" + b"\xff" * 50, "bad_archive"),
    (b"%PDF-1.7", "not_table"), (b"\xef\xbb\xbf\r\n<!DOCTYPE html><table>", "not_table"),
    (b"<TABLE border=1>", "not_table"), (gzip.compress(b"<html>"), "not_table"),
], ids=lambda given: given if isinstance(given, str) else "bytes")
def test_file__rejected_with_what_it_is(tmp_path: Path, content: bytes, code: str) -> None:
    fault = source(tmp_path, content).fault
    assert fault is not None
    assert (fault.row, fault.code, fault.rule) == (0, code, "R-IMP-29")


def test_archive__rejected_when_a_member_was_changed(tmp_path: Path) -> None:
    whole = bytearray(zipped({"a": bytes(range(256)) * 8}))
    whole[60] ^= 1
    fault = source(tmp_path, bytes(whole)).fault
    assert fault is not None
    assert fault.code == "bad_archive"


def test_archive__rejected_when_it_has_a_password(tmp_path: Path) -> None:
    whole = bytearray(zipped({"a": b"1,2"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(mark) + place] |= 1
    fault = source(tmp_path, bytes(whole)).fault
    assert fault is not None
    assert fault.code == "locked_archive"


@pytest.mark.parametrize("pack", [
    gzip.compress, lambda text: zipped({"a.csv": text}),
    lambda text: workbook_of(f"<row><c><v>{text.decode()}</v></c></row>").getvalue(),
    lambda text: zipped({"a": workbook_of(
        f"<row><c><v>{text.decode()}</v></c></row>").getvalue()})])
def test_packed__rejected_when_it_grows_beyond_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: object
) -> None:
    content = pack(b"1" * 3_000_000)  # type: ignore[operator]
    assert source(tmp_path, content).fault is None
    monkeypatch.setattr(packed, "ALWAYS", 1 << 20)
    fault = source(tmp_path, content).fault
    assert fault is not None
    assert fault.code == "grows_too_far"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda whole: zipped({"a.zip": whole})])
def test_archive__rejected_before_the_names_of_far_too_many_parts_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: object
) -> None:
    whole = zipped({f"xl/{number}": b"" for number in range(packed.MOST_PARTS + 1)})

    def opened(content: IO[bytes], *_: object) -> ZipFile:
        content.seek(0)
        assert content.read().count(b"PK\x01\x02") <= packed.MOST_PARTS
        content.seek(0)
        return ZipFile(content)

    monkeypatch.setattr(packed, "ZipFile", opened)
    fault = source(tmp_path, pack(whole)).fault  # type: ignore[operator]
    assert fault is not None
    assert fault.code == "many_in_archive"


@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08\0", OLE2,
                                                 b"\xff\xfe", gzip.compress(b"a,b")]))
def test_file__of_any_bytes_is_identified_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    found = source(tmp_path_factory.mktemp("any"), start + content)
    if found.fault is None and found.kind == "csv":
        text, _ = open_text(found)
        with text:
            text.read()
