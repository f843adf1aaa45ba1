"""Several products in one cell, such as `A-1 x 2 @ 5.00; B-2 x 1 @ 7.00`."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ledger.imports.faults import BadCell

GROUPS = ("sku", "quantity", "price", "title", "attributes")
"""What a pattern may name of a product; the first two it has to."""

BETWEEN = ";"
"""What stands between products where a profile does not say it."""


class Product(NamedTuple):
    """One of them. Units: `price` is of a piece, in minor units; None where none is printed."""

    sku: str | None
    quantity: int
    price: int | None
    title: str | None
    attributes: str | None


def wrong_in(pattern: str) -> str:
    """What keeps a pattern from reading products, in words; empty if nothing does."""
    try:
        groups = re.compile(pattern).groupindex.keys()
    except re.error as error:
        return f"Not a pattern: {error}."
    if not {"sku", "quantity"} <= groups <= {*GROUPS}:
        return (f"Needs groups such as (?P<sku>…) and (?P<quantity>…), and may have others of "
                f"{', '.join(GROUPS)}.")
    return ""


def parser(
    pattern: str, between: str, *, sku: Callable[[str], str], integer: Callable[[str], int],
    money: Callable[[str], int],
) -> Callable[[str], list[Any]]:
    """A function that turns a cell into products, each as the list of what a `Product` has; their
    parts are read as cells of their own are. Errors: BadCell."""
    match = re.compile(pattern).fullmatch

    def parse(text: str) -> list[Any]:
        found = []
        for part in filter(None, map(str.strip, text.split(between))):
            matched = match(part)
            if matched is None:
                raise BadCell("not_products", between=between, pattern=pattern)
            named = {name: (value or "").strip() for name, value in matched.groupdict().items()}
            price = named.get("price")
            found.append([
                sku(named["sku"]), integer(named["quantity"]), money(price) if price else None,
                named.get("title") or None, named.get("attributes") or None])
        return found

    return parse
