# Every target says what it does; `make` alone lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast test-integration test-e2e test-chaos bench check fix contracts new-migration clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

LOCKS := requirements-dev.lock requirements-media.lock requirements-models.lock requirements-servers.lock requirements-tools.lock

PAGE := services/workspace/page
PAGE_SOURCES := deploy/reference/openapi-workspace.json $(shell find $(PAGE) \( -name node_modules -o -name dist \) -prune -o -type f ! -name schema.d.ts -print)

setup: $(VENV)/.ready $(PAGE)/dist/index.html ## create the virtual environment, install everything from the locks, build the page

$(PAGE)/dist/index.html: $(PAGE_SOURCES) | $(VENV)/.ready
	@echo "Building the page"
	@VENV=$(VENV) $(PAGE)/build.sh

PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check

$(VENV)/.ready: $(LOCKS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] >= (3, 11) else "Tidings needs Python 3.11 or newer.")'
	@echo "Setting up $(VENV) (a minute or two the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@for kind in media models servers tools; do $(PIP_INSTALL) --require-hashes --no-deps -r requirements-$$kind.lock || exit 1; done
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## set up what is missing, then start everything on this machine
	@$(BIN)/tidings up

test: setup ## all tests but chaos and bench, on real servers
	$(PYTEST) tests/unit tests/contract tests/integration tests/e2e

test-fast: setup ## unit and contract tests: no servers, seconds
	$(PYTEST) tests/unit tests/contract

test-integration: setup ## each part against its real servers
	$(PYTEST) tests/integration

test-e2e: setup ## all processes together, from outside
	$(PYTEST) tests/e2e

test-chaos: setup ## kill everything at random while a long file runs
	$(BIN)/python -m pytest -s -m chaos --timeout 3600 tests/chaos

bench: setup ## measure speed and memory; JSON and a table
	$(BIN)/python -m tests.bench

check: setup ## format, lint, types, import rules, generated references, deploy files, secrets
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m shared.contracts.reference --check
	$(BIN)/python -m shared.http.reference --check
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/python deploy/house_rules.py

fix: setup ## format and mend what can be mended by itself
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

contracts: setup ## regenerate the event, error, setting and API references
	$(BIN)/python -m shared.contracts.reference --write
	$(BIN)/python -m shared.http.reference --write

new-migration: ## SERVICE=workspace NAME=what_it_does: the next numbered, empty migration
	@test -n "$(SERVICE)" -a -n "$(NAME)" || { echo "usage: make new-migration SERVICE=workspace NAME=what_it_does"; exit 2; }
	@dir=services/$(SERVICE)/migrations; mkdir -p $$dir; \
	last=$$(ls $$dir | grep -oE '^[0-9]{4}' | sort | tail -n 1); \
	file=$$dir/$$(printf '%04d' $$((10#$${last:-0} + 1)))_$(NAME).sql; \
	echo "-- What this changes and why. Old code must run on the new schema." > $$file; echo $$file

clean: ## remove the virtual environment and caches (never $$TIDINGS_HOME)
	rm -rf $(VENV) $(PAGE)/dist $(PAGE)/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
