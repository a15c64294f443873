# Every target sets up what it needs; only Python 3.11 or newer and make are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_HOME := .uv
BENCHMARKS := benchmarks/start.py benchmarks/index.py benchmarks/search.py \
  benchmarks/events.py benchmarks/views.py benchmarks/feed.py benchmarks/serve.py
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
	$(UV) pip sync --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
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

test: setup ## Pull the bundled weights, then run the tests; offline after that.
	$(BIN)/sensorium models pull
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile -m "not slow and not realdata"

test-slow: setup ## The long tests, and those on real data where SENSORIUM_TEST_DATA names some.
	$(BIN)/sensorium models pull
	$(BIN)/pytest -m "slow or realdata" --timeout 1800

demo: setup ## Index real media, search, group and recommend them; write demo/*.html.
	$(BIN)/sensorium demo --folder demo

serve: setup ## Serve the demo's library on this machine: http://127.0.0.1:8000
	@test -d demo/sensorium-data || $(MAKE) demo
	@$(BIN)/sensorium serve -w demo/sensorium-data

bench: setup ## Measure, and write benchmarks/results.
	$(BIN)/sensorium models pull
	set -e; for script in $(BENCHMARKS); do $(BIN)/python $$script; done

wheel: setup ## sdist, wheel from it, empty environment, sensorium --help.
	rm -rf dist build/empty
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/python scripts/check_wheel.py dist
	$(UV) venv -q --python $(BIN)/python build/empty
	$(UV) pip install -q --python build/empty/bin/python --constraint requirements.lock dist/*.whl
	build/empty/bin/sensorium --help >/dev/null
	build/empty/bin/sensorium models >/dev/null
	@echo "the wheel is whole and starts in an empty environment"

clean: ## Remove what the targets made.
	rm -rf $(VENV) $(UV_HOME) demo dist build .mypy_cache .ruff_cache .pytest_cache
