# Every target does its own set-up: .venv from requirements.lock.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export OMP_NUM_THREADS ?= 1

.PHONY: demo test check lab bench bench-studies soak lock clean

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: .venv/installed  ## release, collect a sample class, grade it, write feedback and the class report
	$(BIN)/course demo

test: .venv/installed
	$(BIN)/python -m pytest -n auto --dist loadgroup

check: .venv/installed  ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: .venv/installed  ## JupyterLab with the assignments and the formgrader
	$(BIN)/course lab

bench: .venv/installed
	$(BIN)/python -m benchmarks.against_stock

bench-studies: .venv/installed
	$(BIN)/python -m benchmarks.studies

soak: .venv/installed  ## right solutions under 1000 hypothesis seeds; long
	$(BIN)/python -m pytest -m soak -n auto

lock:  ## resolve pyproject.toml anew into requirements.lock
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade pip setuptools
	build/lock/bin/python -m pip install --quiet --constraint constraints.txt '.[dev]'
	build/lock/bin/python -m pip freeze --all --exclude pip --exclude course-lib | sed 's/+cpu$$//' > requirements.lock

clean:  ## what grading and the demo wrote; never the sources
	rm -rf build submitted feedback reports gradebook.db
	find autograded -mindepth 1 ! -name README.md -delete
