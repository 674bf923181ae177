# Everything a developer or a CI machine does, each by one word. Only Python >= 3.11, make and git are needed.

SHELL := /bin/sh
# Where it is set, each start of a worker compiles all modules anew: seven seconds of a core instead of two.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
READY := .venv/.ready
# The first Python that is new enough; `make PYTHON=/path/to/python` takes another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# What pytest is told beside the folder, such as ARGS='-k cancel -x'.
ARGS ?=
# How long `make chaos` goes on.
MINUTES ?= 20
# The uv that makes and installs the locks; `make lock UV=uv==X.Y.Z` takes another.
UV ?= $(shell sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements-uv.lock)

.PHONY: help setup run test unit model integration contract simulate fuzz chaos chaos-tests bench lint advisories format lock clean distclean
.DEFAULT_GOAL := help

help: ## Show this.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with everything pinned in the locks (others do this by themselves).

$(READY): requirements-uv.lock requirements.lock setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install one, or say make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is not Python 3.11 or newer: say make PYTHON=/path/to/another"; exit 1; }
	@$(PYTHON) -m venv .venv \
		|| { echo "$(PYTHON) can't make a virtual environment (Debian, Ubuntu: install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip sync --quiet --require-hashes requirements.lock requirements-uv.lock
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: $(READY) ## Serve on PORT=6066 with WORKERS=1, Kafka and MongoDB included, until Ctrl-C.
	@$(BIN)/python -m app.embedded

# Most tests wait for brokers and sessions, not for a core: two files at a time, each process with servers of its own.
# The chaos has the machine to itself, after the others; with ARGS, which are for those, it is left out.
test: lint ## Lint, and all tests; of the chaos the short ones.
	$(BIN)/pytest -m "not chaos" --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(if $(strip $(ARGS)),,$(BIN)/pytest tests/chaos/test_chaos.py tests/chaos/test_hot_product.py)

unit: $(READY) ## Tests of single parts.
	$(BIN)/pytest tests/unit $(ARGS)

model: $(READY) ## Every order of messages of an order, with doubles and crashes, in one process.
	$(BIN)/pytest tests/model $(ARGS)

integration: $(READY) ## Tests on a real Kafka and MongoDB.
	$(BIN)/pytest tests/integration $(ARGS)

contract: $(READY) ## The HTTP contract, on a real worker.
	$(BIN)/pytest tests/contract $(ARGS)

# How many histories `make simulate` makes up; FIRST=… begins elsewhere.
SEEDS ?= 10000
FIRST ?= 0

simulate: $(READY) ## Made-up histories of the whole system: SEEDS=100000.
	$(BIN)/python -m tests.model.simulator --seeds $(SEEDS) --first $(FIRST)

# How many examples `make fuzz` makes up of each call: with 200 some 17,600 requests, in five minutes.
EXAMPLES ?= 200

fuzz: $(READY) ## Requests made up from the OpenAPI document, with and without credentials: EXAMPLES=60.
	EXAMPLES=$(EXAMPLES) $(BIN)/pytest tests/contract/test_any_request.py $(ARGS)

chaos: $(READY) ## Kill, stop and stall everything under load for MINUTES=20, then audit.
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) --report docs/chaos-report.md

chaos-tests: $(READY) ## The short chaos, a hot product under kills, and what the same harness finds on plain Faust.
	$(BIN)/pytest tests/chaos $(ARGS)

bench: $(READY) ## Measure rates, latencies and CPU, each beside a baseline (10 minutes; ARGS=--quick for a look).
	$(BIN)/python -m bench $(ARGS)

# Tests that can't be collected are told of here: many processes tell of them only when they have run all the others.
lint: $(READY) ## Style, types and the rules of who may import whom.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@collected=$$($(BIN)/pytest --collect-only -qqq 2>&1) || { echo "$$collected"; exit 1; }

advisories: $(READY) ## Ask PyPI itself (no mirror) what is known against the versions that the lock pins.
	$(BIN)/uv tool run pip-audit==2.9.0 --requirement requirements-run.lock --require-hashes --disable-pip

format: $(READY) ## Put the code into the project's form.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY) ## Make the locks again: uv's own, Python's and that of Kafka's jars.
	echo $(UV) | $(BIN)/uv pip compile --quiet - --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate -o requirements-uv.lock
	$(BIN)/uv pip compile --quiet setup.cfg --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-package order-processor -o requirements.lock
	$(BIN)/uv pip compile --quiet setup.cfg --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --constraint requirements.lock -o requirements-run.lock
	mkdir -p .local/lock && cp app/embedded/jgo.toml .local/lock
	cd .local/lock && $(CURDIR)/$(BIN)/jgo --quiet --resolver python --repo-cache m2 lock
	cp .local/lock/jgo.lock.toml app/embedded && rm -rf .local/lock

clean: ## Drop the data of `make run`; what was fetched stays.
	@for file in .local/run/*.pid .local/port-*/run/*.pid; do \
		if [ -e "$$file" ] && kill -0 "$$(cat "$$file")" 2>/dev/null; then \
			echo "$$file: its process still runs; stop make run first"; exit 1; \
		fi; \
	done
	rm -rf .local/kafka .local/mongod .local/worker-* .local/run .local/seeded .local/port-*

distclean: clean ## Drop everything that is not in git.
	rm -rf .local .venv build *.egg-info .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
