"""A process of its own that takes tokens: `python -m tests.support.limits_child URL MANY`."""

import sys

from api.http.limits import REQUESTS, Limits, Quota
from ledger.settings import Settings
from projections.store.buckets import buckets_of


def main(url: str, many: str) -> None:
    """Print how many of so many tokens were given, of 100 a day."""
    store = Settings(database_url=url, keys_url="memory:", master_key_file=None).open_store()
    limits = Limits({REQUESTS: Quota(100, 86_400)}, buckets_of(store))
    taken = [limits.take(REQUESTS, "key") for _ in range(int(many))]
    print(sum(one is not None and not one.wait_s for one in taken))
    limits.close()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
