"""The handler of signed months."""

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.people.authority import must_be_member
from ledger.reconciliation.commands import SignReconciliation
from ledger.reconciliation.figures import figures_of
from ledger.reconciliation.signing import Reconciliation, must_be_over


def sign_reconciliation(command: SignReconciliation, work: Work) -> list[Aggregate]:
    """The figures are those of the log at this moment: nothing comes between them and the
    signature. Errors: R-REC-01 to R-REC-06, R-GEN-03, R-PPL-13."""
    day = work.days.day_of(command.occurred_at)
    signer = must_be_member(work, day)
    must_be_over(command.month, day)  # before the log is looked through
    place = None if command.channel is None or command.shop is None else (
        command.channel, command.shop)
    month: Reconciliation = work.load(Reconciliation, command.subject)
    month.sign(
        {"month": command.month, "channel": command.channel, "shop": command.shop,
         "signer": signer},
        figures_of(work, command.month, place), command.differences, digest=command.digest,
        today=day, occurred_at=command.occurred_at)
    return [month]


HANDLERS: dict[type[Command], Handler] = {SignReconciliation: sign_reconciliation}
