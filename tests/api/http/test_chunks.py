"""A body in chunks is read in one way, and costs what its bytes cost, however it is cut."""

import random
import time

import pytest
from waitress.buffers import OverflowableBuffer

from api.http.chunks import LONGEST_LINE, LONGEST_TRAILER, Chunks

LAST = b"0\r\n\r\n"
NEXT = b"GET / HTTP/1.1\r\n"


def fresh() -> Chunks:
    """A body of which nothing has come."""
    return Chunks(OverflowableBuffer(1000))


def fed(data: bytes, size: int) -> tuple[Chunks, int]:
    """A body after pieces of so many bytes, and how many of them it took."""
    body, taken = fresh(), 0
    while taken < len(data) and not (body.completed or body.error):
        taken += body.received(data[taken : taken + size])
    return body, taken


def chunk(content: bytes, after: bytes = b"") -> bytes:
    """One chunk; `after` stands behind its size."""
    return b"%x%b\r\n%b\r\n" % (len(content), after, content)


@pytest.mark.parametrize("seed", range(20))
def test_body__is_the_same_however_it_is_cut_and_ends_where_it_ends(seed: int) -> None:
    chance = random.Random(seed)
    parts = [chance.choice((b"a", b"\r\n", b"0\r\n\r\n", b"\0" * 20, b"x" * 3000))
             for _ in range(chance.randrange(9))]
    trailer = chance.choice((b"", b"X-Sum: 1\r\n", b"A: b\r\nC: d\r\n"))
    sent = b"".join(chunk(part, chance.choice((b"", b";a=b", b';a="x y"'))) for part in parts) + (
        b"0\r\n" + trailer + b"\r\n")
    for size in (1, 2, 3, 7, 1000, 100_000):
        body, taken = fed(sent + NEXT, size)
        assert (body.completed, body.error, taken) == (True, None, len(sent))
        assert body.getbuf().getfile().read() == b"".join(parts)
        assert len(body) == len(b"".join(parts))


@pytest.mark.parametrize("sent", [
    b"\r\n" + LAST, b"x\r\n", b"-1\r\n", b"+1\r\n", b"0x1\r\n", b"1 \r\n", b" 1\r\n", b"1_0\r\n",
    b"1\n\r\n", b"f" * 16 + b"\r\n", b"1;=\r\n", b"1;a b\r\n", b"1\r\nab\r\n", b"1\r\na\n" + LAST,
    b"1\r\na\rb" + LAST, b"1\r\na" + LAST, b"1" * (LONGEST_LINE + 2),
    b"1;" + b"a" * LONGEST_LINE + b"\r\n", b"0\r\n" + b"X: y\r\n" * (LONGEST_TRAILER // 6 + 2)])
def test_body__with_a_fault_is_no_body(sent: bytes) -> None:
    for size in (1, 1000, 100_000):
        body, taken = fed(sent, size)
        assert body.error
        assert not body.completed
        assert taken <= len(sent)


def test_body__in_chunks_of_one_byte_costs_little() -> None:
    """In one piece, too: of what waits, nothing is copied once a chunk."""
    count = 200_000
    begun = time.process_time()
    body, _ = fed(chunk(b"x") * count + LAST, 1 << 30)
    assert time.process_time() - begun < 5
    assert (body.completed, len(body)) == (True, count)
