"""What the rules about people refuse."""

from ledger.common.errors import Conflict, Refused


class MemberUnknown(Refused):
    """{member} never joined the shop. Record that first (member.join), or check the name for
    slips."""

    code = "member_unknown"
    rule = "R-PPL-01"


class MemberJoinedDifferently(Conflict):
    """{member} joined on {joined_on}. Use a new id for a different member."""

    code = "member_joined_differently"
    rule = "R-PPL-02"


class MemberGone(Refused):
    """{member} left the shop: {left_on} was their last day, and {day} is after it. Give a day
    up to that one, or name a member who is there."""

    code = "member_gone"
    rule = "R-PPL-03"


class PostUnknown(Refused):
    """There is no post {post!r}. The policy in force names {known}. Use one of those, or
    publish a policy that names it (section `posts`)."""

    code = "post_unknown"
    rule = "R-PPL-04"


class PostHeldAlready(Refused):
    """{member} already holds the post {post} on {day} or later. End that term first."""

    code = "post_held_already"
    rule = "R-PPL-05"


class PostNotHeld(Refused):
    """{member} does not hold the post {post} on {day}, so there is no term to end. `ledger
    report post-terms` shows who holds which post."""

    code = "post_not_held"
    rule = "R-PPL-06"


class SupervisorCircle(Refused):
    """{supervisor} cannot supervise {member}: on {since} that would lead back to {member}. Set
    another supervisor for {supervisor} first."""

    code = "supervisor_circle"
    rule = "R-PPL-07"


class LeaveUnknown(Refused):
    """{member} never asked for leave {number}. Check the number: `ledger report leave` lists
    what was asked for."""

    code = "leave_unknown"
    rule = "R-PPL-08"


class LeaveDecided(Refused):
    """Leave {number} of {member} is already {state}. Leave for other days is asked for under a
    new number."""

    code = "leave_decided"
    rule = "R-PPL-09"


class LeaveTooLate(Refused):
    """Leave is asked for by its first day, {first}: {day} is too late. What nobody could foresee,
    such as an illness, is asked for afterwards with "kind": "unforeseen" and when it
    was reported."""

    code = "leave_too_late"
    rule = "R-PPL-10"


class OwnPresence(Refused):
    """{member} cannot do this for themselves: {what} is up to somebody else. Let their
    supervisor do it, or whoever manages the shop."""

    code = "own_presence"
    rule = "R-PPL-11"


class AttendanceUnknown(Refused):
    """The attendance of {member} in {month} has no number {number}. `ledger report attendance
    --month {month}` shows the numbers."""

    code = "attendance_unknown"
    rule = "R-PPL-12"


class SignatureNeeded(Refused):
    """{actor} cannot sign this on {day}: {why}."""

    code = "signature_needed"
    rule = "R-PPL-13"


class OnlyForOneself(Refused):
    """{actor} cannot do this for {member}: {what} is up to {member} or their direct supervisor.
    Let one of them do it."""

    code = "only_for_oneself"
    rule = "R-PPL-14"


class NotTheHead(Refused):
    """{actor} neither supervises {member} on {day} nor manages the shop, and cannot decide
    this. Let a supervisor of {member} decide it, or whoever manages the shop."""

    code = "not_the_head"
    rule = "R-PPL-15"


class AttendanceAhead(Refused):
    """{day} has not come yet: attendance is recorded once it is known. Record it then."""

    code = "attendance_ahead"
    rule = "R-PPL-16"


class AttendedOtherwise(Refused):
    """{member} is {what} on {day}, and cannot be {kind} as well. Take that back first
    (member.withdraw_leave, member.correct_attendance)."""

    code = "attended_otherwise"
    rule = "R-PPL-17"


class LeaveOverlaps(Refused):
    """{member} already asked for {days}, as leave {number}. Ask for other days, or take those
    of leave {number} back first (member.withdraw_leave)."""

    code = "leave_overlaps"
    rule = "R-PPL-18"


class MemberNotYet(Refused):
    """{member} is not in the shop on {day} yet: they join on {joined_on}. Give a day from then
    on, or name a member who is there."""

    code = "member_not_yet"
    rule = "R-PPL-19"


class LeaveNumberTaken(Refused):
    """{member} already asked for leave {number}, for {days}, and it is {state}. Use a new number
    for other leave."""

    code = "leave_number_taken"
    rule = "R-PPL-20"


class NoLeaveThen(Refused):
    """Leave {number} of {member} is for {days}, so no leave on {wanted} can be taken back. Name
    some of those days."""

    code = "no_leave_then"
    rule = "R-PPL-21"


class LeaveDaysPast(Refused):
    """{member} can no longer take back {first}: on {day} it is past. Let the direct supervisor
    do it, or whoever approved the leave."""

    code = "leave_days_past"
    rule = "R-PPL-22"


class AskerApproves(Refused):
    """{actor} asked for leave {number} of {member}. Let somebody else approve it."""

    code = "asker_approves"
    rule = "R-PPL-23"


class AttendanceCorrected(Refused):
    """Number {number} of the attendance of {member} in {month} was already corrected. Correct
    the number that took its place, or record what is missing (member.record_attendance)."""

    code = "attendance_corrected"
    rule = "R-PPL-24"


class AttendedAlready(Refused):
    """{member} is already recorded as {kind} on {day} (shift: {shift}), under number {number}. A
    shift has one outcome: correct that number first, if it is wrong."""

    code = "attended_already"
    rule = "R-PPL-25"


class HandedOverAlready(Refused):
    """{member} already handed over the shift {shift!r} of {day}: a shift is handed over once. What
    was left out belongs in the note of the next shift."""

    code = "handed_over_already"
    rule = "R-PPL-27"


class TakerNotHere(Refused):
    """{to_member} is not in the shop on {day}, and cannot take over from {member}. Name a
    member who is."""

    code = "taker_not_here"
    rule = "R-PPL-28"


class ShiftUnknown(Refused):
    """{roster} has no shift {shift!r} on {day}. {known}. Name one of that day, or set the day's
    shifts first (roster.set_day)."""

    code = "shift_unknown"
    rule = "R-ROS-01"


class NotOnShift(Refused):
    """{member} is not in the shift {shift!r} of {roster} on {day}. Name somebody who is;
    `ledger report shifts --day {day}` shows who."""

    code = "not_on_shift"
    rule = "R-ROS-02"


class OnShiftAlready(Refused):
    """{member} is already in the shift {shift!r} of {roster} on {day}, and cannot stand in
    there. Name somebody who is not."""

    code = "on_shift_already"
    rule = "R-ROS-03"


class NoShiftThen(Refused):
    """{member} has no shift on {day}. The shifts of their rosters that begin that day: {known}. Put
    them into a shift of that day first, or arrange a cover."""

    code = "no_shift_then"
    rule = "R-ROS-04"


class NotTheirShift(Refused):
    """{member} is not in the shift {shift!r} on {day}. Theirs that day: {own}. Name one of
    those."""

    code = "not_their_shift"
    rule = "R-ROS-05"


class ShiftNeeded(Refused):
    """{member} has several shifts on {day}: {own}. Name the shift, and the roster where two
    have the same name."""

    code = "shift_needed"
    rule = "R-ROS-06"


class NoWorkingDay(Refused):
    """{member} is on no roster on {day}, and it is no working day of the calendar {calendar}. Put
    them into a shift of that day first."""

    code = "no_working_day"
    rule = "R-ROS-07"


class ReportedLater(Refused):
    """{member} cannot have reported leave {number} at {reported_at}: that is later than {day},
    when it was asked for. Give the time of the report (`reported_at`), which lies before that."""

    code = "reported_later"
    rule = "R-PPL-26"
