"""Which encodings a file can be in: what is written in one that a profile names is read from it."""

from pathlib import Path

import pytest

from ledger.imports.encodings import CODECS, NAMES, usable_encodings
from ledger.imports.sources import identify, open_text

TEXTS = {"utf-8": "订单,é€\r\n", "gb18030": "订单,金额\r\n", "utf-16": "订单,a\r\n",
         "big5": "恒裏,訂單\r\n", "shift_jis": "①,注文\r\n", "euc_kr": "주문,뷁\r\n",
         "cp1252": "naïve,€\r\n"}


@pytest.mark.parametrize("name", NAMES)
def test_encoding__is_read_where_the_profile_names_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXTS[name].encode(CODECS[name]))
    found = identify(path, (name,))
    assert found.fault is None
    text, _ = open_text(found)
    with text:
        assert text.read() == TEXTS[name]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("text", ["order,total\r\n", "订单编号,总金额,实付\r\n" * 40])
def test_utf_16__is_read_with_and_without_its_mark(
    tmp_path: Path, codec: str, text: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(codec))
    found = identify(path, ("utf-8", "utf-16", "gb18030"))
    assert found.encoding == codec
    content, _ = open_text(found)
    with content:
        assert content.read() == text
    fault = identify(path, ("utf-8", "gb18030")).fault
    assert fault is not None
    assert (fault.row, fault.code) == (1, "wrong_encoding")
    assert "add `utf-16` to `encodings`" in fault.reason


@pytest.mark.parametrize("start", [b"", b"a,b\r\n", "订单".encode(), "订单".encode("gbk"),
                                   b"a\0b,c", b"\0"])
def test_utf_16__is_not_what_a_text_of_bytes_is(start: bytes) -> None:
    assert usable_encodings(start, ("utf-8", "utf-16")) == (("utf-8",), "")
