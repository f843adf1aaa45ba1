"""How gunicorn serves `wsgi:app`: one process, which owns the ledger's writer, and many threads.

`ledger serve` starts it so. By hand: `gunicorn --config python:api.http.serving wsgi:app`.
"""

import sys

from api.entry import begin
from api.http.binding import BadBind, bind_of
from api.messages import explain

begin()

try:
    bind = bind_of()
except BadBind as error:
    sys.exit(explain(error))
workers = 1
worker_class = "gthread"
threads = 32
timeout = 60
graceful_timeout = 30
keepalive = 30
limit_request_line = 8190
errorlog = "-"
accesslog = None
control_socket_disable = True


def on_starting(server: object) -> None:
    """Refuse to start where there are ledgers and no keys database."""
    from api.http.starting import must_have_keys
    from ledger.common.errors import Misconfigured

    try:
        must_have_keys()
    except Misconfigured as error:
        sys.exit(explain(error))


def when_ready(server: object) -> None:
    """Say what is served, what to open and what to do first."""
    from ledger.settings import Settings, masked

    print(f"""
order-ledger listens on http://{bind}
  it serves         {masked(Settings.from_environment().database_url)}
  the API's page    http://{bind}/v1/docs
  a key for it      ledger keys issue --owner member:you --role manager
  orders into it    ledger import FILE --profile taobao-orders
Stop it with Ctrl-C.""", flush=True)
