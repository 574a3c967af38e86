# Two commands matter: `make run` starts the product, `make test` checks it.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEV_INSTALLED := $(VENV)/.installed-dev
ARGS ?=

.PHONY: run setup setup-dev test lint format bench clean

run: setup
	$(BIN)/nexus serve $(ARGS)

setup: $(INSTALLED)

setup-dev: $(DEV_INSTALLED)

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

# torch first and pinned: a CPU build is found that way.
$(INSTALLED): pyproject.toml constraints.txt | $(BIN)/pip
	$(BIN)/pip install --quiet torch==2.13.0 setuptools
	$(BIN)/pip install --quiet -c constraints.txt -e .
	touch $@

$(DEV_INSTALLED): $(INSTALLED)
	$(BIN)/pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

test: setup-dev lint
	$(BIN)/coverage erase
	$(BIN)/pytest -n 2 --cov --cov-report= $(ARGS)
	$(BIN)/coverage report

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev
	$(BIN)/pip install --quiet -c constraints.txt -e ".[dev,bench]"
	$(BIN)/python -m evals.bench $(ARGS)

clean:
	rm -rf $(VENV) build *.egg-info
