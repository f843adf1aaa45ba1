"""The errors of the edge itself: each code with its status and its sentence.

A code that is not here cannot be answered, so every one has its page and its line in
docs/errors.md.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ledger.common.errors import Fault


class Said(NamedTuple):
    """With which status an error is answered, and in which words."""

    status: int
    words: str


EDGE: dict[str, Said] = {
    "bad_cursor": Said(400, "This cursor is of another list, or the row after which its page "
                            "begins is gone. Start again without one."),
    "bad_request": Said(400, "The request cannot be read."),
    "malformed_json": Said(400, "The body is not JSON: {why}"),
    "not_understood": Said(400, "The address or the headers cannot be read: {names}."),
    "unauthorized": Said(401, "A valid key is needed: Authorization: Bearer ol_…"),
    "role_not_held": Said(
        403, "The key acts as {role}, and the posts of {actor} on {day} ({posts}) give {roles}. "
             "Let an admin issue a key of one of those roles."),
    "forbidden": Said(403, "The role {role} may not do this; these may: {roles}."),
    "foreign_form": Said(403, "This form was not sent from a page that you opened here, or it is "
                             "too old. Open the page again, and send it from there."),
    "import_unknown": Said(404, "There is no such import here, or it ended long ago."),
    "not_found": Said(404, "There is nothing at this address. /v1/docs lists every address."),
    "problem_unknown": Said(404, "There is no error {name!r}."),
    "method_not_allowed": Said(405, "This address does not take {method}; it takes {allowed}."),
    "request_timeout": Said(408, "The request did not come in time."),
    "still_running": Said(409, "The same command is running. Ask again."),
    "request_entity_too_large": Said(413, "The body is too large."),
    "uri_too_long": Said(414, "The address is too long."),
    "not_json": Said(415, "Send application/json."),
    "command_reused": Said(422, "This Idempotency-Key was used for another request. Use a new key "
                                "for a new request."),
    "too_many_rows": Said(422, "These are more than {most} rows. Narrow them by the filters of the "
                               "page."),
    "too_much": Said(422, "These are more than {most} events. Narrow them by day, actor, type or "
                          "subject."),
    "only_read": Said(422, "The past is only read, and nothing was recorded. Open the page as of "
                           "now, and send the form from there."),
    "precondition_required": Said(428, "This rests on what was seen: send its ETag as If-Match."),
    "past_spent": Said(
        429, "Questions about the past of everything may fold {most} events in {seconds} s with "
             "one key. Ask again in {wait} s, or about one order, case or SKU."),
    "imports_running": Said(429, "{most} imports with this key are still running. Send it again in "
                                 "{wait} s, once one of them has ended."),
    "rate_limited": Said(429, "One key may send {most} requests in {seconds} s. Ask again in "
                              "{wait} s."),
    "too_many_bad_keys": Said(429, "Keys that open nothing came from this address more than {most} "
                                   "times in {seconds} s. Check the key, and ask again in {wait} "
                                   "s."),
    "too_many_sign_ins": Said(429, "Too many tries to sign in came from this address. Try again "
                                   "in {wait} s."),
    "head_too_large": Said(431, "The headers are too long."),
    "http_error": Said(500, "The server does not answer this request: {name}."),
    "our_fault": Said(500, "Something went wrong in the ledger's own code. It has been logged."),
    "transfer_coding_unknown": Said(501, "Of Transfer-Encoding only `chunked` is understood."),
    "behind": Said(503, "The read models have not reached position {position} yet. Ask again."),
}
"""Every error of the edge, by its code. `http_error` is whatever else the server refuses, with the
status of that."""


class Problem(Exception):
    """An error of the edge. `errors` point into the request; `details` fill the sentence."""

    def __init__(
        self, code: str, *, status: int | None = None, errors: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None, **details: Any,
    ) -> None:
        self.code, self.details = code, details
        self.status = EDGE[code].status if status is None else status
        self.errors, self.headers = list(errors), dict(headers or {})
        super().__init__(code)


def in_words(template: str) -> str:
    """A sentence as a page shows it: what is filled in stands in capitals."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: found[1].upper(),
                  template.replace("{{", "(").replace("}}", ")"))
