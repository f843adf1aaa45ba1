"""What gunicorn finds by itself in this folder: it serves as `ledger serve` does."""

from api.http.serving import *  # noqa: F403 - gunicorn looks for its settings by their names
