"""What has to be sound before a policy is published: all faults at once.

A finding points into the policy, such as `/scorecards/1/items`. Sections refer to each other, so
the whole that would hold is checked: a new section may drop what an older one names.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from ledger.access.keys import ROLES
from ledger.common.decimals import check_decimal, is_decimal, plain
from ledger.common.errors import Fault
from ledger.common.values import Checks, quoted
from ledger.policies.bands import check_bands
from ledger.policies.pay import PayScheme
from ledger.policies.pay_checks import check_scheme
from ledger.policies.posts import POSTS
from ledger.policies.signing import check_signing
from ledger.policies.times import Calendar, Deadline, Hours
from ledger.policies.times_checks import TimesChecks
from ledger.policies.values import (
    ALL_OF_POST,
    ATTENDANCE,
    EXEMPTIONS,
    HEAD,
    MEMBER,
    MONTH,
    MOST_DAYS,
    MOST_THRESHOLD,
    OFFENDER,
    PARTIES,
    PER,
    SUPERVISOR,
    THRESHOLDS,
    Band,
    PostName,
    Retention,
    Rule,
    Scorecard,
    ScorecardItem,
    Scoring,
    Sections,
    Signing,
    Threshold,
    items_named,
)

ORIGINS = ("printed", "practice")


def findings(said: Sections, before: Sections) -> list[Fault]:
    """All that would be wrong if a policy held, section by section.

    `before` are the sections that hold where `said` has none: those that are published, or those of
    files checked along with it.
    """
    found = _Findings(whole := said.over(before))
    for name in whole.__struct_fields__:
        section = getattr(whole, name)
        if section == []:
            found.checks.fault(f"/{name}", "empty", "is empty; leave the section out to keep what "
                                                    "held before")
        elif section is not None:
            found.check(name, section if isinstance(section, list) else [section])
            known = {fault.where for fault in found.checks.faults}
            _check_texts(found.checks, f"/{name}", msgspec.to_builtins(section), known)
    return found.checks.faults


def _check_texts(checks: Checks, where: str, value: object, known: set[str]) -> None:
    """Every text can be stored and shown; names are already checked, and faults `known`."""
    if where in known:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_texts(checks, f"{where}/{name}", inner, known)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_texts(checks, f"{where}/{index}", inner, known)
    elif isinstance(value, str):
        checks.text(where, value, empty=True)


class _Findings:
    """The checks of each section, with what they need to know of the others."""

    def __init__(self, known: Sections) -> None:
        self.checks = Checks()
        self.known = known
        self.posts = {one.post for one in known.posts} if known.posts else set(POSTS)
        self.rules = {rule.code: rule for rule in known.rules or ()}
        self.cards = {card.post: card for card in known.scorecards or ()}
        self.times = TimesChecks(
            self.checks, {one.calendar: one for one in known.calendars or ()},
            {one.hours for one in known.hours or ()}, self.posts)

    def check(self, name: str, parts: Sequence[object]) -> None:
        """Check a section: each of its parts, and that no name appears twice."""
        check: Callable[[str, object], None] = getattr(self, f"_{name}")
        if name in ("scoring", "retention"):
            check(f"/{name}", parts[0])
            return
        self._names(name, parts)
        for index, part in enumerate(parts):
            check(f"/{name}/{index}", part)
        if name == "coefficients":
            check_bands(self.checks, "/coefficients",
                        [one for one in parts if isinstance(one, Band)], "the coefficients")

    def _names(self, section: str, parts: Sequence[object]) -> None:
        field = {"rules": "code", "posts": "post", "scorecards": "post", "pay": "scheme",
                 "coefficients": "", "signing": "act", "hours": "hours"}.get(
                     section, section.removesuffix("s"))
        seen: dict[str, int] = {}
        for index, part in enumerate(parts):
            for text in ("zh", "en", field):
                if text in getattr(part, "__struct_fields__", ()):
                    self.checks.text(f"/{section}/{index}/{text}", getattr(part, text))
            name = getattr(part, field, None) if field else None
            if isinstance(name, str) and seen.setdefault(name, index) != index:
                self._fault(f"/{section}/{index}/{field}", "twice",
                            f"{name} is already in /{section}/{seen[name]}")

    def _fault(self, where: str, code: str, message: str) -> None:
        self.checks.fault(where, code, message)

    def _retention(self, at: str, said: Retention) -> None:
        if said.buyers is None and said.members is None:
            self._fault(at, "empty", "says nothing of buyers, nor of members")
        for name in ("buyers", "members"):
            if (days := getattr(said, name)) is not None:
                self.checks.integer(f"{at}/{name}", days, least=1, most=MOST_DAYS)

    def _posts_known(self, where: str, posts: Iterable[str]) -> None:
        for post in posts:
            if post not in self.posts:
                self._fault(where, "unknown_post", f"{quoted(post)} is not a post")

    def _one_of(self, where: str, value: str, known: Iterable[str]) -> None:
        if value not in (words := list(known)):
            self._fault(where, "unknown", f"is {quoted(value)}, not one of {', '.join(words)}")

    # -- sections ---------------------------------------------------------------------------------

    def _posts(self, at: str, one: PostName) -> None:
        self._posts_known(f"{at}/heads", one.heads)
        self._one_of(f"{at}/role", one.role, ROLES)

    def _rules(self, at: str, rule: Rule) -> None:
        if not rule.posts:
            self._fault(f"{at}/posts", "missing", f"{rule.code} names no post")
        self._posts_known(f"{at}/posts", rule.posts)
        self._one_of(f"{at}/per", rule.per, PER)
        self._one_of(f"{at}/origin", rule.origin, ORIGINS)
        if rule.exempt is not None:
            self._one_of(f"{at}/exempt", rule.exempt, EXEMPTIONS)
        for kind in rule.computed_from:
            self._one_of(f"{at}/computed_from", kind, ATTENDANCE)
        self._charges(f"{at}/charges", rule)
        self._excludes(f"{at}/excludes", rule)
        if (more := rule.escalation) is not None:
            self.checks.integer(f"{at}/escalation/from_nth", more.from_nth, least=2, most=1000)
            check_decimal(self.checks, f"{at}/escalation/factor", more.factor, least="1",
                          most="100")
        if len(set(rule.posts)) < len(rule.posts):
            self._fault(f"{at}/posts", "twice", "names one of them twice")
        if self.known.scorecards is not None:
            self._items(at, rule)

    def _items(self, at: str, rule: Rule) -> None:
        """An item that a rule lowers is computed from that rule on the scorecards of all its posts.
        """
        if rule.counts_in != MONTH and SUPERVISOR in rule.charges:
            self._fault(f"{at}/counts_in", "mixed", "a supervisor's charge counts in the month")
        for post in rule.posts if rule.counts_in != MONTH else ():
            items = {one.item: one for one in self.cards[post].items} if post in self.cards else {}
            if rule.counts_in not in items:
                self._fault(f"{at}/counts_in", "unknown_item",
                            f"{quoted(rule.counts_in)} is not an item of the scorecard of {post}")
            elif rule.code not in items[rule.counts_in].computed_from:
                self._fault(f"{at}/counts_in", "not_computed",
                            f"{rule.counts_in} of {post} is not computed from {rule.code}")
        known = items_named(self.cards[post] for post in rule.posts if post in self.cards)
        for name in rule.evidence_for:
            if name not in known:
                self._fault(f"{at}/evidence_for", "unknown_item",
                            f"{quoted(name)} is not an item of the scorecards of "
                            f"{', '.join(rule.posts)}")

    def _charges(self, at: str, rule: Rule) -> None:
        parties = set(rule.charges)
        if not parties:
            self._fault(at, "missing", f"{rule.code} charges nobody")
        for party, points in rule.charges.items():
            self._one_of(at, party, PARTIES)
            if len(points) not in (0, 2):
                self._fault(f"{at}/{party}", "not_range", "is not a number, [least, most] or none")
                continue
            for text in points:
                check_decimal(self.checks, f"{at}/{party}", text, most="100")
            if points and all(map(is_decimal, points)) and Decimal(points[0]) > Decimal(points[1]):
                self._fault(f"{at}/{party}", "not_ordered",
                            f"{rule.code} takes {points[0]} to {points[1]} points: the range is "
                            "the wrong way round")
        if rule.computed_from and (parties != {OFFENDER} or len(set(rule.charges[OFFENDER])) > 1):
            self._fault(at, "not_fixed", f"{rule.code} is computed, so it has to take a fixed "
                                         "number of points, from the offender alone")
        if ALL_OF_POST in parties and len(parties) > 1:
            self._fault(at, "mixed", "a rule that charges all of a post charges nobody else")
        if SUPERVISOR in parties and OFFENDER not in parties:
            self._fault(at, "mixed", "a supervisor is charged only together with an offender")

    def _excludes(self, at: str, rule: Rule) -> None:
        if rule.excludes is None:
            return
        other = self.rules.get(rule.excludes)
        if other is None:
            self._fault(at, "unknown_rule", f"{quoted(rule.excludes)} is not a rule")
        elif other.excludes != rule.code:
            self._fault(at, "one_sided", f"{rule.excludes} does not exclude {rule.code}")
        elif other.per != rule.per:
            self._fault(at, "other_per",
                        f"{rule.code} counts once per {rule.per}, {rule.excludes} per {other.per}: "
                        "which facts are the same would not be clear")

    def _scorecards(self, at: str, card: Scorecard) -> None:
        self._posts_known(f"{at}/post", [card.post])
        if card.second_grader not in (MEMBER, HEAD):
            self._posts_known(f"{at}/second_grader", [card.second_grader])
        seen: set[str] = set()
        total, sound = Decimal(0), bool(card.items)
        for index, item in enumerate(card.items):
            where = f"{at}/items/{index}"
            if item.item in seen:
                self._fault(f"{where}/item", "twice", f"{item.item} is in it twice")
            seen.add(item.item)
            for text in ("item", "zh", "en"):
                self.checks.text(f"{where}/{text}", getattr(item, text))
            self._item(where, item)
            sound = sound and is_decimal(item.weight)
            total += Decimal(item.weight) if is_decimal(item.weight) else 0
        if not card.items:
            self._fault(f"{at}/items", "missing", f"the scorecard of {card.post} has no item")
        elif sound and not total:
            self._fault(f"{at}/items", "weights", f"the weights of {card.post} add up to 0")
        elif sound and total != 100 and not card.normalise:
            self._fault(f"{at}/items", "weights",
                        f"the weights of {card.post} add up to {plain(total)}, not 100; correct "
                        "them, or set normalise: true")

    def _item(self, at: str, item: ScorecardItem) -> None:
        check_decimal(self.checks, f"{at}/weight", item.weight, most="1000")
        parts = list(item.parts.values())
        for name, part in item.parts.items():
            check_decimal(self.checks, f"{at}/parts/{name}", part, most="1000")
        if parts and all(map(is_decimal, [*parts, item.weight])) and (
                sum_ := sum(map(Decimal, parts))) != Decimal(item.weight):
            self._fault(f"{at}/parts", "weights",
                        f"the parts add up to {sum_}, the item weighs {item.weight}")
        for code in item.computed_from if self.rules else ():
            rule = self.rules.get(code)
            if rule is None:
                self._fault(f"{at}/computed_from", "unknown_rule", f"{quoted(code)} is not a rule")
            elif rule.counts_in != item.item:
                self._fault(f"{at}/computed_from", "other_item",
                            f"{code} counts in {rule.counts_in}, not in {item.item}")

    def _scoring(self, at: str, scoring: Scoring) -> None:
        shares = (scoring.committee, scoring.second)
        for name, share in zip(("committee", "second"), shares, strict=True):
            check_decimal(self.checks, f"{at}/{name}", share, most="1")
        if all(map(is_decimal, shares)) and sum(map(Decimal, shares)) != 1:
            self._fault(at, "shares",
                        f"committee {shares[0]} and second {shares[1]} do not add up to 1")
        check_decimal(self.checks, f"{at}/max_bonus", scoring.max_bonus, most="100")
        check_decimal(self.checks, f"{at}/pass_mark", scoring.pass_mark, most="100")
        self.checks.integer(f"{at}/appeal_days", scoring.appeal_days, least=0, most=366)
        self._posts_known(f"{at}/bonus_posts", scoring.bonus_posts)
        self._posts_known(f"{at}/warnings", scoring.warnings)
        for post, months in scoring.warnings.items():
            self.checks.integer(f"{at}/warnings/{post}", months, least=1, most=120)

    def _coefficients(self, at: str, band: Band) -> None:
        check_decimal(self.checks, f"{at}/coefficient", band.coefficient, most="100")

    def _pay(self, at: str, scheme: PayScheme) -> None:
        self._posts_known(f"{at}/posts", scheme.posts)
        check_scheme(self.checks, at, scheme)
        for name, posts in (("base_minor", scheme.base_minor),
                            ("commission_posts", scheme.commission_posts),
                            *((f"ranges/{index}/posts", one.posts)
                              for index, one in enumerate(scheme.ranges))):
            self._posts_known(f"{at}/{name}", posts)

    def _deadlines(self, at: str, deadline: Deadline) -> None:
        self.times.deadline(at, deadline)

    def _hours(self, at: str, hours: Hours) -> None:
        self.times.hours(at, hours)

    def _calendars(self, at: str, calendar: Calendar) -> None:
        self.times.calendar(at, calendar)

    def _signing(self, at: str, one: Signing) -> None:
        check_signing(self.checks, at, one, rows=self.known.signing or (), posts=self.posts)

    def _thresholds(self, at: str, threshold: Threshold) -> None:
        """Every threshold has a reader, and so a unit that it reads."""
        self._one_of(f"{at}/threshold", threshold.threshold, THRESHOLDS)
        if (unit := THRESHOLDS.get(threshold.threshold)) is None:
            return
        if threshold.unit != unit:
            self._fault(f"{at}/unit", "other_unit",
                        f"is {quoted(threshold.unit)}; it counts in {unit}")
        check_decimal(self.checks, f"{at}/value", threshold.value, least="0", most=MOST_THRESHOLD)
        if is_decimal(threshold.value) and Decimal(threshold.value) % 1:
            self._fault(f"{at}/value", "not_whole", f"is {threshold.value}, not a whole number")
