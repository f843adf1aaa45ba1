"""What the API has lists and commands of: importing this makes both known."""

from api import (  # noqa: F401  each registers its own
    deductions,
    orders,
    people,
    persons,
    policies,
    returns,
    scores,
    stock,
)
from api.http.reading import LISTS
from api.http.writing import ROUTES

__all__ = ["LISTS", "ROUTES"]
