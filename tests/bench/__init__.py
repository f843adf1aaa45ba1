"""Benchmarks: what the ledger does in a second, always as a ratio to a floor measured beside it.

    python -m tests.bench                  all of them
    python -m tests.bench verify rebuild   some of them
    python -m tests.bench --quick          small sizes: shows that everything runs, measures nothing

A floor is the least that the same work costs with the same driver, and uses no code of ours. It
runs before and after ours in every round; the median of the rounds counts. One ratio is good to
15–20 %. Absolute figures drift with the machine; caches are warm. Each prints one line, and all
are written to `var/bench/results.json` with versions, sizes and the number of callers.
"""
