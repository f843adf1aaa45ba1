"""Empty files with the header of a profile, to be filled in."""

import csv
import io
import re
from pathlib import Path

from ledger.common.errors import Invalid
from ledger.common.phrases import Phrase
from ledger.imports.profile import DELIMITERS, File, Profile

ENDINGS = (".csv", ".xlsx")
_numbered = re.compile(r"#[0-9]+$")


class NoTemplate(Invalid):
    """{path} cannot become a template: {why}."""

    code = "no_template"
    rule = "R-IMP-36"


def write_templates(profile: Profile, path: Path) -> list[Path]:
    """Write an empty file for each kind of file of a profile: the main one at a path, and others
    beside it, named after their kind too. Columns that the profile leaves out are not in them.

    Errors: NoTemplate (R-IMP-36) where one is there already, or for another ending.
    """
    if path.suffix not in ENDINGS:
        raise NoTemplate(path=path, why=Phrase(
            "its name ends in none of {endings}", endings=", ".join(ENDINGS)))
    paths = {file.kind: path if file is profile.main else
             path.with_name(f"{path.stem}-{file.kind}{path.suffix}") for file in profile.files}
    for one in paths.values():
        if one.exists():
            raise NoTemplate(path=one, why=Phrase("it is there already"))
    for file in profile.files:
        content = _book(file) if path.suffix == ".xlsx" else _text(file)
        with paths[file.kind].open("xb") as target:
            target.write(content)
    return list(paths.values())


def _rows(file: File) -> list[list[str]]:
    return [*[[""]] * (file.layout.header_row - 1),
            [_numbered.sub("", name) for name in file.columns]]


def _text(file: File) -> bytes:
    text = io.StringIO(newline="")
    text.write("\ufeff")  # so that a spreadsheet knows its encoding
    csv.writer(text, delimiter=DELIMITERS[file.layout.delimiter]).writerows(_rows(file))
    return text.getvalue().encode()


def _book(file: File) -> bytes:
    import xlsxwriter  # slow to import, and needed only here

    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        page = book.add_worksheet(file.layout.sheet or None)
        texts = book.add_format({"num_format": "@"})
        page.set_column(0, len(file.columns) - 1, 16, texts)  # ids stay as they are typed
        for number, cells in enumerate(_rows(file)):
            for at, cell in enumerate(cells):
                page.write_string(number, at, cell)
    return content.getvalue()
