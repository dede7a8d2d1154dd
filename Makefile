# Thin names for the few commands; the work is done by what they call.
SHELL := bash
PYTHON ?= python3
PORT ?= 8080
HAPI ?=
SAMPLE ?=
PATIENTS ?=
VENV := .venv

.DEFAULT_GOAL := help
.PHONY: help demo test hapi hooks setup-system lint types mutate bench-decision bench-extract bench-hooks bench-sync torture clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## assess the bundled cohort; proposals and report go to out/
	$(VENV)/bin/b12fhir demo --out out

test: $(VENV)/.installed-dev ## all checks and tests, the real FHIR server's included (HAPI=skip: without)
	HAPI=$(HAPI) tests/run.sh

hapi: $(VENV)/.installed ## real FHIR server with the cohort, until Ctrl-C (PORT=8080)
	PYTHON=$(VENV)/bin/python tests/hapi/serve.sh $(PORT)

hooks: $(VENV)/.installed-server ## the CDS Hooks service for a trial, until Ctrl-C: nobody is asked for a token
	$(VENV)/bin/b12fhir serve --config profiles/cds-hooks/trial.toml

setup-system: ## install what the real servers of the tests need: JDK, Maven, curl, PostgreSQL (Debian; only if missing)
	tests/hapi/tools.sh install

lint: $(VENV)/.installed-dev ## format and lint
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .

types: $(VENV)/.installed-dev ## static types
	$(VENV)/bin/mypy

mutate: $(VENV)/.installed-mutate ## change each rule of decision and plan: does a test fail? (SAMPLE=10: every tenth)
	SAMPLE=$(SAMPLE) tests/mutate.sh

bench-decision: $(VENV)/.installed-dev ## CPU of one decision, beside a floor of the same run
	$(VENV)/bin/python -m tests.bench.decision

bench-hooks: $(VENV)/.installed-dev ## CPU and latency of the CDS Hooks service, beside a floor and a peer
	PYTHONPATH=. $(VENV)/bin/python -m tests.bench.hooks

bench-extract: $(VENV)/.installed-dev ## CPU of reading a record, beside a floor of the same run
	$(VENV)/bin/python -m tests.bench.extract

bench-sync: $(VENV)/.installed-dev ## requests, time and CPU of sync on a real server (PATIENTS=100: fewer than 1,000)
	PYTHONPATH=src:. PATIENTS=$(PATIENTS) $(VENV)/bin/python -m tests.bench.sync

torture: $(VENV)/.installed-dev ## kill -9 sync at 200 random points (SEED=7: the points of that run again)
	KILLS=200 SEED=$${SEED:-$$RANDOM} $(VENV)/bin/pytest -s tests/faults/test_kills.py

clean: ## remove all that was made here, the download of the FHIR server included
	rm -rf $(VENV) .cache .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist out

# The stamps: a second call does nothing until pyproject.toml changes.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("b12fhir needs Python 3.11 or newer; PYTHON=... names one" if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-server: $(VENV)/.installed
	@echo "adding what the service needs ..."
	@$(VENV)/bin/pip install -q --disable-pip-version-check -e '.[server]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "adding the tools for tests ..."
	@$(VENV)/bin/pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

$(VENV)/.installed-mutate: $(VENV)/.installed-dev
	@echo "adding the tool for mutation tests ..."
	@$(VENV)/bin/pip install -q --disable-pip-version-check -e '.[dev,mutate]'
	@touch $@
