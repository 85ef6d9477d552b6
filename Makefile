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

# Beside a floor or a peer measured in the same run; about 20 minutes. RULES: a folder of SigmaHQ's rules,
# EVTX: one of event logs to measure beside the generated ones.
RULES ?=
EVTX  ?=

bench: setup
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.evtx --megabytes 1000 --rules "$(RULES)"
	$(if $(EVTX),$(BIN)/python -m benchmarks.evtx --evidence "$(EVTX)" --rules "$(RULES)")
	$(BIN)/python -m benchmarks.small_files $(if $(RULES),--rules "$(RULES)")
	$(if $(RULES),$(BIN)/python -m benchmarks.text_logs --rules "$(RULES)")
	$(BIN)/python -m benchmarks.indicators
	$(BIN)/python -m benchmarks.yara

clean:
	rm -rf $(VENV) demo-output bench-data
