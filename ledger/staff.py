"""Who held which post when, for those columns that charge and grade members."""

from collections.abc import Iterable

from ledger.commands import Work
from ledger.days import first_day, last_day
from ledger.people import Member
from ledger.policies import BOOK, PolicyBook
from ledger.policy_values import Version
from ledger.posts import Post, post_of


def policy_on(work: Work, day: str) -> Version:
    """The policy in force on a day."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    return book.on(day)


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
