# Needs Python 3.11 or newer, make, and a package index. `make demo` and `make test` work on a fresh machine.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests bench demo fuzz

.PHONY: help demo picture test lint types layers rules tests coverage fuzz lock bench bench-archives bench-alarms bench-recall bench-bytecode clean

help: ## What there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 16

demo: $(VENV)/installed ## Scan this Python and a project with planted fakes, and show the report
	@$(BIN)/python demo/demo.py

picture: $(VENV)/installed ## Draw the picture in the README anew
	@$(BIN)/python demo/picture.py docs/leak.svg

test: lint types layers rules tests ## Everything that must hold before a commit

lint: $(VENV)/installed-dev ## Style
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/installed-dev ## Types
	$(BIN)/mypy
	$(BIN)/mypy --no-explicit-package-bases bench

layers: $(VENV)/installed-dev ## Layers
	$(BIN)/lint-imports --no-logo

rules: $(VENV)/installed-dev ## The proof of every rule
	$(BIN)/pitviper rules check

tests: $(VENV)/installed-dev ## Tests
	$(BIN)/pytest -n auto

coverage: $(VENV)/installed-dev ## Tests, with what they do not reach
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report --skip-covered --show-missing

fuzz: $(VENV)/installed-dev ## Hostile bytes for every parser of containers, a minute each
	$(BIN)/pip install --quiet --disable-pip-version-check atheris==3.0.0
	@for target in bytecode zip tar ar cpio compressed executable pickled; do \
		$(BIN)/python fuzz/fuzz_$$target.py -max_total_time=60 -timeout=20 -print_final_stats=1 || exit 1; done

bench: $(VENV)/installed ## Measure against cat, Kingfisher and detect-secrets (takes half an hour)
	@$(BIN)/python -m compileall -q src  # as an installer does; an editable install leaves it to the first run
	$(BIN)/python bench/engine.py --write

bench-archives: $(VENV)/installed ## Measure archives, images and wheels against Kingfisher (takes a quarter of an hour)
	$(BIN)/python bench/archives.py --write

bench-alarms: $(VENV)/installed ## Every finding in the wheels that pip is configured to find on this machine
	$(BIN)/python bench/alarms.py

bench-recall: $(VENV)/installed ## Names and values in the standard library of every Python at hand: how many its bytecode shows
	$(BIN)/python bench/recall.py --write

bench-bytecode: $(VENV)/installed ## What is seen in what every Python at hand compiles, beside what others see (takes half an hour)
	$(BIN)/python bench/bytecode.py --write

lock: $(VENV)/installed-dev ## Lock all dependencies anew, with hashes
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile $(LOCK) --group build pyproject.toml --output-file requirements/run.txt
	$(BIN)/uv pip compile $(LOCK) --group dev pyproject.toml --output-file requirements/dev.txt

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

clean: ## Remove what was made here
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit("Pitviper needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/pip requirements/run.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

schema: $(VENV)/installed ## Write the JSON Schema of the report anew
	$(BIN)/python -c 'import json; from pitviper.output import json_v1; print(json.dumps(json_v1.schema(), indent=2))' > docs/report-1.schema.json
