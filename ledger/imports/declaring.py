"""What an import says of itself: its id, its files, and the profile by which they are read."""

from hashlib import sha256
from typing import Any

import msgspec

from ledger.imports.assembling import Assembler
from ledger.imports.loading import Loader
from ledger.imports.record import ImportedFile
from ledger.writing import requests


def warehouses(assembler: Assembler) -> list[str]:
    """The warehouse in which goods move, if any: another one makes another import."""
    return [] if assembler.warehouse is None else [assembler.warehouse]


def identity(assembler: Assembler, loader: Loader) -> str:
    """The same files, by name and rows, with one profile and shop are the same import, whatever
    else differs. It covers nothing personal, which could be found out by trying."""
    profile = assembler.profile
    parts: list[Any] = [profile.name, profile.version, profile.sha256, assembler.shop,
                        *warehouses(assembler)]
    files = [[file.source.name, file.digest] for file in loader.files]
    if any(file.stated_us is not None for file in loader.files):
        parts.append([file.stated_us for file in loader.files])  # other news of the same
    if profile.trust_numbers:
        parts.append("trust_numbers")  # other rows of the same files are taken
    return sha256(requests.IMPORT + msgspec.json.encode([files, parts])).hexdigest()[:20]


def facts(assembler: Assembler, loader: Loader) -> dict[str, Any]:
    """The files and the profile, as a command takes them."""
    profile = assembler.profile
    files = [ImportedFile(
        name=file.source.name, rows=file.rows, bytes=file.source.size,
        encoding=file.source.encoding) for file in loader.files]
    return {
        "files": files, "profile": profile.name, "profile_version": profile.version,
        "profile_sha256": profile.sha256, "channel": profile.channel, "shop": assembler.shop,
        "trust_numbers": profile.trust_numbers}
