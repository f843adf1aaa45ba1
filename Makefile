# Everything a newcomer needs: `make demo`, `make test`. Nothing is installed outside .venv.

PYTHON ?= python3
PYTEST ?= -n 4 --dist worksteal
BIN := .venv/bin
DEMO := LEDGER_DATABASE_URL=sqlite:///var/demo.db LEDGER_KEYS_URL= LEDGER_MASTER_KEY_FILE=

.PHONY: demo run test soak check setup bench lock clean

demo: .venv/bin/ledger
	@rm -rf var/demo.db* var/demo.keys.db* var/demo.master.key var/demo.read*
	@$(DEMO) $(BIN)/ledger demo

# The ledger that the settings name; where they name none, the demo's, once there is one.
run: .venv/bin/ledger
	@if [ -z "$$LEDGER_DATABASE_URL" ] && [ -e var/demo.db ] \
		&& ! grep -qs '^[^#]*LEDGER_DATABASE_URL=' .env; \
	then exec env $(DEMO) $(BIN)/ledger serve; else exec $(BIN)/ledger serve; fi

# Tests start hundreds of processes: what one compiles, the next ones find.
test soak check bench: export PYTHONDONTWRITEBYTECODE =

test: setup
	$(BIN)/python -m pytest $(PYTEST)

setup: .venv/bin/ledger .venv/development

# All the examples and kills that `make test` tries a fifth of.
soak: setup
	LEDGER_TEST_THOROUGH=1 $(BIN)/python -m pytest $(PYTEST)

check: setup
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/house/test_tidy.py tests/house/test_floors.py tests/house/test_words.py tests/house/test_mirror.py

bench: setup
	$(BIN)/python -m tests.bench

# Pins and hashes what pyproject.toml and requirements-*.in ask for.
lock: setup
	$(BIN)/uv pip compile --upgrade --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --upgrade --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q requirements-build.in -o requirements-build.txt
	$(BIN)/uv pip compile --upgrade --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -q requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf .venv var

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv

.venv/runtime: requirements.txt | .venv/bin/python
	@echo "Installing into .venv, once …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/development: requirements-dev.txt | .venv/runtime
	@echo "Installing what tests and checks need into .venv, once …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# `ledger` of this checkout, in whatever folder it is called; nothing is built or downloaded for it.
define LEDGER
#!$(realpath .venv)/bin/python
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).absolute().parents[2])
from api.cli.program import main

main()
endef
export LEDGER

.venv/bin/ledger: Makefile .venv/runtime
	@echo "$$LEDGER" > $@
	@chmod +x $@
