"""The pages of policies: a version in full, and how two of them differ."""

from typing import Any

from flask import Response, request

from api.console import pages
from api.console.asking import ask, at


@pages.page("/policies/<version>", "policy")
def policy(version: str) -> Response:
    """A version with all that holds with it."""
    found = ask(at("policies", version))
    return pages.render("policy.html", policy=found.item, as_of=found.as_of)


@pages.page("/policy-differences", "policy-differences")
def differences() -> Response:
    """What differs between two versions."""
    versions = ask("/v1/policies", {"limit": 500}).items
    asked = {name: request.args.get(name, "") for name in ("before", "after")}
    found: Any = ask("/v1/policy-differences", asked) if all(asked.values()) else None
    return pages.render("policy_differences.html", versions=versions, found=found and found.item,
                        as_of=found and found.as_of)
