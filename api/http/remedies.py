"""What a client does about an error, by its status."""

from collections.abc import Mapping

from api.messages import tr


def remedy_of(status: int) -> str:
    """What to do about an error, in the language of the request; of a status that is not known,
    what its hundred says."""
    said = _remedies()
    return said.get(status, said[status // 100 * 100])


def _remedies() -> Mapping[int, str]:
    return {
        400: tr(
            "Put right what the pointers name, and send it again."),
        401: tr(
            "Send a key that is good: Authorization: Bearer ol_… An admin issues keys "
            "with `ledger keys issue`."),
        403: tr(
            "Use a key of a role that may do this; an admin issues it."),
        404: tr(
            "Check the address and the names in it."),
        409: tr(
            "Read how it stands now, and decide again."),
        412: tr(
            "Read it again, and send its new ETag as If-Match if the decision still "
            "holds."),
        413: tr(
            "Send less at a time."),
        422: tr(
            "Send something else: this is refused however often it is sent."),
        428: tr(
            "Read it first, and send its ETag as If-Match."),
        429: tr(
            "Wait as long as Retry-After says, then send it again under the same "
            "Idempotency-Key."),
        500: tr(
            "Send it again later under the same Idempotency-Key, and tell who runs the "
            "ledger the request's id."),
        503: tr(
            "Wait as long as Retry-After says, then send it again under the same "
            "Idempotency-Key. If it stays, whoever runs the ledger finds the cause in its"
            " log."),
    }
