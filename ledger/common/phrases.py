"""Words within a message that are translated with it: what is filled into an error's template is
plain text, such as a name or a number, or one of these."""

from collections.abc import Iterable
from typing import Any


class Phrase(str):
    """A text made of a template in English and what fills it in, which may hold phrases again."""

    __slots__ = ("details", "template")
    template: str
    details: dict[str, Any]

    def __new__(cls, template: str, **details: Any) -> "Phrase":
        """`template` is the key of its translation."""
        found = super().__new__(cls, template.format(**details))
        found.template, found.details = template, details
        return found

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """How it is made again in another process."""
        return (self.template,), self.details


def there_are(names: Iterable[str]) -> Phrase:
    """A sentence that lists what there is to choose from, or says that there is nothing yet."""
    listed = ", ".join(names)
    return Phrase("There are: {names}.", names=listed) if listed else Phrase("There is none yet.")
