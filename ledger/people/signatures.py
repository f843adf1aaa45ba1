"""Signatures by the policy: who may sign an act, whose signatures may not be one person's, and who
stands in. Every act that is signed goes through `must_sign`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from ledger.common.errors import Refused
from ledger.common.phrases import Phrase
from ledger.common.signed import AWAY, SIGNED_ALREADY, VACANT, StoodIn
from ledger.common.values import from_us
from ledger.core.commands import Work
from ledger.people.authority import must_be_member, signed_on
from ledger.people.holders import holders_of, posts_of
from ledger.people.member import AM, NOON, PM, Member
from ledger.people.rosters import Roster
from ledger.policies.book import policy_on
from ledger.policies.signing import apart_from, signing_of
from ledger.policies.values import Signing

SYSTEM = "system"
"""The ledger itself, and whoever moves books into it: it needs no second person."""


class NotThePost(Refused):
    """{actor} cannot sign {act} on {day}: {why}. Let one of those sign it."""

    code: ClassVar[str] = "not_the_post"
    rule: ClassVar[str] = "R-SIG-01"


class SameSigner(Refused):
    """{actor} cannot sign {act}, since {actor} signed {other} of the same matter. Let another
    person sign it."""

    code: ClassVar[str] = "same_signer"
    rule: ClassVar[str] = "R-SIG-02"


class Signature(NamedTuple):
    """Who signed, and for whom, if they stood in."""

    by: str
    stood_in: StoodIn | None = None


Signed = Mapping[str, Collection[str]]
"""Who has signed what of the same matter, by act."""


def must_sign(
    work: Work, act: str, at: datetime, *, signed: Signed | None = None,
    amount_minor: int | None = None,
) -> Signature:
    """The actor of the command signs an act of `ledger.policies.signing` at a time. The policy of
    that day says who may, and that of the day on which it is recorded: dating it back to before a
    policy escapes it no more than dating it back to a post. A member has to be here, and hold the
    post, on both.

    `signed` are those who signed the acts before it of the same matter. Units: `amount_minor` in
    minor units of the shop's currency, where the act has an amount.
    Errors: NotThePost (R-SIG-01), SameSigner (R-SIG-02), SignatureNeeded (R-PPL-13).
    """
    signed, found = signed or {}, Signature(work.actor)
    for day in sorted({work.days.day_of(at), signed_on(work, at)}):
        row = signing_of(policy_on(work, day), act)
        one = _signed_under(work, row, at, signed=signed, amount_minor=amount_minor)
        found = found if one.stood_in is None else one
    return found


def _signed_under(
    work: Work, row: Signing, at: datetime, *, signed: Signed, amount_minor: int | None
) -> Signature:
    """The actor's signature, as one policy asks for it. Errors: those of `must_sign`."""
    if row.posts or work.actor.startswith("member:"):
        must_be_member(work, work.days.day_of(at))
    if row.above_minor is not None and (amount_minor or 0) <= row.above_minor:
        return Signature(work.actor)
    for other in apart_from(row):
        if work.actor in signed.get(other, ()):
            raise SameSigner(actor=work.actor, act=row.act, other=other)
    return Signature(work.actor, _stood_in(work, row, at, signed) if row.posts else None)


def _stood_in(work: Work, row: Signing, at: datetime, signed: Signed) -> StoodIn | None:
    """For whom the actor stands in; None for a holder of the posts. Errors: NotThePost (R-SIG-01).
    """
    days = {work.days.day_of(at), signed_on(work, at)}
    held = [set(posts_of(work, work.actor, day)) for day in sorted(days)]
    if all(one & set(row.posts) for one in held):
        return None
    if all(one & set(row.otherwise) for one in held):
        absent = _absence(work, row, max(at, from_us(work.now)), signed)
        if absent is not None:
            return absent
        why = _standing_out(work, row, max(at, from_us(work.now)), signed)
    else:
        why = _no_post_of(row, work.actor, sorted(set.intersection(*held)))
    raise NotThePost(actor=work.actor, act=row.act, day=max(days), why=why)


def _no_post_of(row: Signing, actor: str, held: Sequence[str]) -> Phrase:
    """Why somebody whose posts neither sign an act nor stand in cannot sign it."""
    own = Phrase("the posts of {actor} are: {held}", actor=actor, held=", ".join(held)) \
        if held else Phrase("{actor} holds no post", actor=actor)
    posts, otherwise = ", ".join(row.posts), ", ".join(row.otherwise)
    if not otherwise:
        return Phrase("that is for {posts}, and {own}", posts=posts, own=own)
    return Phrase("that is for {posts} and, while nobody of them is on shift, for {otherwise}, and "
                  "{own}", posts=posts, otherwise=otherwise, own=own)


def _standing_out(work: Work, row: Signing, now: datetime, signed: Signed) -> Phrase:
    """Why somebody whose post stands in cannot: who of the first posts is on shift, and whether a
    roster says so or none says otherwise."""
    there = on_shift(work, _free(work, row, now, signed), now)
    today = work.days.day_of(now)
    planned = {who for roster in _rosters(work) for who in roster.planned_about(today)}
    by_roster, by_default = ([who for who in there if (who in planned) == named]
                             for named in (True, False))
    found = [Phrase("{members}: on shift by the roster", members=", ".join(by_roster))] \
        if by_roster else []
    if by_default:
        found.append(Phrase("{members}: on shift, since no roster of that week says otherwise",
                            members=", ".join(by_default)))
    who = found[0] if len(found) == 1 else Phrase("{a}; {b}", a=found[0], b=found[1])
    return Phrase("{otherwise} may stand in for {posts} only while nobody of them who may sign it "
                  "is on shift, and now somebody is ({who})", otherwise=", ".join(row.otherwise),
                  posts=", ".join(row.posts), who=who)


def _absence(work: Work, row: Signing, now: datetime, signed: Signed) -> StoodIn | None:
    """Why none of those who hold the posts of an act can sign it now; None if one can."""
    holders = list(holders_of(work, row.posts, work.days.day_of(now)))
    if not holders:
        return StoodIn(whom=[f"post:{post}" for post in row.posts], why=VACANT)
    if not (free := _free(work, row, now, signed)):
        return StoodIn(whom=holders, why=SIGNED_ALREADY)
    there = on_shift(work, free, now)
    return None if there else StoodIn(whom=holders, why=AWAY)


def _free(work: Work, row: Signing, now: datetime, signed: Signed) -> list[str]:
    """Those who hold the posts of an act and have signed nothing that it is to be apart from."""
    before = {who for other in apart_from(row) for who in signed.get(other, ())}
    return [who for who in holders_of(work, row.posts, work.days.day_of(now)) if who not in before]


def _rosters(work: Work) -> list[Roster]:
    return [work.load(Roster, name) for part in work.streams_of("roster") for name in part]


def on_shift(work: Work, members: Iterable[str], at: datetime) -> list[str]:
    """Those of some members who are at work at a time: in a shift, and not on leave from it. Whom
    no roster plans in that week is there on any day, since nobody says when they are not."""
    day, time = work.days.day_of(at), work.days.time_of(at)
    rosters = _rosters(work)
    planned = {who for roster in rosters for who in roster.planned_about(day)}
    return [who for who in members if _is_there(
        work.load(Member, who), day, time, shifts=[
            begun for roster in rosters for begun in roster.begun_on(who, day, time)],
        planned=who in planned)]


def _is_there(
    member: Member, day: str, time: str, *, shifts: Collection[str], planned: bool
) -> bool:
    """Whether a member is at work; `shifts` are the days on which shifts began that they are in.
    Leave is of the day on which a shift began, so that the small hours are of its second half."""
    begun = shifts or ([] if planned else [day])
    return any((AM if on == day and time < NOON else PM) not in member.halves_away(on)
               for on in begun)
