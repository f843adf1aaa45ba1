"""Days and times of day are those of a ledger: nobody makes them of a moment in another way."""

import re

from tests.support import source
from tests.support.source import check

OF_A_ZONE = re.compile(
    r"\bzoneinfo\b|\bZoneInfo\b|\.astimezone\((?!UTC\))|\b(now|today|localtime|mktime|tzset)\(\)|"
    r"\.fromtimestamp\((?!.*\bUTC\))|Asia/Shanghai\"$")
"""What makes a day of a moment, or a moment of a day, by itself: in the zone of the machine, or in
one that is none of a ledger's."""

MAY_NAME_ZONES = {"ledger/common/days.py", "ledger/writing/genesis.py"}
"""What turns moments into days, and the zone of a ledger that begins where nobody names one."""


def test_days__are_asked_of_a_ledger() -> None:
    """`Days` has no default, and nobody passes it by: so no ledger has the days of another."""
    check(f"{source.name(path)}:{number}: {line.strip()}"
          for path in source.code() if source.name(path) not in MAY_NAME_ZONES
          for number, line in enumerate(source.text(path).splitlines(), 1)
          if OF_A_ZONE.search(line))


def test_pattern__finds_what_passes_a_ledger_by() -> None:
    for naive in ("ZoneInfo('UTC')", "moment.astimezone()", "moment.astimezone(zone)",
                  "datetime.now()", "date.today()", "datetime.fromtimestamp(at)",
                  'ZONE = "Asia/Shanghai"'):
        assert OF_A_ZONE.search(naive)
    for sound in ("datetime.now(UTC)", "moment.astimezone(UTC)", "fromtimestamp(at, UTC)"):
        assert not OF_A_ZONE.search(sound)
