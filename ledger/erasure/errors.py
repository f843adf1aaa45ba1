"""What the rules about erasing persons refuse."""

from ledger.common.errors import Conflict, NotFound, Refused


class PersonUnknown(NotFound):
    """There is no {person}: nothing was ever sealed for it."""

    code = "person_unknown"
    rule = "R-ERA-01"


class AlreadyErased(Refused):
    """{person} was erased: nothing of theirs is left, and nothing is taken any more."""

    code = "already_erased"
    rule = "R-ERA-02"


class ErasureNotRequested(Refused):
    """Nobody has asked to erase {person}, or that was withdrawn. One person asks, and another
    confirms."""

    code = "erasure_not_requested"
    rule = "R-ERA-03"


class AskerConfirms(Refused):
    """{actor} asked to erase {person}, and cannot confirm it as well. Somebody else has to."""

    code = "asker_confirms"
    rule = "R-ERA-04"


class PersonHeld(Refused):
    """{person} cannot be erased: {held} is held. Lift the hold first."""

    code = "person_held"
    rule = "R-ERA-05"


class MemberStillHere(Refused):
    """{person} cannot be erased: it is {member}, whose last day is not over. Record when they
    leave, and erase them after that day."""

    code = "member_still_here"
    rule = "R-ERA-06"


class GroupChanged(Conflict):
    """Who goes together with {person} has changed since it was looked up, at position {seen}. Send
    it again."""

    code = "group_changed"
    rule = "R-ERA-07"


class SeenTooEarly(Conflict):
    """Who goes together with {person} was looked up at position {seen}, and more than {most} events
    were recorded since. Send it again."""

    code = "seen_too_early"
    rule = "R-ERA-08"


class ErasureRequested(Refused):
    """To erase {person} was asked for already, since it is {ground}. Confirm that, or withdraw
    it."""

    code = "erasure_requested"
    rule = "R-ERA-09"


class TooManyTogether(Refused):
    """{count} persons go together with {person}, and {most} can be erased at once."""

    code = "too_many_together"
    rule = "R-ERA-10"


class NoRetention(Refused):
    """No retention is in force that a second person has confirmed. Publish a policy with a section
    `retention`, and let somebody else confirm it."""

    code = "no_retention"
    rule = "R-ERA-11"


class RetentionWaits(NoRetention):
    """The retention of version {version} waits to be confirmed by somebody else than who published
    it, and no other is in force until then: `ledger do policy.confirm_retention`."""

    code = "retention_waits"
    rule = "R-ERA-14"


class NotDue(Refused):
    """{person} is not due to be erased: {why}."""

    code = "not_due"
    rule = "R-ERA-12"
