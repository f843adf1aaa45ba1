#!/bin/sh
# Runs once, when the database is made: the role that the application connects as. It owns no table
# of the log; `ledger upgrade` grants it what it may do.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set password="$APP_PASSWORD" <<'SQL'
CREATE ROLE ledger_app LOGIN PASSWORD :'password';
REVOKE CONNECT, TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO ledger_app;
SQL
