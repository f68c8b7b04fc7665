# Entry points of the project; `make` alone lists them. ARGS="…" is handed on to the command behind a target.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
STAMP := .venv/.installed
# Recorded cases of other implementations, beside the checkout; only tests read them.
export SFC_SHARED := $(abspath $(or $(SFC_SHARED),../shared))
# What a person installed or configured elsewhere must not leak into the virtual environment.
unexport PYTHONPATH PYTHONHOME

.PHONY: help setup up demo hot relay kafka test test-fast chaos coverage lint bench conformance lock bundle clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything pinned in constraints.txt

# A shim may be on the PATH without a Python behind it, so each candidate is run. pip checks every hash and resolves
# nothing: the lock is complete, and a release made since must not matter. The project itself is linked in without
# touching the index again.
$(STAMP): constraints.txt pyproject.toml
	@if [ ! -x $(BIN)/python ]; then \
	  for python in $${PYTHON:-} python3.11 python3.12 python3.13 python3; do \
	    if "$$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$${found:-}" ]; then echo "Python 3.11 or newer is needed; say which with PYTHON=/path/to/python" >&2; exit 1; fi; \
	  echo "Making .venv with $$($$found --version) …"; "$$found" -m venv .venv; \
	fi
	@echo "Installing what constraints.txt pins (a few minutes the first time) …"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

up: $(STAMP) ## Start the server (Ctrl-C ends it); ARGS="--port 9000 --data DIR"
	$(BIN)/sfc up $(ARGS)

demo: $(STAMP) ## Run an order flow on Ray, kill a worker in the middle, show the timeline
	$(BIN)/python -m examples.orders $(ARGS)

kafka: $(STAMP) ## Run a Kafka broker on loopback until Ctrl-C; ARGS="--port 9092 --data DIR"
	$(BIN)/python -m scripts.kafka $(ARGS)

relay: $(STAMP) ## Show a blueprint between three services that know only their Kafka topics
	$(BIN)/python -m examples.relay $(ARGS)

hot: $(STAMP) ## Show a workflow go from no worker to many and back, with a plot
	$(BIN)/python -m examples.hot_workflow $(ARGS)

test: $(STAMP) ## Run every test but those of `make chaos`
	$(BIN)/pytest $(ARGS)

test-fast: $(STAMP) ## Run the tests that start no processes of their own (a minute or two)
	$(BIN)/pytest -m "not system and not slow" $(ARGS)

chaos: $(STAMP) ## Kill everything at random, count afterwards; SEED=7 MINUTES=10 (each test)
	@export SFC_TEST_SEED=$${SEED:-$$RANDOM} SFC_TEST_MINUTES=$${MINUTES:-2}; \
	$(BIN)/pytest -m chaos -s $(ARGS) || { echo "again: make chaos SEED=$$SFC_TEST_SEED MINUTES=$$SFC_TEST_MINUTES" >&2; exit 1; }

coverage: $(STAMP) ## Branch coverage of the fast tests
	$(BIN)/pytest -m "not system and not slow" --cov --cov-report=term-missing $(ARGS)

CHECKS := "ruff format --check ." "ruff check ." mypy lint-imports codespell "python scripts/lock.py --check"

lint: $(STAMP) ## Format, lint, types, import contracts, spelling, lock
	@failed=; for check in $(CHECKS); do echo "• $$check"; $(BIN)/$$check || failed=1; done; test -z "$$failed"

bench: $(STAMP) ## Measure, each figure beside its yardstick
	$(BIN)/python -m bench $(ARGS)

conformance: $(STAMP) ## Replay recorded answers of Step Functions against a server of its own
	$(BIN)/python scripts/conformance.py $(ARGS)

lock: ## Pin every dependency again, with hashes; ARGS=--upgrade takes the newest
	@test -x $(BIN)/pip-compile || $(MAKE) setup
	$(BIN)/python scripts/lock.py $(ARGS)

bundle: $(STAMP) ## Make dist/cluster: what `ray up cluster.yaml` installs on every machine
	$(BIN)/python scripts/bundle.py

clean: ## Remove what builds and tools left behind (not .venv)
	rm -rf build dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
