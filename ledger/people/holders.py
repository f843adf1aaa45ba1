"""Who held which post when, for those columns that charge and grade members."""

from collections.abc import Iterable

from ledger.common.days import first_day, last_day
from ledger.core.commands import Work
from ledger.people.authority import must_be_member
from ledger.people.errors import NotTheHead
from ledger.people.member import Member
from ledger.people.posts import Post, post_of
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.values import Version

MAX_LEVELS = 20
"""How far up supervisors are followed."""

MANAGER = "manager"
"""The role of the posts that manage the shop."""


def policy_on(work: Work, day: str) -> Version:
    """The policy in force on a day."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    return book.on(day)


def posts_from(work: Work, day: str) -> list[str]:
    """The posts that are known on a day or later."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    return list({**book.on(day).posts(), **book.latest.posts()})


def load_posts(work: Work, posts: Iterable[str]) -> dict[str, Post]:
    """Posts by name, with one query."""
    streams = {post: post_of(post) for post in posts}
    work.fetch([(Post, stream) for stream in streams.values()])
    return {post: work.load(Post, stream) for post, stream in streams.items()}


def posts_of(work: Work, member: str, day: str) -> list[str]:
    """The posts that a member held on a day, as the policy then lists them."""
    found = load_posts(work, policy_on(work, day).posts())
    here = work.load(Member, member).is_here_on(day)
    return [name for name, post in found.items() if here and post.held_by(member, day)]


def holders_of(work: Work, posts: Iterable[str], day: str) -> dict[str, str]:
    """Who held one of some posts on a day, each with the first of them that he held."""
    found: dict[str, str] = {}
    loaded = load_posts(work, posts)
    held = {name: post.holders_on(day) for name, post in loaded.items()}
    work.fetch([(Member, member) for members in held.values() for member in members])
    for name, members in held.items():
        for member in members:
            if work.load(Member, member).is_here_on(day):
                found.setdefault(member, name)
    return dict(sorted(found.items()))


def held_in(work: Work, month: str) -> dict[str, set[str]]:
    """The posts that each member held on any day of a month."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    found: dict[str, set[str]] = {}
    for name, post in load_posts(work, book.posts_in(month)).items():
        for member in post.holders_between(first_day(month), last_day(month)):
            found.setdefault(member, set()).add(name)
    return found


def ever_held(work: Work, month: str) -> list[str]:
    """Who was ever said to hold a post in a month, sorted: also who turned out not to have."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    last = last_day(month)
    return sorted({term.member for post in load_posts(work, book.posts_in(month)).values()
                   for term in post.terms if term.since <= last})


def must_head(work: Work, member: str, day: str) -> str:
    """Who wishes the command: a member who supervises another one on a day, at any level, or whose
    post manages the shop. Errors: NotTheHead (R-PPL-15), SignatureNeeded (R-PPL-13)."""
    by, above = must_be_member(work, day), member
    for _ in range(MAX_LEVELS):
        head = work.load(Member, above).supervisor_on(day)
        if head == by:
            return by
        if head is None:
            break
        above = head
    roles = policy_on(work, day).posts()
    if any(roles[post] == MANAGER for post in posts_of(work, by, day)):
        return by
    raise NotTheHead(actor=by, member=member, day=day)
