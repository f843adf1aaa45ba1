"""Who held which post when, for those who charge and grade members."""

from collections.abc import Iterable, Mapping

from ledger.common.days import first_day, last_day
from ledger.core.commands import Work
from ledger.people.member import Member
from ledger.people.posts import Post, post_of
from ledger.policies.book import BOOK, PolicyBook, policy_on


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
    """Who held one of some posts on a day, each with the first of these that they held."""
    found: dict[str, str] = {}
    loaded = load_posts(work, posts)
    held = {name: post.holders_on(day) for name, post in loaded.items()}
    work.fetch([(Member, member) for members in held.values() for member in members])
    for name, members in held.items():
        for member in members:
            if work.load(Member, member).is_here_on(day):
                found.setdefault(member, name)
    return dict(sorted(found.items()))


def held_in(work: Work, month: str) -> dict[str, dict[str, set[str]]]:
    """The posts that each member held in a month, each with the days on which they did."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    return days_by_member(load_posts(work, book.posts_in(month)), month)


def days_by_member(posts: Mapping[str, Post], month: str) -> dict[str, dict[str, set[str]]]:
    """The days of a month on which each member held which post, by member and post. `posts` are by
    name."""
    found: dict[str, dict[str, set[str]]] = {}
    for name, post in posts.items():
        for member, days in post.days_held(first_day(month), last_day(month)).items():
            found.setdefault(member, {})[name] = days
    return found


def ever_held(work: Work, month: str) -> list[str]:
    """Whoever was once recorded as holding a post by the end of a month, sorted: also those who
    turned out not to have held it, since figures of theirs may be sealed."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    last = last_day(month)
    return sorted({term.member for post in load_posts(work, book.posts_in(month)).values()
                   for term in post.terms if term.since <= last})
