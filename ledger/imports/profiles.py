"""Profiles: a platform's export described as data. A new platform is a new YAML file.

A profile is found by its name (`ledger/imports/profiles/`, then `samples/profiles/`) or by the
path of a YAML file. `schemas` says what each key means; the shipped files show it.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from marshmallow import ValidationError

from ledger.common.errors import Fault, FaultList, Invalid, NotFound, summed_up
from ledger.imports.agreeing import check
from ledger.imports.amounts import POINT
from ledger.imports.once import OnceLoader
from ledger.imports.profile import RETURN, SECTIONS, Field, File, Layout, Profile
from ledger.imports.schemas import ProfileSchema

PACKAGED = Path(__file__).parent / "profiles"
SAMPLES = Path(__file__).parents[2] / "samples" / "profiles"
LARGEST = 1 << 20


class ProfileUnknown(NotFound):
    """There is no profile {name!r}. The known ones are {known}; name a YAML file by its path."""

    code = "profile_unknown"
    rule = "R-IMP-16"


class InvalidProfile(Invalid):
    """{name} is not a valid profile: {summary}"""

    code = "invalid_profile"
    rule = "R-IMP-01"

    def __init__(self, name: str, faults: list[Fault]) -> None:
        listed = FaultList.of(faults)
        self.faults, self.left_out = listed
        super().__init__(name=name, summary=summed_up(listed))


def available() -> dict[str, Path]:
    """The profiles that are found by name."""
    found = [path for folder in (SAMPLES, PACKAGED) for path in sorted(folder.glob("*.yaml"))]
    return {path.stem: path for path in found}


def find(name: str) -> Profile:
    """The profile of a name, or in the YAML file of a path.

    Errors: ProfileUnknown (R-IMP-16), InvalidProfile (R-IMP-01).
    """
    path = available().get(name)
    if path is None:
        path = Path(name)
        if path.suffix not in (".yaml", ".yml") or not path.is_file():
            raise ProfileUnknown(name=name, known=", ".join(available()))
    if path.stat().st_size > LARGEST:
        raise InvalidProfile(name, [Fault("", "too_long", f"is larger than {LARGEST} bytes")])
    return parse(path.read_bytes(), name)


def parse(text: bytes | str, name: str) -> Profile:
    """A profile from YAML; all that is wrong with it is reported at once.

    Errors: InvalidProfile (R-IMP-01).
    """
    raw = _read(text, name)
    if "extends" in raw:
        base = available().get(str(raw.pop("extends")))
        if base is None:
            raise InvalidProfile(name, [Fault(
                "/extends", "unknown", f"is not one of {', '.join(available())}")])
        raw = _merged(_read(base.read_bytes(), base.stem), raw)
    try:
        loaded = ProfileSchema().load(raw)
    except ValidationError as error:
        raise InvalidProfile(name, list(_faults("", error.messages))) from None
    profile = _build(loaded)
    if faults := check(profile):
        raise InvalidProfile(name, faults)
    return profile


def _read(text: bytes | str, name: str) -> dict[str, Any]:
    """The mapping that a YAML text is. Errors: InvalidProfile (R-IMP-01)."""
    try:
        raw = yaml.load(text, OnceLoader)
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        words = " ".join(str(error).split())
        raise InvalidProfile(name, [Fault("", "not_yaml", f"is not YAML: {words}")]) from None
    if not isinstance(raw, dict):
        raise InvalidProfile(name, [Fault("", "not_mapping", "is not a mapping")])
    return raw


def _merged(base: Any, more: Any) -> Any:
    """A mapping with what another one replaces in it or adds to it."""
    if not (isinstance(base, dict) and isinstance(more, dict)):
        return more
    return {**base, **{key: _merged(base.get(key), value) for key, value in more.items()}}


def _faults(where: str, messages: Any) -> Iterator[Fault]:
    """The messages of marshmallow as a flat list, each with the JSON pointer of its place."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            in_map = where.startswith("/files/") and where.count("/") == 2
            wrapped = key == "_schema" or (in_map and key == "value")
            yield from _faults(where if wrapped else f"{where}/{key}", inner)
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield Fault(where, "invalid", str(message))


def _build(loaded: dict[str, Any]) -> Profile:
    money, times = loaded["money"], loaded["times"]
    makes = next(section for section in SECTIONS if section in loaded)
    canonical = json.dumps(loaded, sort_keys=True, ensure_ascii=True, default=sorted)
    return Profile(
        name=loaded["name"], version=loaded["version"], channel=loaded["channel"],
        shop=loaded["shop"], currency=money["currency"], exponent=money["exponent"],
        signs=tuple(money["signs"]), encodings=tuple(loaded["encodings"]), zone=times.get("zone"),
        formats=tuple(times["formats"]), reuse_gap_days=loaded["reuse_gap_days"],
        files=tuple(_file(kind, file) for kind, file in loaded["files"].items()),
        makes=makes, recipe=loaded[makes],
        returns=None if makes == RETURN else loaded.get(RETURN),
        warehouse=loaded.get("stock", {}).get("warehouse", ""),
        stated=loaded.get("stated"), decimal=money.get("decimal", POINT),
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _file(kind: str, loaded: dict[str, Any]) -> File:
    join = loaded.get("join")
    return File(
        kind=kind,
        columns={column: tuple(_field(field) for field in fields)
                 for column, fields in loaded["columns"].items()},
        ignored=frozenset(loaded["ignored"]),
        join=None if join is None else (join["own"], join["main"]),
        key=loaded.get("key"), required=loaded["required"],
        layout=Layout(**{key: loaded[key] for key in Layout._fields if key in loaded}),
        tolerant=loaded.get("headers") == "tolerant",
        ignored_rows=tuple(loaded.get("ignored_rows", ())),
        constants=tuple(_field({"field": name, **field})
                        for name, field in loaded.get("constants", {}).items()),
    )


def _field(loaded: dict[str, Any]) -> Field:
    return Field(**{**loaded, "formats": tuple(loaded.get("formats", ()))})
