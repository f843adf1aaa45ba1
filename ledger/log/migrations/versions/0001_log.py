"""The log: events, heads, tiles, and the triggers that keep events as they are."""

from alembic import op

from ledger.log import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything; until 1.0 this revision follows `schema.py`, then it is frozen."""
    connection = op.get_bind()
    schema.metadata.create_all(connection)
    sqlite = connection.dialect.name == "sqlite"
    for statement in schema.SQLITE_TRIGGERS if sqlite else schema.POSTGRES_TRIGGERS:
        connection.exec_driver_sql(statement.replace("%", "%%") if not sqlite else statement)
