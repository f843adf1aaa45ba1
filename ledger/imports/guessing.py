"""By which profile files are read where nobody names one: that whose columns they have."""

from collections.abc import Sequence
from pathlib import Path

from ledger.common.errors import Invalid
from ledger.imports import profiles
from ledger.imports.headers import find_header
from ledger.imports.packed import Unreadable
from ledger.imports.profile import ANY_ZONE, Profile
from ledger.imports.sources import Source, Unnamed, identify


class NoProfileFits(Invalid):
    """No profile has just the columns of {files}. Name one (`--profile`), or have one drafted
    (`ledger profiles new FILE`)."""

    code = "no_profile_fits"
    rule = "R-IMP-35"


class ProfilesFit(Invalid):
    """Several profiles have the columns of {files}: {candidates}. Name one of them (`--profile`).
    """

    code = "profiles_fit"
    rule = "R-IMP-38"


def guessed(files: Sequence[Path | Unnamed], known: Sequence[Profile]) -> Profile:
    """The one of some profiles that files are of, by their headers alone.

    Errors: NoProfileFits (R-IMP-35), ProfilesFit (R-IMP-38).
    """
    sources: dict[tuple[str, ...], list[Source]] = {}
    fitting = []
    for profile in known:
        if profile.encodings not in sources:
            sources[profile.encodings] = [identify(file, profile.encodings) for file in files]
        if _fits(profile, sources[profile.encodings]):
            fitting.append(profile)
    names = ", ".join(file.name for file in files)
    if not fitting:
        raise NoProfileFits(files=names)
    if len(fitting) > 1:
        raise ProfilesFit(files=names, candidates=", ".join(one.name for one in fitting))
    return fitting[0]


def _fits(profile: Profile, sources: Sequence[Source]) -> bool:
    """Whether each file is of a kind of a profile, and there is one of every kind."""
    kinds = set()
    for source in sources:
        if source.fault is not None:
            return False
        try:
            header = find_header(source, profile.read_in(ANY_ZONE), latest_us=0)
        except Unreadable:
            return False
        if header.faults:
            return False
        kinds.add(header.file.kind)
    return kinds == {file.kind for file in profile.files}


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
