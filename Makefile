# Every target sets up what it needs; only Python 3.11 or newer and make are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_HOME := .uv
UV := $(shell command -v uv 2>/dev/null || echo $(UV_HOME)/bin/uv)

.PHONY: setup demo test test-slow check bench serve wheel lock clean help

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready ## Make .venv from requirements.lock.

$(UV_HOME)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@echo "Fetching uv into $(UV_HOME)"
	@$(PYTHON) -m venv $(UV_HOME) && $(UV_HOME)/bin/python -m pip install -q uv

$(VENV)/.ready: requirements.lock pyproject.toml
	@test -x "$(UV)" || $(MAKE) -s $(UV_HOME)/bin/uv
	@test -x $(BIN)/python || $(UV) venv -q --python $(PYTHON) $(VENV)
	$(UV) pip sync --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

lock: ## Resolve requirements.lock anew.
	@test -x "$(UV)" || $(MAKE) -s $(UV_HOME)/bin/uv
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --group dev --all-extras -q pyproject.toml -o requirements.lock

check: setup ## Lint, types, architecture, lock.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean: ## Remove what the targets made.
	rm -rf $(VENV) $(UV_HOME) demo dist build .mypy_cache .ruff_cache .pytest_cache
