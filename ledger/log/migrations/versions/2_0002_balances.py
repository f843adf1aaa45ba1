"""Balances of accounts, beside the log: nothing guards them, and they can be dropped."""

from alembic import op

from ledger.log import schema

revision = "2_0002"
down_revision = "2_0001"


def upgrade() -> None:
    """Make the table; it is empty, and fills as accounts are touched."""
    schema.balances.create(op.get_bind())
