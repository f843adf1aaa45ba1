"""The console: pages for people who have no shell. Each shows what the API answers its visitor."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def install(app: "Flask") -> None:
    """Serve the pages beside the API. What they need is loaded here: words are there for commands,
    too, which need no pages."""
    from api.console import (  # noqa: F401  each registers its pages
        cells,
        evidence,
        forms,
        home,
        imports,
        lists,
        login,
        orders,
        pages,
        people,
        policies,
        scores,
        stock,
        words,
    )
    from api.console.sentences import sentence

    pages.install(app)
    app.jinja_env.filters["label"] = words.label
    app.jinja_env.globals.update(
        cell=cells.cell, figure=cells.figure, is_figure=cells.is_figure, event=cells.event,
        subject=cells.subject, sentence=sentence, amount=cells.amount, pairs=cells.pairs,
        plain=cells.plain, actor=cells.actor,
        term_name=scores.term_name, new_key=forms.new_key,
        waiting_for=forms.waiting_for)
