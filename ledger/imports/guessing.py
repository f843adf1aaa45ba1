"""By which profile files are read where nobody names one: that whose columns they have."""

from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

from ledger.common.errors import Invalid, Unanswerable
from ledger.imports import profiles
from ledger.imports.headers import find_header
from ledger.imports.packed import Unreadable
from ledger.imports.profile import ANY_ZONE, Profile
from ledger.imports.sources import Source, Unnamed, identify

UNREAD = 1 << 20
"""What counts as misfits of a file that cannot be read: more than it has columns."""


class NoProfileFits(Unanswerable):
    """No profile has just the columns of {files}. These are known, the nearest first: {candidates}.
    Name one (`--profile`; over HTTP `profile`), or have one drafted (`ledger profiles new FILE`).
    """

    code = "no_profile_fits"
    rule = "R-IMP-35"


class ProfilesFit(Unanswerable):
    """Several profiles have the columns of {files}: {candidates}. Name one of them (`--profile`;
    over HTTP `profile`)."""

    code = "profiles_fit"
    rule = "R-IMP-38"


def guessed(files: Sequence[Path | Unnamed], known: Sequence[Profile]) -> Profile:
    """The one of some profiles that files are of, by their headers alone.

    Errors: NoProfileFits (R-IMP-35), ProfilesFit (R-IMP-38).
    """
    sources: dict[tuple[str, ...], list[Source]] = {}
    misfits = []
    for profile in known:
        if profile.encodings not in sources:
            sources[profile.encodings] = [identify(file, profile.encodings) for file in files]
        misfits.append((_misfits(profile, sources[profile.encodings]), profile))
    names = ", ".join(file.name for file in files)
    fitting = [profile for count, profile in misfits if not count]
    if not fitting:
        nearest = sorted(misfits, key=itemgetter(0))
        raise NoProfileFits(files=names, candidates=", ".join(one.name for _, one in nearest))
    if len(fitting) > 1:
        raise ProfilesFit(files=names, candidates=", ".join(one.name for one in fitting))
    return fitting[0]


def _misfits(profile: Profile, sources: Sequence[Source]) -> int:
    """How many columns of files a profile does not have, or misses, and kinds of files: none where
    each file is of a kind of its, and there is one of every kind."""
    kinds, found = set(), 0
    for source in sources:
        if source.fault is not None:
            return UNREAD
        try:
            header = find_header(source, profile.read_in(ANY_ZONE), latest_us=0)
        except Unreadable:
            return UNREAD
        found += len(header.faults)
        kinds.add(header.file.kind)
    return found + len({file.kind for file in profile.files} - kinds)


def shipped() -> list[Profile]:
    """The profiles that are found by name."""
    return [profiles.find(name) for name in profiles.available()]


def beside(files: Sequence[Path]) -> list[Profile]:
    """The profiles in the folders of files. YAML of another kind is passed over."""
    found = []
    for folder in dict.fromkeys(path.parent for path in files):
        for path in sorted(folder.glob("*.y*ml")):
            try:
                found.append(profiles.find(str(path)))
            except Invalid:
                continue
    return found
