"""Keys of the API: which of them can be replaced."""

from typing import Any

from ledger.access.keys import IssueKey, KeyExpired, KeyRevoked, KeyUnknown, RevokeKey
from tests.support.stories import given
from tests.support.team import at


def test_key__rejected_to_be_replaced_when_it_was_revoked_or_has_expired() -> None:
    def issue(key: str, **fields: Any) -> IssueKey:
        return IssueKey(**{"key": key, "owner": "system", "role": "admin", "digest": "0" * 64,
                           "occurred_at": at("2026-09-02"), **fields})

    story = given(issue("gone", expires_at=at("2026-09-01")), issue("back"),
                  RevokeKey(key="back", reason="lost", occurred_at=at("2026-09-01")))
    story.when(issue("new", replaces="gone")).refused(KeyExpired)
    story.when(issue("new", replaces="back")).refused(KeyRevoked)
    story.when(issue("new", replaces="none")).refused(KeyUnknown)
    story.when(issue("new", replaces="gone", occurred_at=at("2026-08-31"))).then(
        "key.issued.v1", "key.expiry_set.v1")
