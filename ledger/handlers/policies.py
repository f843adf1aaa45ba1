"""Publishing and withdrawing versions of the policy book."""

from ledger.common.days import FOR_EVER
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.people.authority import signed_on
from ledger.people.holders import load_posts
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.checks import findings
from ledger.policies.commands import ConfirmRetention, PublishPolicy, WithdrawPolicy
from ledger.policies.errors import PolicyDropsPost, PolicyInSealedMonth, PolicyUnsound
from ledger.policies.values import Version
from ledger.scores.closings import CLOSINGS, Closings


def publish_policy(command: PublishPolicy, work: Work) -> list[Aggregate]:
    """All faults are reported at once. Errors: R-POL-03 to R-POL-05, R-POL-08."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    if wrong := findings(command.policy.sections, book.latest.sections):
        raise PolicyUnsound(wrong)
    closings: Closings = work.load(Closings, CLOSINGS)
    free = closings.free_from()
    if free is not None and command.effective_from < free:
        raise PolicyInSealedMonth(wanted=command.effective_from, month=closings.last_closed(),
                                  free=free)
    _must_keep_posts(work, book, command)
    book.publish(command.policy, command.effective_from, work.actor,
                 occurred_at=command.occurred_at)
    return [book]


def _must_keep_posts(work: Work, book: PolicyBook, command: PublishPolicy) -> None:
    """Errors: PolicyDropsPost (R-POL-08)."""
    after = Version(0, "", command.policy.sections.over(book.latest.sections)).posts()
    dropped = load_posts(work, set(book.latest.posts()) - set(after))
    if held := sorted(name for name, post in dropped.items()
                      if post.holders_between(command.effective_from, FOR_EVER)):
        raise PolicyDropsPost(posts=", ".join(held), day=command.effective_from)


def withdraw_policy(command: WithdrawPolicy, work: Work) -> list[Aggregate]:
    """Before its day by the ledger's clock, whatever date is given. Errors: R-POL-06, R-POL-09."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    book.withdraw(command.version, command.reason, signed_on(work, command.occurred_at),
                  occurred_at=command.occurred_at)
    return [book]


def confirm_retention(command: ConfirmRetention, work: Work) -> list[Aggregate]:
    """Errors: R-POL-10 to R-POL-12."""
    book: PolicyBook = work.load(PolicyBook, BOOK)
    book.confirm_retention(command.version, work.actor, occurred_at=command.occurred_at)
    return [book]


HANDLERS: dict[type[Command], Handler] = {
    PublishPolicy: publish_policy,
    WithdrawPolicy: withdraw_policy,
    ConfirmRetention: confirm_retention,
}
