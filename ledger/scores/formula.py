"""How a month's score is made from an account and the policy in force: exact decimals throughout.

score = 0.75 committee + 0.25 second + bonus - deductions, where the policy gives the shares:
《天猫运营岗位职责》 prints these two, and up to 20 points of bonus work. That the points of
《电商部管理细则》 come off this score is our reading, since it never says what they are taken from.
The score is not clamped: it may fall below 0 or rise above 100.

An item in which rules count is computed, the same in both sheets: its weight less the points, not
below 0. The policy version in force on the month's last day counts.

A member has one score a month: where several posts were held, each adds its share of the grades, by
the days that it was held. Bonus work and deductions count once, whole.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from ledger.common.decimals import TENTH, ZERO, plain, rounded
from ledger.policies.posts import COMMITTEE
from ledger.policies.values import Band, ScorecardItem, Version, weights_of
from ledger.scores.account import Account
from ledger.scores.charges import Charges, cost_in, whole_cost
from ledger.scores.shares import ONE, WHOLE, DaysHeld, Share, shares_of
from ledger.scores.values import COMMITTEE_SHEET, SECOND_SHEET, Figure

HUNDRED = Decimal(100)


class ItemScore(NamedTuple):
    """An item in a sheet. Units: points of 100; `grade` in percent, None for a computed item.

    `graders` are those whose grades are averaged; `lost` are the points that rules take.
    """

    item: str
    weight: Decimal
    points: Decimal
    grade: Decimal | None = None
    graders: tuple[str, ...] = ()
    lost: Decimal = ZERO


class Sheet(NamedTuple):
    """A sheet of a scorecard: its items, and the names of those that nobody has graded yet."""

    items: list[ItemScore]
    missing: list[str]

    @property
    def total(self) -> Decimal | None:
        """The points of 100; None until every item is graded."""
        return None if self.missing else sum((item.points for item in self.items), ZERO)


def is_graded(post: str) -> bool:
    """Whether a post is a job that is scored: to sit in the committee is not."""
    return post != COMMITTEE


def sheet_of(account: Account, post: str, sheet: str, version: Version) -> Sheet:
    """A sheet of a post. A committee's grade of an item is the mean, to one decimal."""
    card = version.scorecard(post)
    weights = weights_of(card)
    graded = account.sheet(post, sheet)
    items: list[ItemScore] = []
    missing: list[str] = []
    for item in card.items:
        weight = weights[item.item]
        if item.computed_from:
            items.append(_computed(account.charges, post, item, weight))
            continue
        given = {grader: Decimal(grades[item.item]) for grader, grades in sorted(graded.items())
                 if item.item in grades}
        if not given:
            missing.append(item.item)
            continue
        mean = rounded(sum(given.values(), ZERO) / len(given), TENTH) if len(given) > 1 \
            else next(iter(given.values()))
        items.append(ItemScore(item.item, weight, weight * mean / HUNDRED, mean, tuple(given)))
    return Sheet(items, missing)


def _computed(charges: Charges, post: str, item: ScorecardItem, weight: Decimal) -> ItemScore:
    """An item that loses points by rules. Where a scorecard is scaled, so are these: whoever loses
    half of the printed weight loses half of the scaled one."""
    lost = cost_in(charges, post, item.item)
    printed = Decimal(item.weight)
    if weight != printed and printed:
        lost = rounded(lost * weight / printed)
    return ItemScore(item.item, weight, max(ZERO, weight - lost), lost=lost)


def cost_of(charges: Charges, post: str, version: Version) -> Decimal:
    """All that charges take from the score: in computed items, and in the month's total. An item
    loses no more than its weight, so that further charges in it cost nothing."""
    return items_cost(charges, post, version) + month_cost(charges, post, version)


def items_cost(charges: Charges, post: str, version: Version) -> Decimal:
    """The points that charges take from computed items, of each no more than its weight."""
    weights = weights_of(card := version.scorecard(post))
    return sum((weights[item.item] - _computed(charges, post, item, weights[item.item]).points
                for item in card.items if item.computed_from), ZERO)


def month_cost(charges: Charges, post: str, version: Version) -> Decimal:
    """The points that charges take from the month's total: also those that would count in an item
    which the post's scorecard lacks or does not compute. Nothing that is charged gets lost."""
    computed = (item.item for item in version.scorecard(post).items if item.computed_from)
    return whole_cost(charges, post) - sum((cost_in(charges, post, item) for item in computed),
                                           ZERO)


class Part(NamedTuple):
    """What a post adds to a member's month. Units: points; None: not graded yet."""

    committee: Decimal | None
    second: Decimal | None
    bonus: Decimal
    deductions: Decimal
    points: Decimal | None


def part_of(
    account: Account, post: str, version: Version, *, also: Iterable[str] = (),
    share: Decimal = ONE,
) -> Part:
    """What a post adds to a member's month: its share of what was graded, bonus work and all that
    is taken. `also` are posts that the member does not hold, whose charges and carried points count
    here.

    Whatever rules take counts whole, in computed items too: a fact costs a member who moved as many
    points as anybody else, and as many as are carried when it changes after the seal. Rule:
    R-MON-21.
    """
    committee = sheet_of(account, post, COMMITTEE_SHEET, version).total
    second = sheet_of(account, post, SECOND_SHEET, version).total
    bonus = account.bonus(post)
    deductions = month_cost(account.charges, post, version) + account.carried_in(post) + sum(
        (account.whole_cost(one) + account.carried_in(one) for one in also), ZERO)
    points = None
    if committee is not None and second is not None:
        mix = version.scoring
        lost = items_cost(account.charges, post, version)
        graded = Decimal(mix.committee) * committee + Decimal(mix.second) * second + lost
        points = share * graded - lost + bonus - deductions
    return Part(committee, second, bonus, deductions, points)


def figure_of(
    account: Account, member: str, post: str, version: Version, *, also: Iterable[str] = ()
) -> Figure:
    """A member's month in one post, as if that had all of it; `also` as in `part_of`."""
    part = part_of(account, post, version, also=also)
    return _figure(part, member, post, version, score=part.points)


def _figure(
    part: Part, member: str, post: str, version: Version, *, score: Decimal | None,
    share: Share = WHOLE,
) -> Figure:
    return Figure(
        member=member, post=post, committee=_written(part.committee), second=_written(part.second),
        bonus=plain(part.bonus), deductions=plain(part.deductions), score=_written(score),
        coefficient=coefficient_of(score, version.sections.coefficients or ()),
        policy_version=version.number, share=plain(share.share), days=share.days,
        part=None if share.days is None else _written(part.points))


def _written(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def coefficient_of(score: Decimal | None, bands: Iterable[Band]) -> str | None:
    """The coefficient of a score; None without a score, or without bands."""
    if score is None:
        return None
    return next((band.coefficient for band in bands
                 if (band.at_least is None or score >= Decimal(band.at_least))
                 and (band.below is None or score < Decimal(band.below))), None)


def figures_of(
    accounts: Mapping[str, Account], held: Mapping[str, DaysHeld], version: Version, *,
    left_out: Collection[tuple[str, str]] = (),
) -> Iterator[Figure]:
    """The figures of a month, by member and post.

    Shapes: `accounts` by member, `held` the days on which each held which post, `left_out` members
    and posts that get no figure: the others share the days (R-MON-22). An account may know of
    further posts, such as one held until the month before, to which effects are still carried.
    They count in the first post that the member holds, by name, since every point counts once, and
    in some figure.
    """
    for member, days in sorted(held.items()):
        account = accounts.get(member) or Account.blank("month:")
        posts = sorted(filter(is_graded, days))
        scored = [post for post in posts if (member, post) not in left_out]
        shares = shares_of({post: days[post] for post in scored})
        parts = {post: part_of(account, post, version, share=shares[post].share,
                               also=strays(account, posts) if post == posts[0] else ())
                 for post in scored}
        score = sum_of(part.points for part in parts.values())
        for post, part in parts.items():
            yield _figure(part, member, post, version, score=score, share=shares[post])


def sum_of(points: Iterable[Decimal | None]) -> Decimal | None:
    """A sum; None as soon as any of it is not known yet."""
    total = ZERO
    for one in points:
        if one is None:
            return None
        total += one
    return total


def strays(account: Account, held: Collection[str]) -> list[str]:
    """The posts that an account knows of but that are not held."""
    return sorted(account.posts() - set(held))
