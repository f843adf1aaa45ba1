"""What the rules of monthly scores refuse."""

from ledger.common.errors import Refused


class MonthSealed(Refused):
    """{month} is sealed. Later changes count in the open month, unless a manager reopens {month}
    with a reason."""

    code = "month_sealed"
    rule = "R-MON-01"


class MonthNotOver(Refused):
    """{month} is not over on {day}, so it cannot be closed yet."""

    code = "month_not_over"
    rule = "R-MON-02"


class MonthNotGraded(Refused):
    """{month} cannot be closed: {count} sheet(s) are not fully graded: {missing}. Grade them, or
    leave the member out with a reason."""

    code = "month_not_graded"
    rule = "R-MON-03"


class MonthNotSealed(Refused):
    """{month} is {state}, and only a sealed month can be reopened."""

    code = "month_not_sealed"
    rule = "R-MON-04"


class NotInPost(Refused):
    """{member} did not hold the post {post} in {month}."""

    code = "not_in_post"
    rule = "R-MON-05"


class NotTheGrader(Refused):
    """{actor} does not grade the {sheet} sheet of {member} as {post}: {who} does."""

    code = "not_the_grader"
    rule = "R-MON-06"


class ItemUnknown(Refused):
    """The scorecard of {post} has no such item: {items}. Its items to be graded are {known}."""

    code = "item_unknown"
    rule = "R-MON-07"


class BonusTooHigh(Refused):
    """{member} would have {points} points for bonus work in {month}, and {most} is the most that
    {post} can have."""

    code = "bonus_too_high"
    rule = "R-MON-08"


class LeftOutUnknown(Refused):
    """{member} has no score as {post} in {month} that could be left out."""

    code = "left_out_unknown"
    rule = "R-MON-09"


class NothingToRestate(Refused):
    """No figure of {month} has changed since it was sealed, so there is nothing to restate. Seal it
    again as it was."""

    code = "nothing_to_restate"
    rule = "R-MON-10"


class FiguresChanged(Refused):
    """The figures of {month} have changed since they were seen: their digest is now {digest}. Look
    at them again."""

    code = "figures_changed"
    rule = "R-MON-11"


class MonthOutOfTurn(Refused):
    """Months are closed in turn: {due} is next, not {month}."""

    code = "month_out_of_turn"
    rule = "R-MON-12"


class NobodyToScore(Refused):
    """Nobody held a scored post in {month}, so there is nothing to seal."""

    code = "nobody_to_score"
    rule = "R-MON-13"


class MonthNotBegun(Refused):
    """{month} has not begun on {day}, so nobody can be graded in it yet."""

    code = "month_not_begun"
    rule = "R-MON-14"


class MonthNotReopened(Refused):
    """{month} is {state}, and only a reopened month can be restated."""

    code = "month_not_reopened"
    rule = "R-MON-15"


class RestatementNeeded(Refused):
    """{month} was reopened and its figures have changed: restate it instead of sealing it."""

    code = "restatement_needed"
    rule = "R-MON-16"


class OwnBonus(Refused):
    """{member} cannot grant themselves points for bonus work."""

    code = "own_bonus"
    rule = "R-MON-17"


class GraderMissing(Refused):
    """The {sheet} sheet of {member} as {post} is graded by the supervisor, and none is set for
    {day}. Set one first."""

    code = "grader_missing"
    rule = "R-MON-18"


class ItemComputed(Refused):
    """{items} of {post} cannot be graded: the points there are computed from {rules}."""

    code = "item_computed"
    rule = "R-MON-19"
