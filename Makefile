# Each of these sets up what it needs by itself: Python 3.11 or newer and make are enough.
VENV := .venv
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(if $(shell $(name) -c \
  "import sys; print('fits' if sys.version_info >= (3, 11) else '')" 2>/dev/null),$(name))))
RUN := env -u PYTHONDONTWRITEBYTECODE $(VENV)/bin

.PHONY: help setup demo test check style docs docs-check bench faults pictures cluster clean

help:
	@echo "make demo      watch a rollout on the practice cluster"
	@echo "make test      every test; the last line says which real parts they ran against"
	@echo "make check     what CI runs: style, types, contracts, documents, tests"
	@echo "make bench     the speed figures, beside kubectl and k9s"
	@echo "make faults    more races and kills of operations, added to docs/faults.md"
	@echo "make pictures  the pictures of the README"
	@echo "make docs      the documents that are made from the program"
	@echo "make cluster   build the real control plane that tests use (needs Go; once)"

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml uv.lock
	@if command -v uv >/dev/null 2>&1; then \
	  uv sync --frozen --quiet; \
	else \
	  test -n "$(PYTHON)" || { echo "Quarterdeck needs Python 3.11 or newer on PATH." >&2; exit 2; }; \
	  $(PYTHON) -m venv $(VENV) && $(PYTHON) tests/locked.py $(VENV) && \
	  $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable . \
	    --requirement $(VENV)/development.txt --constraint $(VENV)/pins.txt; \
	fi
	@touch $@

demo: setup
	@$(RUN)/quarterdeck demo $(ARGS)

test: setup
	$(RUN)/python -m pytest -n auto --dist loadgroup $(ARGS)

check: style docs-check test

style: setup
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

docs: setup
	$(RUN)/python -m tests.docs

docs-check: setup
	$(RUN)/python -m tests.docs --check

bench: setup
	$(RUN)/python -m tests.bench $(ARGS)

faults: setup
	$(RUN)/python -m tests.faults.operations $(or $(ARGS),--races 20 --kills 26)

pictures: setup
	$(RUN)/python -m tests.pictures $(ARGS)

cluster: setup
	$(RUN)/python -m tests.cluster.build

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
