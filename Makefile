# Two commands do everything: `make chat` and `make test`. `make help` lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
INDEX ?= index
DOCUMENTS ?= seeds
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
WORKERS ?= 3
KIND := $(if $(SLIM),slim,full)
TALLY := $(CURDIR)/build/tally
TOOLS := build/tools
LOCKED_PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
PACKAGES := embeddings qa tests benchmarks supply

# LOCKED=1: every file by its SHA-256, those that build packages first; TORCH=cpu: torch-cpu.txt.
define locked
@echo "LOCKED=1: every file is compared with its hash in locks/"
$(LOCKED_PIP) -r locks/build.txt
$(LOCKED_PIP) --no-build-isolation -r locks/$(1).txt
$(if $(filter slim,$(1)),,$(LOCKED_PIP) -r locks/torch$(if $(TORCH),-$(TORCH)).txt)
$(PIP) --no-deps --no-build-isolation -e .
endef

.PHONY: chat build test torture check format clean help screenshots locks audit licences
.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

chat: build  ## environment, index over seeds/, chat on 127.0.0.1:7860 (SLIM=1: without torch)
	$(BIN)/wenju chat --index $(INDEX)

build: $(VENV)/installed-$(KIND)  ## environment, index over DOCUMENTS (seeds) in INDEX (index)
	$(BIN)/wenju build $(DOCUMENTS) --index $(INDEX)

test: $(VENV)/installed-dev  ## environment, all tests
	$(BIN)/python -m pytest -n $(WORKERS)

torture: $(VENV)/installed-dev  ## the long versions of tests (faults, damaged files, every look of the page), and what they counted
	rm -rf $(TALLY)
	@export WENJU_TALLY=$(TALLY); failed=0; \
	WENJU_MUTATIONS=3000 $(BIN)/python -m pytest tests/embeddings/readers/test_mutations.py || failed=1; \
	WENJU_FUZZ=200000 $(BIN)/python -m pytest --timeout 14400 tests/fuzz || failed=1; \
	WENJU_KILLS=300 WENJU_TOGETHER=600 $(BIN)/python -m pytest tests/kills || failed=1; \
	WENJU_LONG=1 $(BIN)/python -m pytest tests/load || failed=1; \
	WENJU_LONG=1 WENJU_LOOKS=all $(BIN)/python -m pytest -n $(WORKERS) \
	  tests/browser tests/embeddings tests/test_no_pickle.py tests/qa/test_store_commands.py || failed=1; \
	$(BIN)/python -m tests.tally $(TALLY); exit $$failed

check: $(VENV)/installed-dev  ## lint, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

format: $(VENV)/installed-dev  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: $(VENV)/installed-dev build  ## pictures of the page into docs/
	$(BIN)/python -m benchmarks.screenshots $(INDEX)

locks: $(TOOLS)/installed  ## the lock files anew, after a change of constraints.txt
	$(TOOLS)/bin/python -m supply.locks

audit: $(TOOLS)/installed  ## look for known flaws of what is installed; 1 when some are found, 3 when nobody can be asked
	$(TOOLS)/bin/python -m supply.audit

licences: $(VENV)/installed-dev  ## docs/licences.md anew, from what is installed
	$(BIN)/python -m supply.licences

clean:  ## remove the environment, the index and caches (the documents stay)
	rm -rf $(VENV) $(INDEX) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: Python 3.11 or newer is needed; give it: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed-slim: constraints.txt requirements-slim.txt pyproject.toml | $(BIN)/python
	$(if $(LOCKED),$(call locked,slim),$(PIP) -r requirements-slim.txt)
	$(if $(LOCKED),,$(PIP) --no-deps -e .)
	touch $@

$(VENV)/installed-full: constraints.txt pyproject.toml | $(BIN)/python
	$(if $(LOCKED),$(call locked,full),$(PIP) -e '.[english]')
	touch $@ $(VENV)/installed-slim

$(VENV)/installed-dev: constraints.txt pyproject.toml | $(BIN)/python
	$(if $(LOCKED),$(call locked,dev),$(PIP) -e '.[dev]')
	touch $@ $(VENV)/installed-full $(VENV)/installed-slim

$(TOOLS)/installed: locks/tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: Python 3.11 or newer is needed; give it: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	touch $@
