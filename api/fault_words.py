"""What can be said of a single value, so that it is said in the user's language.

A fault is written in English where it is found, with its details in it: they are read back out of
it. The first of these that fits is the one; a test holds them against every fault of the code.
"""

from api.messages import language, translated

WORDS = (
    "is missing",
    "and {count} more",
    "has {found} fields, {most} are known here",
    "is needed",
    "is null, and may not be",
    "is given twice",
    "is no field here",
    "is not an object",
    "is not a list",
    "is not true or false",
    "is not a whole number",
    "is not between {least} and {most}",
    "is not a time with its zone, such as 2026-10-31T23:59:59+08:00",
    "is not a time that there is",
    "lies outside the years 1970 to 9998",
    "is not a version as an ETag gives it, such as \"3\"; `*` and weak ones are not taken",
    "cannot be read: {found}",
    "is {found}, not text",
    "is empty",
    "has {found} characters, {most} are allowed",
    "has {found} bytes, {most} are allowed",
    "holds a NUL character",
    "holds half of a surrogate pair, which is not a character",
    "is the text {found}, not a whole number",
    "is {found}, not a whole number",
    "is {found}, allowed are {least} to {most}",
    "is the text {found}, not a time",
    "is {found}, not a time",
    "has no time zone",
    "lies in the year {year}",
    "is not a SHA-256 in hex: 64 digits 0-9, a-f",
    "is {found}, not a subject such as order:taobao:… or day:2026-09-03",
    "is {found}, not a currency of ISO 4217 such as CNY",
    "is {found}, not a day such as 2026-09-30",
    "is {found}, not a month such as 2026-09",
    "is {found}, not a time such as 16:30, up to 24:00",
    "is {found}, not a decimal in quotes such as \"1.5\", with at most four digits after the point",
    "is {found}; digits after the point: {digits}",
    "are {found}, {least} to {most} can be",
    "are {found}, {most} are allowed",
    "holds {character} after {place} character(s), which cannot be seen: remove it",
    "holds {character} after {place} character(s), which looks like a blank: write U+0020",
    "holds {character} ({found}), a full-width form: write {ascii}",
    "holds something else than printable ASCII",
    "is needed alone, or `channel` and `account` in its place",
    "is {found}, not a pseudonymous id such as member:7f3a",
    "is {found}, not a member such as member:7f3a: a pseudonym, never a name",
    "is {found}, not a position such as 12 or 12:0123456789abcdef",
    "{cause} does not move from {source} to {target}",
    "moves to where it already lies",
    "is needed for {what}",
    "counts the same as {other}",
    "only the shelf has bins",
    "is the bin that pieces leave, and {place} has none; where they come to lie is to_bin",
    "of a slip or a transfer only {kind} can be said; then record what did",
    "begins with none of {words}",
    "is nothing to give for {kind}",
    "{kind} needs either moves or counts",
    "is about {account}, and only what posts to it or observes it may be",
    "is where the pieces lie",
    "{line} is already a line of the order",
    "needs both a time and an amount",
    "is empty, not one of {words}",
    "or a contact is needed",
    "corrects nothing: give recipient, phone, address or province",
    "are not in order, each once",
    "{name} is the name of another shift",
    "{end} leaves no time after {start}; a whole day is 00:00 to 24:00",
    "{day} is not one of the days of this leave",
    "is needed: when the member reported it",
    "is only for the outcome of a shift",
    "is only for {found}",
    "names one of them twice",
    "is the member whose shift ends",
    "is later than the proposal itself",
    "is needed: positions of events, or attachments",
    "is needed: the export",
    "is needed: a shop is one of a channel",
    "is the name of {other} already",
    "are needed: what comes back?",
    "are needed: what came back?",
    "is a fee, and cannot be sent back",
    "is needed: which goods came back?",
    "has no goods to reserve",
    "is needed to reserve it",
    "belongs to another list",
    "is not one of {words}",
    "makes a name of {found} bytes with what stands before and after it, {most} are allowed; use a "
    "shorter one",
    "is {found}, not a person such as person:Zk3f…; `ledger person find {about}` or POST "
    "/v1/persons/find says whose it is",
    "is {found}, not one of {words}",
    "is {found}, not {words}",
)


def fault_said(message: str) -> str:
    """What is wrong with a value, in the user's language."""
    if language() != "zh":
        return message
    for template in WORDS:
        if (said := translated(template, message)) != message:
            return said
    return message
