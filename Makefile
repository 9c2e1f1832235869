# Everything starts from Python 3.11 and make; `make` alone lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNNABLE := $(VENV)/.runnable
INSTALLED := $(VENV)/.installed
TO_RUN := embedded,local
TO_DEVELOP := $(TO_RUN),google,google-legacy,dev
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install demo up test test-elsewhere test-full chaos failover soak bench docs site lint \
    lint-scripts audit clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv with the package, all extras and the tools

define pip_install
@$(PYTHON) -c 'import sys; sys.exit("pgjikan needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(1)]'
endef

$(RUNNABLE): pyproject.toml constraints.txt
	$(call pip_install,$(TO_RUN))
	@touch $@

$(INSTALLED): pyproject.toml constraints.txt
	$(call pip_install,$(TO_DEVELOP))
	@touch $(RUNNABLE) $@

demo: $(RUNNABLE) ## a tour on a throw-away server; exits 0 only if every step held
	$(BIN)/pgjikan demo

up: $(RUNNABLE) ## server, schema, starter catalogue and sidecar in the foreground; data is kept
	$(BIN)/pgjikan up

test: $(INSTALLED) ## the tests, on the embedded server
	$(BIN)/pytest -n 2 --dist loadfile -m 'not full'

# ELSEWHERE=tests for the whole suite, which takes as long as `make test`.
ELSEWHERE := tests/face tests/facets tests/freshness tests/jobs tests/status
test-elsewhere: $(INSTALLED) ## what reads and computes with time, on a server in Berlin with readers in REPEATABLE READ
	PGJIKAN_TEST_TIMEZONE=Europe/Berlin PGJIKAN_TEST_READERS='repeatable read' \
		$(BIN)/pytest -n 2 --dist loadfile -m 'not full and not once' $(ELSEWHERE)

test-full: $(INSTALLED) ## the tests on PostgreSQL 17 with pg_cron, plpython3u and sqitch (root, Debian)
	docker/trixie-root.sh $(BIN)/pytest -n 2 --dist loadfile -m 'not bare and not once'

chaos: $(INSTALLED) ## kill, cut and crash everything by a seeded plan, and lose nothing (CHAOS='--seed 7 --kills 30')
	$(BIN)/python -m tests.chaos $(CHAOS)

failover: $(INSTALLED) ## three machines, the primary killed, frozen and cut off (root, Debian; FAILOVER='--seed 7')
	docker/trixie-root.sh $(BIN)/python -m tests.failover $(FAILOVER)

soak: $(INSTALLED) ## everything at once for 20 minutes: does anything grow? (SOAK='--minutes 2')
	$(BIN)/python -m tests.soak $(SOAK)

bench: $(INSTALLED) ## every benchmark
	@set -e; for bench in bench/[a-z]*.py; do echo "== $$bench"; $(BIN)/python "$$bench"; done

docs: $(INSTALLED) ## write what the examples answer, and the SQL reference, anew
	test ! -d ../shared || $(BIN)/python bench/recommend.py --table
	PGJIKAN_DOCS_UPDATE=1 $(BIN)/pytest tests/docs -m 'not full'

site: $(INSTALLED) ## the documents as a site, in .cache/site
	$(BIN)/mkdocs build

lint: $(INSTALLED) ## ruff, mypy, sqlfluff and hadolint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar db
	$(BIN)/hadolint docker/*/Dockerfile deploy/Dockerfile

lint-scripts: ## shellcheck and biome: shell and JavaScript (needs shellcheck and npm)
	shellcheck --exclude=SC2016 .ci/run docker/*.sh
	npx --yes @biomejs/biome@2.6.8 lint --error-on-warnings sidecar/pgjikan/dashboard/static examples bench tests

audit: $(INSTALLED) ## licences and known vulnerabilities of what the package pulls in
	$(BIN)/python tools/audit.py

clean: ## remove what make made, except data of servers
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	rm -rf --one-file-system .cache
