"""What happened to the ledger itself, in sentences: imports, policies, persons, keys, the log."""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from api.console.sentences.telling import Event, Sentence, joined, listed, subject
from api.console.words import label, name_of, word
from api.messages import tr
from ledger.common.errors import LedgerError

_first_sentence = re.compile(r"(?<=[^.]{3}\.) (?=\S)|(?<=。)")

_command = re.compile(r" ?[(（][a-z]+\.[a-z_]+[)）]|[:：] ?`[^`]*`")
"""A command that a message names for whoever can send it."""


@cache
def _errors() -> Mapping[str, type[LedgerError]]:
    """The errors of all rules, by their codes."""
    found, waiting = {}, [LedgerError]
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        found[cls.code] = cls
    return found


def _refused(e: Event) -> str:
    """That a rule refused something, and why, in the words of the rule's message."""
    about = [one for one in e.each("subjects")
             if not one.startswith(("policy:", "prices:", "warehouse:"))]
    why = _why(e).rstrip(".。")
    return joined(
        tr("Refused: {why}", why=why) if why else tr("Refused"), listed(map(subject, about)),
        e.has("rule") and tr("rule {rule}", rule=e.text("rule")))


def _why(e: Event) -> str:
    """The first sentence of an error's message; what follows says what to do about it. Details
    that are not recorded, since they may be personal, are those of the subjects, or left open."""
    error = _errors().get(e.text("code"))
    if error is None:
        return ""
    details = defaultdict(lambda: "…", {
        **{one.partition(":")[0]: name_of(one) for one in e.each("subjects")},
        **{name: subject(value) if isinstance(value, str) else value
           for name, value in e.inner("details").items()}})
    template = error.__new__(error).template
    try:
        said = tr(template).format_map(details)
    except (LookupError, TypeError, ValueError):
        return ""
    return _command.sub("", _first_sentence.split(said)[0])


def _counted(e: Event) -> str:
    return joined(
        tr("Refused {count} more times", count=e.text("count")),
        e.has("rule") and tr("rule {rule}", rule=e.text("rule")))


def _files(e: Event) -> str:
    return listed(str(one.get("name", "")) for one in e.each("files"))


def _import(e: Event, text: str) -> str:
    return joined(text, _files(e), e.has("rows") and tr("{count} rows", count=e.text("rows")),
                  e.has("shop") and tr("shop {shop}", shop=e.text("shop")))


def _tally(e: Event) -> str:
    faults = sum(one.get("count", 0) for one in e.each("faults"))
    return faults and tr("{count} faults", count=faults)


def _completed(e: Event) -> str:
    return joined(
        tr("Import done: {accepted} of {rows} rows recorded", accepted=e.text("accepted"),
           rows=e.text("rows")) if e.has("rows") is not None else tr("Import done"),
        e.has("rejected") and tr("{count} rejected", count=e.text("rejected")),
        e.has("duplicates") and tr("{count} brought nothing new", count=e.text("duplicates")),
        e.has("erased") and tr("{count} of somebody who was erased", count=e.text("erased")))


def _published(e: Event) -> str:
    return joined(
        tr("Policy version {version} published", version=e.text("version")), e.text("title"),
        e.has("effective_from") and tr("in force from {day}", day=e.text("effective_from")),
        e.inner("sections") and tr("it says: {sections}", sections=listed(
            word(name, "sections") for name in e.inner("sections"))))


def _persons(e: Event) -> str:
    return joined(
        tr("{count} persons erased", count=len(e.each("persons")))
        if len(e.each("persons")) != 1 else tr("1 person erased"),
        e.has("ground") and e.word("ground"))


def _key(e: Event) -> str:
    return joined(
        tr("Key issued to {owner}", owner=e.stream_of("owner")) if e.has("owner")
        else tr("Key issued"),
        e.has("role") and tr("role {role}", role=e.word("role")),
        e.has("replaces") and tr("in place of another"),
        e.has("expires_at") and tr("until {day}", day=e.time("expires_at")))


def _opened(e: Event) -> str:
    return joined(
        tr("The ledger of keys and readings begins") if e.has("of") else tr("The ledger begins"),
        e.has("zone") and tr("days of {zone}", zone=e.text("zone").replace("_", " ")),
        e.has("program") and tr("version {version}", version=e.text("program")))


def _continued(e: Event) -> str:
    return joined(
        tr("Restored from a backup") if e.has("restored")
        else tr("Goes on without the old keys") if e.has("keys_lost")
        else tr("The ledger goes on"),
        e.has("program") and tr("version {version}", version=e.text("program")),
        e.inner("restored").get("reason") or e.inner("keys_lost").get("reason"))


def _field(name: str) -> str:
    said = label(name)
    return said if said[:2].isupper() else said[:1].lower() + said[1:]


def _reading(e: Event) -> str:
    """That somebody read something: what it was about, whose values were opened, and what for."""
    fields = listed(_field(str(name)) for name in e.each("fields"))
    return joined(
        tr("Read {things}", things=listed(map(subject, e.each("subjects"))))
        if e.each("subjects") else tr("Read a list"),
        e.each("persons") and tr("opened the data of {count} persons",
                                 count=len(e.each("persons")))
        if len(e.each("persons")) != 1 else tr("opened the data of 1 person"),
        fields and tr("shown: {fields}", fields=fields),
        e.has("purpose") and tr("for {purpose}", purpose=e.word("purpose")))


SENTENCES: Mapping[str, Sentence] = {
    "command.refused": _refused,
    "command.refusals_counted": _counted,
    "command.done": lambda e: tr("Accepted, and nothing had to change"),
    "import.started": lambda e: _import(e, tr("Import began")),
    "import.refused": lambda e: joined(_import(e, tr("Import refused, nothing recorded")),
                                       _tally(e)),
    "import.completed": lambda e: joined(_completed(e), _tally(e)),
    "policy.published": _published,
    "policy.withdrawn": lambda e: tr("Policy version {version} withdrawn",
                                     version=e.text("version")),
    "policy.retention_confirmed": lambda e: tr(
        "How long version {version} keeps persons is confirmed", version=e.text("version")),
    "person.erased": _persons,
    "person.erasure_requested": lambda e: joined(
        tr("Erasure asked for"), e.has("ground") and e.word("ground")),
    "person.erasure_confirmed": lambda e: tr("Erasure confirmed by a second person"),
    "person.erasure_withdrawn": lambda e: tr("Erasure no longer asked for"),
    "person.held": lambda e: tr("May not be erased for now"),
    "person.hold_lifted": lambda e: tr("May be erased again"),
    "key.issued": _key,
    "key.expiry_set": lambda e: tr("Key expires on {day}", day=e.time("expires_at")),
    "key.revoked": lambda e: tr("Key revoked"),
    "key.used": lambda e: tr("Key used for the first time on {day}", day=e.text("day")),
    "login.invited": lambda e: joined(
        tr("Invited by a link"),
        e.each("roles") and tr("role {role}", role=word(e.each("roles"), "role")),
        e.has("expires_at") and tr("until {day}", day=e.time("expires_at"))),
    "login.password_set": lambda e: tr("A password was set"),
    "login.opened": lambda e: joined(
        tr("Signed in: {way}", way=e.word("way")) if e.has("way") else tr("Signed in"),
        e.has("role") and tr("role {role}", role=e.word("role"))),
    "login.locked": lambda e: joined(
        tr("Signing in is locked"), e.has("until") and tr("until {day}", day=e.time("until"))),
    "login.unlocked": lambda e: tr("Signing in is possible again"),
    "login.ended": lambda e: tr("Signs in no more"),
    "reading.noted": _reading,
    "log.opened": _opened,
    "log.continued": _continued,
    "log.clock_accepted": lambda e: tr("The clock was accepted as it is"),
    "log.day_closed": lambda e: tr("Day {day} closed", day=e.text("day")),
}
"""By the type of an event, what makes a sentence of it."""
