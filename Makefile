# Nobody needs make: each target is the one line below it.
BIN ?= .venv/bin/

.PHONY: help setup check test fmt golden bench wheel

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: ## make .venv and install everything for development
	python3 -m venv .venv && .venv/bin/pip install -e '.[dev]'

check: ## exactly what CI runs
	.ci/run

test: ## run the tests on all cores, without the slow ones
	$(BIN)pytest -n auto -m "not slow"

fmt: ## format the Python code and sort its imports
	$(BIN)ruff check --fix . && $(BIN)ruff format .

golden: ## rewrite the golden files; the diff is the review
	$(BIN)pytest --update

bench: ## measure; prints a table
	$(BIN)python -m bench

wheel: ## build dist/*.tar.gz, then the wheel from it
	$(BIN)python -m build
