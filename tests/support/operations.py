"""The names of all operations, as tests/data/operations.txt keeps them.

`python -m tests.support.operations` adds those that are new. None is ever taken away.
"""

from pathlib import Path
from typing import Any

from api import create_app
from ledger.settings import Settings
from tests.support import source

KEPT = source.ROOT / "tests/data/operations.txt"


def named() -> set[str]:
    """Every operation as a line: its name, its method and its path."""
    app = create_app(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    paths = app.extensions["description"].spec["paths"]
    return {f"{told['operationId']} {method.upper()} {path}"
            for path, operations in paths.items() for method, told in operations.items()}


def resolved(told: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """What a reference of a description stands for."""
    if "$ref" not in value:
        return value
    _, _, kind, name = value["$ref"].split("/")
    found: dict[str, Any] = told["components"][kind][name]
    return found


def kept(path: Path = KEPT) -> set[str]:
    """Those that were written down."""
    return set(path.read_text("utf-8").splitlines()) if path.exists() else set()


def main() -> None:
    """Write down what is new."""
    KEPT.write_text("".join(f"{line}\n" for line in sorted(kept() | named())), "utf-8")


if __name__ == "__main__":
    main()
