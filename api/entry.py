"""What every way into the program does first: `ledger`, `flask` and gunicorn begin alike."""

import gc
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

    try:
        values = dotenv_values(file, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(tr("{file} cannot be read: {why}. Save it as UTF-8, or remove it.",
                    file=file, why=error))
    for name, value in values.items():
        if value is not None:
            os.environ.setdefault(name, value)
