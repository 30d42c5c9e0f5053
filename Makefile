# `make run`: from nothing to the table of results. `make test`: lint, types and tests.
# `make bench`: everything timed against the plain way; QUICK=1 does less of each.
# `make lock` writes requirements.txt from pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export NO_ALBUMENTATIONS_UPDATE := 1

.PHONY: run test bench lock clean

run: .venv/ready
	dvc repro
	@cat metrics/table.md

test: .venv/ready
	ruff check .
	ruff format --check .
	mypy
	pytest -n 2 --dist loadfile

bench: .venv/ready
	python -m benchmarks $(if $(QUICK),--quick)

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else \
	"error: Python %d.%d given, 3.11 to 3.13 expected: make PYTHON=python3.12 …" % v)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

lock:
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	uv pip compile pyproject.toml --extra dev --universal --no-header --no-emit-index-url \
		--quiet -o requirements.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
