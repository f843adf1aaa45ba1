"""What a member's posts give them today: the roles of their keys, and the team that they head."""

from typing import NamedTuple

from ledger.policies.values import Version
from projections.asking.clocks import NOW
from projections.asking.questions import Question
from projections.people.reports import post_terms, staff
from projections.policies import book_of
from projections.store.models import ReadModels

BASE = "member"
"""The role in which every member reads their own records."""


class Rights(NamedTuple):
    """`here`: whether the member works here, `placed`: whether they ever held a post. `team` are
    those who report to them, at any level, and those in a post that one of theirs heads."""

    here: bool
    placed: bool
    posts: tuple[str, ...]
    roles: frozenset[str]
    team: frozenset[str]

    def gives(self, role: str) -> bool:
        """Whether a key may act in a role. Who is here and never held a post is not held against
        any: somebody has to tell the ledger who holds which."""
        return role in self.roles or (self.here and not self.placed)


def rights_of(models: ReadModels, ledger: str, member: str, day: str) -> Rights | None:
    """What the posts of a member give on a day, by the policy then in force; None if nobody with
    this id ever joined."""
    placed = any(row["member"] == member for row in post_terms(models, ledger, Question()).rows)
    rows = {row["member"]: row for row in staff(models, ledger, Question(day=day)).rows}
    own = rows.get(member)
    if own is None:
        return None
    version = book_of(models.store, ledger, NOW.resolve(models.store, ledger)).on(day)
    posts, here = tuple(own["posts"]), own["here"]
    roles = {BASE, *(role for post, role in version.posts().items() if post in posts)}
    above = {name: row["supervisor"] for name, row in rows.items()}
    team = {name for name in rows if name != member and here and (
        _reports_to(name, member, above) or _headed(rows[name]["posts"], posts, version))}
    return Rights(here, placed, posts, frozenset(roles if here else ()), frozenset(team))


def _reports_to(name: str, member: str, above: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    head = above.get(name)
    while head is not None and head not in seen:
        if head == member:
            return True
        seen.add(head)
        head = above.get(head)
    return False


def _headed(posts: list[str], own: tuple[str, ...], version: Version) -> bool:
    return any(head in own for post in posts for head in version.heads_of(post))


def anybody_placed(models: ReadModels, ledger: str) -> bool:
    """Whether anybody ever held a post: before, no key can be held against one."""
    return bool(post_terms(models, ledger, Question()).rows)
