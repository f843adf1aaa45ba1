"""What answers note beside their rows: sentences that are said in the language of whoever reads."""

from collections.abc import Mapping
from typing import Any

from ledger.common.phrases import Phrase
from projections.asking.questions import Question


class OfAll(Phrase):
    """A sentence that tells of rows which not everybody sees, such as how many there are: whoever
    sees only some of them does not read it."""

    __slots__ = ()

    def __new__(cls, said: str, **details: Any) -> "OfAll":
        """`said` is a phrase, or a template with what fills it in."""
        template = said
        if isinstance(said, Phrase):
            template, details = said.template, said.details
        found = super().__new__(cls, template, **details)
        assert isinstance(found, OfAll)
        return found


def nothing_there(question: Question, as_of: Mapping[str, Any]) -> list[OfAll]:
    """What an answer without rows says it is empty of; nothing, where it is empty of everything."""
    asked = [f"{name} {value}" for name in ("channel", "shop", "subject")
             if (value := getattr(question, name)) is not None]
    if not asked or as_of["recorded_at"] is None:
        return []
    what = ", ".join(asked)
    return [OfAll(Phrase("there is nothing about {what}", what=what) if question.as_of.now
                  else Phrase("there is nothing about {what} by then", what=what))]
