"""What a read model keeps of members, posts, rosters and attendance: all that they know."""

from collections.abc import Mapping
from typing import Self

import msgspec

from ledger.people.attendance import Attendance, Attended, HandedOver
from ledger.people.member import Leave, Member
from ledger.people.posts import Post, Term
from ledger.people.rosters import Roster, Shift


class KeptMember(msgspec.Struct, omit_defaults=True):
    """A member."""

    joined_on: str | None = None
    left_on: str | None = None
    supervisors: tuple[tuple[str, str], ...] = ()
    leave: Mapping[str, Leave] = {}

    @classmethod
    def of(cls, member: Member) -> Self:
        """What is kept of a member."""
        return cls(member.joined_on, member.left_on, member.supervisors, member.leave)

    def restored(self, stream: str) -> Member:
        """The member again, for their next event."""
        member = Member.blank(stream)
        member.joined_on, member.left_on = self.joined_on, self.left_on
        member.supervisors, member.leave = self.supervisors, self.leave
        return member


class KeptPost(msgspec.Struct, omit_defaults=True):
    """A post."""

    terms: tuple[Term, ...] = ()

    @classmethod
    def of(cls, post: Post) -> Self:
        """What is kept of a post."""
        return cls(post.terms)

    def restored(self, stream: str) -> Post:
        """The post again, for its next event."""
        post = Post.blank(stream)
        post.terms = self.terms
        return post


class KeptRoster(msgspec.Struct, omit_defaults=True):
    """A roster."""

    patterns: tuple[tuple[str, tuple[Shift, ...]], ...] = ()
    single: Mapping[str, tuple[Shift, ...]] = {}
    covers: Mapping[str, tuple[tuple[str, str, str], ...]] = {}

    @classmethod
    def of(cls, roster: Roster) -> Self:
        """What is kept of a roster."""
        return cls(roster.patterns, roster.single, roster.covers)

    def restored(self, stream: str) -> Roster:
        """The roster again, for its next event."""
        roster = Roster.blank(stream)
        roster.patterns, roster.single, roster.covers = self.patterns, self.single, self.covers
        return roster


class KeptAttendance(msgspec.Struct, omit_defaults=True):
    """A member's attendance in a month."""

    attended: tuple[Attended, ...] = ()
    handed_over: tuple[HandedOver, ...] = ()

    @classmethod
    def of(cls, attendance: Attendance) -> Self:
        """What is kept of a month's attendance."""
        return cls(attendance.attended, attendance.handed_over)

    def restored(self, stream: str) -> Attendance:
        """The attendance again, for its next event."""
        attendance = Attendance.blank(stream)
        attendance.attended, attendance.handed_over = self.attended, self.handed_over
        return attendance
