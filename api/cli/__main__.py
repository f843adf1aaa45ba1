"""`python -m api.cli` is `ledger`."""

from api.cli.program import main

if __name__ == "__main__":
    main()
