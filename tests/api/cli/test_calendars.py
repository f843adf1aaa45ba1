"""`ledger doctor` says when a calendar ends, in time for the next."""

from datetime import UTC, date, datetime

import pytest

from api.cli import calendars
from ledger.application import Ledger
from ledger.log.store import Store
from ledger.policies.commands import PublishPolicy
from ledger.policies.reader import parse, read
from ledger.policies.values import Policy
from tests.support.builders import context


def publish(ledger: Ledger, policy: Policy, since: str) -> None:
    """Publish a policy from a day on."""
    ledger.handle(PublishPolicy(policy=policy, effective_from=since,
                                occurred_at=datetime(2026, 1, 1, tzinfo=UTC)), context())


def test_calendars__nothing_to_judge_without_one(ledger: Ledger, store: Store) -> None:
    assert calendars.look(store, "main") == (
        None, "No calendar is published: no working day can be counted.")


@pytest.mark.parametrize(("today", "ok", "said"), [
    ("2026-11-01", None, "Calendar dispatch ends on 2026-12-31, in 60 day(s)"),
    ("2026-10-31", True, "The calendars go on until 2026-12-31."),
    ("2026-12-31", None, "in 0 day(s). The working days of 2027 are not announced yet"),
    ("2027-01-01", False, "Calendar dispatch ended on 2026-12-31: nothing is due on a later day"),
])
def test_calendars__warn_sixty_days_before_the_end(
    ledger: Ledger, store: Store, today: str, ok: bool | None, said: str
) -> None:
    publish(ledger, read("deadlines"), "2026-01-01")

    found, detail = calendars.look(store, "main", today)

    assert found is ok
    assert said in detail


def test_calendars__are_content_with_a_later_version(ledger: Ledger, store: Store) -> None:
    publish(ledger, read("deadlines"), "2026-01-01")
    longer = [f"- {{calendar: {name}, weekdays: [1], since: 2026-01-01, until: 2027-12-31}}\n"
              for name in ("mainland", "dispatch")]
    publish(ledger, parse("x", f"title: t\ncalendars:\n{''.join(longer)}"), "2026-12-31")

    assert calendars.look(store, "main", "2026-12-01") == (
        True, "The calendars go on until 2027-12-31.")
    assert (date(2026, 12, 31) - date(2026, 11, 1)).days == calendars.WARN_DAYS
