"""What the rules of monthly scores refuse."""

from ledger.common.errors import Refused


class MonthSealed(Refused):
    """{month} is sealed. What comes later counts in the open month, or a manager reopens it with a
    reason."""

    code = "month_sealed"
    rule = "R-MON-01"


class MonthNotOver(Refused):
    """{month} is not over yet on {day}."""

    code = "month_not_over"
    rule = "R-MON-02"


class MonthNotGraded(Refused):
    """{month} cannot be sealed: {count} sheet(s) have no grade for every item: {missing}. Grade
    them, or leave the member out with a reason."""

    code = "month_not_graded"
    rule = "R-MON-03"


class MonthNotSealed(Refused):
    """{month} is {state}: it cannot be {wanted}."""

    code = "month_not_sealed"
    rule = "R-MON-04"


class NotInPost(Refused):
    """{member} did not hold the post {post} in {when}."""

    code = "not_in_post"
    rule = "R-MON-05"


class NotTheGrader(Refused):
    """{actor} does not grade the {sheet} sheet of {member} as {post}: {who} does."""

    code = "not_the_grader"
    rule = "R-MON-06"


class ItemUnknown(Refused):
    """The scorecard of {post} has no such item to grade: {items}. There are {known}."""

    code = "item_unknown"
    rule = "R-MON-07"


class BonusTooHigh(Refused):
    """{member} would have {points} points for bonus work in {month}; {most} are the most for
    {post}."""

    code = "bonus_too_high"
    rule = "R-MON-08"


class LeftOutUnknown(Refused):
    """{member} as {post} has no score in {month} that could be left out."""

    code = "left_out_unknown"
    rule = "R-MON-09"


class NothingToRestate(Refused):
    """No figure of {month} has changed since it was sealed, so there is nothing to restate. Seal it
    again as it was."""

    code = "nothing_to_restate"
    rule = "R-MON-10"


class FiguresChanged(Refused):
    """The figures of {month} are not those that were seen: their digest is {digest}. Look at them
    again."""

    code = "figures_changed"
    rule = "R-MON-11"


class MonthOutOfTurn(Refused):
    """Months close in turn: {due} is due, not {month}."""

    code = "month_out_of_turn"
    rule = "R-MON-12"


class NobodyToScore(Refused):
    """Nobody held a post in {month} that is scored, so there is nothing to seal."""

    code = "nobody_to_score"
    rule = "R-MON-13"
