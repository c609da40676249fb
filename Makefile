# Two commands do everything, set-up included: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run demo test test-wordpress nightly chaos bench check lint lock schema reset clean

help: ## List these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY) ## Make the virtual environment (the other commands do it by themselves)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "IGNY8 needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV) (about a minute, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

run: $(READY) ## Serve the whole stack on this machine; Ctrl-C stops it
	@$(BIN)/igny8 dev

demo: $(READY) ## Show the main job, end to end, in a private stack
	@$(BIN)/igny8 demo

test: $(READY) ## Run all tests
	@$(BIN)/python -m pytest -n 2

test-wordpress: $(READY) ## Run what publishes and syncs against a real WordPress (Debian's, in a private instance)
	@IGNY8_TEST_WORDPRESS=1 $(BIN)/python -m pytest -m wordpress

nightly: SEED := $(shell date +%Y%m%d)
nightly: $(READY) ## Compare 5,000 drawn queries with plain resolvers, others every day
	@echo "IGNY8_TEST_SEED=$(SEED)"
	@IGNY8_TEST_CASES=5000 IGNY8_TEST_SEED=$(SEED) $(BIN)/python -m pytest tests/differential -n 2

chaos: $(READY) ## Kill, freeze and cut off everything for ten minutes; nothing may be lost
	@IGNY8_CHAOS_SECONDS=600 $(BIN)/python -m pytest tests/chaos -s -q

bench: $(READY) ## Measure reads beside a floor, a reference and PostGraphile (needs wrk and npm)
	@$(BIN)/python -m benchmarks

check: lint test ## Everything that must be green before a commit

lint: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/igny8 schema --check

schema: $(READY) ## Write schema.graphql anew
	@$(BIN)/igny8 schema --write

lock: ## Renew requirements.lock (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --upgrade -o requirements.lock

reset: $(READY) ## Serve with a fresh database
	@$(BIN)/igny8 dev --reset

clean: ## Remove the environment and all caches, not the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
