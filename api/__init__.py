"""The edge: the command line now, HTTP to come."""

from flask import Flask


def create_app() -> Flask:
    """The Flask application with the ledger's commands. It opens nothing until a command does."""
    from api import cli

    app = Flask(__name__, static_folder=None)
    for command in cli.COMMANDS:
        app.cli.add_command(command)
    return app
