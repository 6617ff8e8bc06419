# Each target sets up .venv when it is missing or its inputs changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INPUTS := pyproject.toml constraints.txt
OUT ?= study

.PHONY: help study test test-all lint bench docs clean
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/'

# PyTorch first and alone: with it in place nothing else can pull in a CUDA build.
$(VENV)/.run: $(INPUTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt torch==2.13.0
	$(PIP) install -q -c constraints.txt -e '.[train,report]'
	touch $@

$(VENV)/.test: $(VENV)/.run
	$(PIP) install -q -c constraints.txt -e '.[all,test,lint]'
	touch $@

$(VENV)/.docs: $(VENV)/.run
	$(PIP) install -q -c constraints.txt -e '.[train,report,fast,docs]'
	touch $@

study: $(VENV)/.run ## train and fit the default isoFLOP study, ending in an HTML report
	$(BIN)/isoflop study --out $(OUT)

test: $(VENV)/.test ## run the tests, but those that take minutes each
	$(BIN)/python -m pytest -q -n auto -m 'not exhaustive' $(ARGS)

test-all: $(VENV)/.test ## run every test
	$(BIN)/python -m pytest -q -n auto --hypothesis-profile=explore $(ARGS)

lint: $(VENV)/.test ## ruff and pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: $(VENV)/.test ## run the benchmarks (quiet machine, see docs/benchmarks.md)
	$(BIN)/python bench/train_throughput.py
	$(BIN)/python bench/fit_speed.py
	$(BIN)/python bench/plan_speed.py

docs: $(VENV)/.docs ## build the documentation into docs/_build
	$(BIN)/sphinx-build -q -W -b html docs docs/_build/html

clean: ## remove what the targets made, but no study
	rm -rf $(VENV) docs/_build .pytest_cache .ruff_cache build dist
