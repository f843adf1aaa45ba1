"""What is personal stands sealed in the log, and nowhere else."""

import re

from ledger.common.errors import Refused
from tests.support import source
from tests.support.free_text import free_text

ROW = re.compile(
    r"^\| `(?P<type>[a-z_.]+\.v\d+)` \| (?P<fields>[^|]+) \| (?P<whose>(?:the (?:buyer|member)|"
    r"nobody)'s) \| (?P<sealed>yes|no) \| (?P<why>[^|]*)\|$", re.MULTILINE)
"""A row of the table in docs/personal-data.md."""


def test_refusal__names_no_personal_field() -> None:
    """What the message of a refusal names is recorded openly, so it may hold nothing personal."""
    personal = {name for cls in source.events().values() for name in cls.PERSONAL}  # type: ignore
    assert {"account", "recipient", "phone", "address", "buyer_remark", "remark"} <= personal
    source.check(f"{cls.__name__} names {named}"
                 for cls in source.errors() if issubclass(cls, Refused)
                 for named in source.placeholders(source.template(cls)) & personal)


def test_free_text__is_listed_with_whose_it_is_and_whether_it_is_sealed() -> None:
    """Every field that takes any words, and no other: a new one has to be somebody's."""
    rows = list(ROW.finditer(source.text(source.ROOT / "docs/personal-data.md")))
    listed = [(f"{row['type']} {field}", row["sealed"] == "yes")
              for row in rows for field in re.findall(r"`([^`]+)`", row["fields"])]
    assert len(listed) == len(dict(listed))
    assert dict(listed) == free_text()
    source.check(f"{row['type']}: why is it not sealed?" for row in rows
                 if (row["sealed"] == "no") != bool(row["why"].strip()))
    source.check(f"{row['type']}: who decides why not?" for row in rows
                 if row["why"].startswith("open"))
    source.check(f"{row['type']}: whose is it?" for row in rows
                 if row["sealed"] == "yes" and row["whose"] == "nobody's")
