"""What is personal stands sealed in the log, and nowhere else."""

from ledger.common.errors import Refused
from tests.support import source


def test_refusal__names_no_personal_field() -> None:
    """What the message of a refusal names is recorded openly, so it may hold nothing personal."""
    personal = {name for cls in source.events().values() for name in cls.PERSONAL}  # type: ignore
    assert {"account", "recipient", "phone", "address", "buyer_remark", "remark"} <= personal
    source.check(f"{cls.__name__} names {named}"
                 for cls in source.errors() if issubclass(cls, Refused)
                 for named in source.placeholders(source.template(cls)) & personal)
