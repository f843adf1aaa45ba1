"""The log: events, heads, tiles, accounts, and the triggers that keep events as they are."""

from alembic import op

from ledger.log import schema

revision = "2_0001"
down_revision = None


def upgrade() -> None:
    """Make all that is the log; until 1.0 this revision follows `schema.py`, then it is frozen."""
    connection = op.get_bind()
    schema.metadata.create_all(connection, tables=[
        schema.ledgers, schema.events, schema.heads, schema.tiles, schema.accounts])
    if connection.dialect.name == "sqlite":
        statements = [*schema.SQLITE_TRIGGERS, *schema.SQLITE_STATISTICS]
    else:
        own = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
        statements = [text.replace("{schema}", own).replace("%", "%%")
                      for text in schema.POSTGRES_TRIGGERS]
    for statement in statements:
        connection.exec_driver_sql(statement)
