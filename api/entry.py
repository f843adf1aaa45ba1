"""What every way into the program does first: `ledger`, `flask` and `wsgi` begin alike."""

import gc
import logging
import os
import sys
from pathlib import Path

from api.messages import tr


def begin() -> None:
    """Read the `.env` file, and set the garbage collector for work on many events."""
    read_env_file()
    # A batch of events makes thousands of objects that die together: with Python's own settings a
    # fifth of all time goes into looking for cycles among them.
    gc.set_threshold(10_000, 20, 20)


def read_env_file() -> None:
    """Take settings from the nearest `.env`, of the current folder or one above it, as Flask does.
    What the environment says already wins."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / ".env"
        if os.path.isfile(file):  # unlike Path's, it takes a folder that is closed to us for none
            _read(file)
            return


def _read(file: Path) -> None:
    from dotenv import dotenv_values  # most installations have no such file
    from dotenv.parser import parse_stream

    logging.getLogger("dotenv.main").disabled = True  # it names the line, and not the file
    try:
        with file.open(encoding="utf-8") as lines:
            broken = [one.original.line for one in parse_stream(lines) if one.error]
        values = dotenv_values(file, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(tr("{file} cannot be read: {why}. Save it as UTF-8, or remove it.",
                    file=file, why=error))
    for line in broken:
        print(tr("{file}, line {line}: this is not NAME=value, and is left out.",
                 file=file, line=line), file=sys.stderr)
    for name, value in values.items():
        if value is not None:
            os.environ.setdefault(name, value)
