"""What limits answer: 429 with the time to wait, and how much is left on the answers to keys.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from flask import Response, current_app, g, has_request_context, request

from api.http.edge_errors import Problem
from api.http.limits import BAD_KEYS, PAST, REQUESTS, SIGNING_IN, Limits, Taken
from api.http.metrics import asker, refused

CODES: Mapping[str, str] = {
    REQUESTS: "rate_limited", PAST: "past_spent", BAD_KEYS: "too_many_bad_keys",
    SIGNING_IN: "too_many_sign_ins"}

UNITS: Mapping[str, str] = {PAST: ';qu="events"'}
"""The unit of a quota that does not count requests."""


def spend(limits: Limits, kind: str, holder: str, tokens: int = 1) -> None:
    """Take what a request costs. Errors: 429."""
    taken = limits.take(kind, holder, tokens)
    if taken is None:
        return
    if kind in (REQUESTS, PAST):
        g.taken = {**g.get("taken", {}), kind: taken}
    if taken.wait_s:
        refused.labels(asker(), CODES[kind]).inc()
        raise Problem(CODES[kind], headers={"Retry-After": str(taken.wait_s)},
                      most=taken.quota.most, seconds=taken.quota.window_s, wait=taken.wait_s)


def spend_on_the_past(events: int) -> None:
    """Take what folding so many events costs the key of the request under way, if there is one.
    Errors: 429."""
    if has_request_context() and "caller" in g:
        spend(current_app.extensions["edge"].limits, PAST, holder(g.caller), events)


def spend_on_a_request(limits: Limits, who: Any) -> None:
    """Take what a request costs the key that it came with. Errors: 429."""
    spend(limits, REQUESTS, holder(who))


def holder(who: Any) -> str:
    """A key, as the buckets name it: keys of two ledgers may have one id."""
    return f"{who.ledger_id}/{who.key}"


def refuse_guesses(limits: Limits) -> None:
    """Take what a key that opens nothing costs the address that it came from. Errors: 429."""
    spend(limits, BAD_KEYS, network_of(request.remote_addr or ""))


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one, of which one customer has a whole one."""
    try:
        found: Any = ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else found.exploded[:19]


def say(response: Response) -> None:
    """Say on an answer what limits its key, and what is left."""
    taken: list[Taken] = list(g.get("taken", {}).values())
    if taken:
        response.headers["RateLimit-Policy"] = ", ".join(
            f'"{one.kind}";q={one.quota.most}{UNITS.get(one.kind, "")};w={one.quota.window_s}'
            for one in taken)
        response.headers["RateLimit"] = ", ".join(
            f'"{one.kind}";r={one.left};t={one.wait_s or _more_in(one)}' for one in taken)


def _more_in(taken: Taken) -> int:
    """In how many seconds there will be more than is left now."""
    full = taken.left >= taken.quota.most
    return 0 if full else -(-taken.quota.window_s // taken.quota.most)
