PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: setup demo test lint types layers unit conformance bench clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --prefer-binary -e '.[dev]'
	$(BIN)/python -m compileall -q src/afterpatch
	touch $(STAMP)

demo: setup
	$(BIN)/afterpatch demo --output demo-output

test: lint types layers unit

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

unit: setup
	$(BIN)/python -m pytest

# Every public Sigma rule on every public event at hand; skipped with a line where that data is absent.
conformance: setup
	$(BIN)/python -m pytest tests/conformance --all-public-data -rs

bench: setup
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.evtx
	$(BIN)/python -m benchmarks.small_files
	$(BIN)/python -m benchmarks.indicators
	$(BIN)/python -m benchmarks.yara

clean:
	rm -rf $(VENV) demo-output bench-data
