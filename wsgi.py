"""Where `flask` and other servers find the application."""

import gc

import click

from api import create_app
from api.entry import begin


def _serves() -> bool:
    """Whether HTTP is needed. While `flask` looks for one of our commands, its own context is the
    only one; its `run`, `routes` and `shell` ask for the application from contexts of theirs."""
    context = click.get_current_context(silent=True)
    return context is None or context.parent is not None


begin()
app = create_app(serve=_serves())

# What is loaded by now is never garbage.
gc.freeze()
