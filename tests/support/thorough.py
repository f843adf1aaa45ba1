"""How much is tried: a part of all examples and kills by `make test`, all by `make soak`."""

import os

THOROUGH = bool(os.environ.get("LEDGER_TEST_THOROUGH"))


def tried(most: int) -> int:
    """How many examples, or rounds, of at most so many: a fifth of them in `make test`.

    All of them where LEDGER_TEST_THOROUGH is set, which `make soak` does.
    """
    return most if THOROUGH else max(most // 5, 2)
