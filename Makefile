# Two commands matter: `make run` starts the product, `make test` checks it.

# The distribution's first: pyenv compiles without optimizations unless told to, and then a loop takes 1.4 times as long.
PYTHON ?= $(shell /usr/bin/python3.11 -c 'import ensurepip' 2>/dev/null && echo /usr/bin/python3.11 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEV_INSTALLED := $(VENV)/.installed-dev
ARGS ?=
# Compiling is nearly half of an installation's work, and pip does it on one core. (Some packages bring files that are
# no Python of this version: these stay as they are.)
INSTALL := $(BIN)/pip install --quiet --no-compile
COMPILE := $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true

.PHONY: run setup setup-dev test test-faults lint format bench clean

run: setup
	$(BIN)/nexus serve $(ARGS)

setup: $(INSTALLED)

setup-dev: $(DEV_INSTALLED)

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

# torch first and pinned: a CPU build is found that way.
$(INSTALLED): pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) torch==2.13.0 setuptools
	$(INSTALL) -c constraints.txt -e .
	$(COMPILE)
	touch $@

$(DEV_INSTALLED): $(INSTALLED)
	$(INSTALL) -c constraints.txt -e ".[dev]"
	$(COMPILE)
	touch $@

test: setup-dev lint
	$(BIN)/coverage erase
	$(BIN)/pytest -n 3 --cov --cov-report= $(ARGS)
	$(BIN)/coverage report

# What `make test` does in short: every part of a running installation is away for 20 s, killed, or full.
test-faults: setup-dev
	NEXUS_TEST_OUTAGE=$${NEXUS_TEST_OUTAGE:-20} $(BIN)/pytest tests/faults $(ARGS)

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev
	$(INSTALL) -c constraints.txt -e ".[dev,bench]"
	$(BIN)/python -m evals.bench $(ARGS)

clean:
	rm -rf $(VENV) build *.egg-info
