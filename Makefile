# Everything a person or CI runs. Needs Python 3.11 to 3.13 with venv, make and the package registries.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
DEMO_READY := $(VENV)/ready-demo
DEV_READY := $(VENV)/ready-dev
CLIENTS_READY := build/clients/ready
SOURCES = $(wildcard src tests demo benchmarks examples scripts)
PYTEST := $(BIN)/python -m pytest

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(DEMO_READY) ## ring an AI agent that books a meeting, and see the call on record (ARGS=--keep leaves it up)
	@$(BIN)/python -m demo $(ARGS)

.PHONY: run
run: $(DEMO_READY) ## start the server in the development profile (ARGS="--http-port 8080")
	@$(BIN)/cordboard serve --profile development $(ARGS)

.PHONY: check
check: $(DEV_READY) $(CLIENTS_READY) static ## format, lint, types, borders and the tests that need no other program
	@$(PYTEST) --quiet --numprocesses 2 --dist loadgroup --ignore tests/e2e

.PHONY: test
test: $(DEV_READY) system-packages check ## what CI runs: check, then real calls with foreign peers
	@$(PYTEST) --quiet tests/e2e

.PHONY: torture
torture: $(DEV_READY) system-packages ## the same tests with the large counts
	@CORDBOARD_TORTURE=1 PYTEST_ADDOPTS="$$PYTEST_ADDOPTS --timeout 3600" $(MAKE) --no-print-directory test

.PHONY: bench
bench: $(DEV_READY) ## measure what a media stream costs and how soon it answers (ARGS are passed on); then the API
	@$(BIN)/python -m benchmarks.streams $(ARGS)
	@$(BIN)/python -m benchmarks.api $(API_ARGS)

.PHONY: bench-all
bench-all: $(DEV_READY) ## the same for the peers, in the same run (installs them under build/)
	@scripts/peers.sh $(BIN)/python build/peers
	@$(BIN)/python -m benchmarks.streams --peers $(ARGS)

.PHONY: bench-sip
bench-sip: $(DEV_READY) ## the same for calls over SIP
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: format
format: $(DEV_READY) ## format the code and mend what can be mended without thinking
	@$(BIN)/ruff format --quiet $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

.PHONY: docs
docs: $(DEV_READY) $(CLIENTS_READY) ## write the generated pages anew
	@$(BIN)/python -m scripts.reference
	@$(BIN)/python -m scripts.compatibility

.PHONY: lock
lock: ## pin the dependencies anew (ARGS=--upgrade takes the newest)
	@scripts/lock.sh $(ARGS)

.PHONY: clean
clean: ## remove the environment and everything that was made
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .demo

.PHONY: static
static: $(DEV_READY)
	@mkdir -p build; failed=; \
	$(BIN)/ruff format --check --quiet --output-format concise $(SOURCES) || failed=yes; \
	$(BIN)/ruff check --quiet --output-format concise $(SOURCES) || failed=yes; \
	$(BIN)/mypy --no-error-summary $(SOURCES) || failed=yes; \
	$(BIN)/lint-imports > build/imports.txt 2>&1 || { failed=yes; cat build/imports.txt; }; \
	[ -z "$$failed" ] || { echo "make format mends what can be mended without thinking"; exit 1; }

.PHONY: system-packages
system-packages:
	@mkdir -p build
	@scripts/system_packages.sh

$(BIN)/python:
	@scripts/make_venv.sh $(VENV)

$(DEMO_READY): $(BIN)/python requirements.lock pyproject.toml
	@scripts/install.sh $(VENV) requirements.lock
	@touch $@

$(DEV_READY): $(BIN)/python requirements-dev.lock pyproject.toml
	@scripts/install.sh $(VENV) requirements-dev.lock
	@touch $(DEMO_READY) $@

$(CLIENTS_READY): $(DEV_READY) $(wildcard requirements/clients/*.txt)
	@scripts/install_clients.sh $(BIN)/python
	@touch $@
