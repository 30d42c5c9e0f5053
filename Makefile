# `make run`: from nothing to the results table. `make test`: lint, types, imports and tests.
# `make ask`: a page to try the model. `make review`: a page to put labels right.
# `make bench`: every benchmark against a plain implementation; QUICK=1 measures less of each.
# `make lock`: write requirements.txt and requirements-cluster.txt from pyproject.toml.
PYTHON ?= python3
# Installs packages; pip does where uv cannot be had. Both compile them, so that stages start fast
# where PYTHONDONTWRITEBYTECODE is set, too.
UV := uv==0.13.9
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
export PATH := $(CURDIR)/$(BIN):$(PATH)
export NO_ALBUMENTATIONS_UPDATE := 1

.PHONY: run ask review test bench lock clean

run: .venv/ready
	python -m stages.check
	@git rev-parse --git-dir > /dev/null 2>&1 \
		|| grep -qs "no_scm *= *true" .dvc/config .dvc/config.local \
		|| { echo "error: this folder is in no git repository, as from a ZIP, and DVC needs one;" \
		"run \`git init\`, then \`make run\` again" >&2; exit 1; }
	dvc repro
	@cat metrics/table.md

ask: .venv/ready
	python -m src.pages.ask $(ARGS)

review: .venv/ready
	python -m src.pages.review $(ARGS)

test: .venv/ready-cluster
	ruff check .
	ruff format --check .
	mypy
	lint-imports --no-cache --no-logo
	pytest -n 2 --dist loadfile

bench: .venv/ready
	python -m benchmarks $(if $(QUICK),--quick)

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else \
	"error: Python %d.%d given, 3.11 to 3.13 expected: make PYTHON=python3.12 …" % v)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) $(UV) && uv pip install --quiet --compile-bytecode --python $(BIN)/python \
		-r requirements.txt || $(PIP) -r requirements.txt
	touch $@

# Tests use all extras, with those for more than one machine.
.venv/ready-cluster: requirements-cluster.txt .venv/ready
	uv pip install --quiet --compile-bytecode --python $(BIN)/python \
		-r requirements-cluster.txt || $(PIP) -r requirements-cluster.txt
	touch $@

lock:
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) $(UV)
	uv pip compile pyproject.toml --extra dev --universal --no-header --no-emit-index-url \
		--quiet -o requirements.txt
	uv pip compile pyproject.toml --extra dev-cluster -c requirements.txt --universal \
		--no-annotate --no-header --no-emit-index-url --quiet -o requirements-cluster.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
