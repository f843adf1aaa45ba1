"""Who looks at a page: the visitor, by their cookie."""

from flask import request

from api.http.key_ring import Caller
from api.http.routes import edge

COOKIE = "ledger"


def visitor() -> Caller | None:
    """Who looks at a page; None for who is not logged in."""
    token = request.cookies.get(COOKIE)
    return None if token is None else edge().caller(token)


def csrf_token() -> str:
    """What the forms of this session carry."""
    return ""
