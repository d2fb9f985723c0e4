# Everything one does here, one target each. `make demo` and `make test` set up by themselves.
# Python 3.11 or newer is all that must be there; uv is used where it is.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV     := $(shell command -v uv)
BIN    := .venv/bin
READY  := .make/ready

CASE    := reports/case.duckdb
SAMPLE  := sample_logs/firearms_dashboard
PYTEST  := $(BIN)/python -m pytest
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help setup fmt lint types layers test laws golden docs demo bench lock check clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## Make the virtual environment, from the lock

$(READY): requirements.lock pyproject.toml
	@mkdir -p $(@D)
	@$(PYTHON) -c 'import sys; sys.exit("incident needs Python 3.11 or newer; say which with make PYTHON=…" if sys.version_info < (3, 11) else 0)'
ifdef UV
	test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) .venv
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --editable .
else
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
endif
	@touch $@

fmt: $(READY)  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: $(READY)  ## Look for mistakes in code and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check the types
	$(BIN)/mypy

layers: $(READY)  ## Check that imports keep to the layers
	$(BIN)/lint-imports

test: $(READY)  ## Run all tests
	$(PYTEST) -n $(WORKERS)

laws: $(READY)  ## Run the laws alone
	$(PYTEST) tests/laws

golden: $(READY)  ## Rewrite the golden files; then read their diff
	INCIDENT_GOLDEN=rewrite $(PYTEST)

docs: $(READY)  ## Write the reference of the command line anew
	INCIDENT_GOLDEN=rewrite $(PYTEST) tests/test_docs.py

demo: $(READY)  ## Work the sample case; the results land in reports/
	@mkdir -p reports
	rm -f $(CASE) $(CASE).wal
	$(BIN)/incident ingest --case $(CASE) $(SAMPLE)
	$(BIN)/incident summary --case $(CASE)
	$(BIN)/incident timeline --case $(CASE) --force -o reports/timeline.html
	$(BIN)/incident report --case $(CASE) --force -o reports/report.html

bench: $(READY)  ## Measure
	$(BIN)/python bench/run.py

lock:  ## Resolve the dependencies anew (needs uv)
	$(or $(UV),$(BIN)/uv) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	    --upgrade --all-extras pyproject.toml -o requirements.lock

check: lint types layers test  ## All that verifies, as CI does

clean:  ## Remove what can be made again
	rm -rf .venv .make build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f $(CASE) $(CASE).wal
