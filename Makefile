# Two commands do everything on a fresh machine with Python >= 3.11 and make: `make book` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LAB := .venv-lab
AXE := node_modules/axe-core/axe.min.js
READY := $(VENV)/ready

.DEFAULT_GOAL := help
.PHONY: help env book pdf lab test validate links clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(READY)  ## create .venv with every pinned package, or bring it up to date

# By hash all that can be; then what is left of the lock, torch and its triton (tools/lock_hashes.py says why).
$(READY): requirements.lock requirements.hashes pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is missing or older than Python 3.11: install a newer one, or name it (make PYTHON=python3.12)" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements.hashes
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

book: $(READY)  ## execute the chapters that changed and write the pages; prints where to open them
	$(BIN)/python tools/book.py build

pdf: $(READY)  ## print the built book, complete, into one PDF (needs Chromium)
	$(BIN)/python tools/print_book.py

# JupyterLab has an environment of its own: what it brings is no part of what the book's numbers rest on.
lab: $(READY) $(LAB)/ready  ## open the chapters in JupyterLab, to change and rerun them; CHAPTER=imbalance begins there
	$(BIN)/python tools/lab.py --jupyter $(LAB)/bin/jupyter-lab $(CHAPTER)

$(LAB)/ready: lab.lock
	$(PYTHON) -m venv $(LAB)
	$(LAB)/bin/python -m pip install --disable-pip-version-check -r lab.lock
	@touch $@

# Where npm is missing, or reaches nothing, the tests that need it are skipped and counted.
$(AXE): package-lock.json
	-npm ci --no-audit --no-fund --ignore-scripts

# Every stage runs, whatever the others say, so that one run tells all; pytest comes last and closes the log.
# The speed gates have a stage of their own, without neighbours; -rP shows how far above its gate everything is.
test: $(READY) | $(AXE)  ## lint, check types, build the book from clean, replay it, hold the speed gates, run all tests
	@failed=; \
	$(BIN)/ruff check . || failed="$$failed ruff-check"; \
	$(BIN)/ruff format --check . || failed="$$failed ruff-format"; \
	$(BIN)/mypy || failed="$$failed mypy"; \
	$(BIN)/python tools/book.py build --clean || failed="$$failed book"; \
	$(BIN)/python tools/book.py validate || failed="$$failed replay"; \
	OMP_NUM_THREADS=1 LOWRANK_GATES=1 $(BIN)/python -m pytest -rP tests/bench/test_gates.py \
	  || failed="$$failed speed-gates"; \
	[ -z "$$failed" ] || echo "failed before pytest:$$failed" >&2; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --durations 40 && [ -z "$$failed" ]

validate: $(READY)  ## run the built chapters once more and compare what they print
	$(BIN)/python tools/book.py validate

links: $(READY)  ## follow every link of the book (needs the internet)
	$(BIN)/python tools/book.py links

clean:  ## delete everything that was built, but keep the environments and your notebooks in lab/
	rm -rf book/_build build *.egg-info .pytest_cache .mypy_cache .ruff_cache
