"""What the rules about people refuse."""

from ledger.common.errors import Conflict, Refused


class MemberUnknown(Refused):
    """{member} never joined."""

    code = "member_unknown"
    rule = "R-PPL-01"


class MemberToldDifferently(Conflict):
    """{member} joined on {joined_on}. Give another member an id of his own."""

    code = "member_told_differently"
    rule = "R-PPL-02"


class MemberGone(Refused):
    """{member} is not in the shop on {day}: joined {joined_on}, left {left_on}."""

    code = "member_gone"
    rule = "R-PPL-03"


class PostUnknown(Refused):
    """There is no post {post!r}. The policy in force knows {known}."""

    code = "post_unknown"
    rule = "R-PPL-04"


class PostHeldAlready(Refused):
    """{member} holds the post {post} on {day} already."""

    code = "post_held_already"
    rule = "R-PPL-05"


class PostNotHeld(Refused):
    """{member} does not hold the post {post} on {day}."""

    code = "post_not_held"
    rule = "R-PPL-06"


class SupervisorCircle(Refused):
    """{supervisor} cannot supervise {member}: on {since} that would lead back to {member}."""

    code = "supervisor_circle"
    rule = "R-PPL-07"


class LeaveUnknown(Refused):
    """{member} never asked for leave {number}."""

    code = "leave_unknown"
    rule = "R-PPL-08"


class LeaveDecided(Refused):
    """Leave {number} of {member} is {state}."""

    code = "leave_decided"
    rule = "R-PPL-09"


class LeaveTooLate(Refused):
    """Leave is asked for beforehand: it begins on {first}, and it is {day} already."""

    code = "leave_too_late"
    rule = "R-PPL-10"


class OwnPresence(Refused):
    """{member} cannot do this for himself: {what} is for somebody else."""

    code = "own_presence"
    rule = "R-PPL-11"


class AttendanceUnknown(Refused):
    """Nothing number {number} is recorded of the attendance of {member} in {month}, or it was
    corrected already."""

    code = "attendance_unknown"
    rule = "R-PPL-12"


class SignatureNeeded(Refused):
    """This has to be done by a member of the shop with a key of his own, not by {actor}. On the
    command line: --actor member:…"""

    code = "signature_needed"
    rule = "R-PPL-13"


class OnlyForOneself(Refused):
    """{actor} cannot do this for {member}: {what} is for himself, or for his direct supervisor."""

    code = "only_for_oneself"
    rule = "R-PPL-14"


class NotTheHead(Refused):
    """{actor} neither supervises {member} on {day} nor manages the shop, and cannot decide this."""

    code = "not_the_head"
    rule = "R-PPL-15"


class AttendanceAhead(Refused):
    """{day} has not come yet: attendance is recorded when it is known."""

    code = "attendance_ahead"
    rule = "R-PPL-16"


class AttendedOtherwise(Refused):
    """{member} is {what} on {day}: {kind} does not go with it. Correct that first."""

    code = "attended_otherwise"
    rule = "R-PPL-17"


class LeaveOverlaps(Refused):
    """{member} has leave {number} for {days} already."""

    code = "leave_overlaps"
    rule = "R-PPL-18"


class ShiftUnknown(Refused):
    """{roster} has no shift {shift!r} on {day}. There are: {known}."""

    code = "shift_unknown"
    rule = "R-ROS-01"


class NotOnShift(Refused):
    """{member} is not in the shift {shift!r} of {roster} on {day}."""

    code = "not_on_shift"
    rule = "R-ROS-02"


class OnShiftAlready(Refused):
    """{member} is in the shift {shift!r} of {roster} on {day} already, and cannot stand in there.
    """

    code = "on_shift_already"
    rule = "R-ROS-03"
