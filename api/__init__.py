"""The edge: the JSON API under /v1 and the command line."""

import atexit
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from ledger.settings import Settings


def create_app(settings: "Settings | None" = None, *, serve: bool = True) -> "Flask":
    """The Flask application. It opens nothing until a request or a command needs it.

    Without `serve` it has its commands and no routes: building those takes longer than most
    commands run.
    """
    from flask import Flask

    from api.cli import commands as cli

    app = Flask(__name__, static_folder=None)
    for command in cli.COMMANDS:
        app.cli.add_command(command)
    if serve:
        _serve(app, settings)
    return app


def _serve(app: "Flask", settings: "Settings | None") -> None:
    from api import (
        console,
        deductions,
        explaining,
        log,
        orders,
        people,
        persons,
        policies,
        reference,
        returns,
        scores,
        search,
        stock,
        trial,
    )
    from api import (
        imports as uploads,
    )
    from api.http import (
        description,
        limiting,
        operations,
        problems,
        routes,
        segments,
        sending,
        standing,
    )
    from api.http.runtime import Edge
    from projections.asking import past

    # Nothing here is a coroutine, so no function is asked nine times a request whether it is one.
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]
    app.response_class = sending.Response
    app.config["MAX_CONTENT_LENGTH"] = routes.LARGEST_BODY
    edge = app.extensions["edge"] = Edge(settings)
    atexit.register(edge.close)
    segments.install(app)
    operations.install(app)
    past.charge(limiting.spend_on_the_past)
    routes.install(app)
    standing.install(app)
    api = description.configure(app)
    problems.register(app)
    for module in (orders, returns, stock, people, persons, policies, deductions, scores,
                   uploads, search, log, explaining, trial, operations, description,
                   reference):
        api.register_blueprint(module.group)
    console.install(app)
    app.extensions["description"] = description.Description(app, api)
