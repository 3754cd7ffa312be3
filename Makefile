# The verbs of this repository. CI calls exactly these; every one works from any state.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
UV := UV_PYTHON_DOWNLOADS=never $(BIN)/uv
# What may be lost at any time and need not be fetched again for another checkout.
WHEELS := $(or $(BULKHEAD_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bulkhead)/wheels
pip-uv = $(BIN)/python -m pip $(1) --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: --requirement .venv/uv.txt
# What does not depend on each other is fetched and built side by side: a first start takes minutes longer without it.
MAKEFLAGS += --jobs=3
# The Node that the target `node` brings where the one on PATH is too old; everything here uses it then.
export PATH := $(CURDIR)/tools/node/node_modules/.bin:$(PATH)
NODE_NEEDED := $(shell sed -n 's/.*"node": ">=\([0-9]*\)".*/\1/p' worker/package.json)
NODE_IS_NEW = [ "$$(node --version 2>/dev/null | sed 's/^v\([0-9]*\)\..*/\1/')" -ge $(NODE_NEEDED) ] 2>/dev/null

# QLT-1: percent of our own code that the fast tests must run, branches counted.
LEAST_COVERED := 45.5

# An environment works only where it was made, and only while the Python that made it is there.
VENV_WORKS := $(shell [ -x $(BIN)/python ] && grep -qsF "$(CURDIR)/.venv" .venv/pyvenv.cfg && echo yes)

.PHONY: help install command anew supported node engine lock act workflows secrets lint types unit slow audit faults static check test rehearse gameday bench clean

help: ## list the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed worker/node_modules/.installed worker/dist/.built ## install everything into this checkout; leaves .venv/bin/bulkhead

# For a job that builds nothing, because what it deploys was built before.
command: .venv/.installed

supported:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, and $(PYTHON) is none. Try: make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no ensurepip, which makes .venv. Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

# uv installs in seconds what pip takes minutes for, and takes nothing that the lock does not pin. It comes as a wheel that
# the lock pins, too, and that is kept, so that another checkout is installed without the network. The environment is made
# by venv, because one that uv makes has no pip, and the engine asks the program's pip which packages there are.
# Bytecode is written for what is imported, once and for all: some machines are told to write none, and every start of a
# command would take seconds longer there.
.venv/.installed: requirements.lock pyproject.toml $(if $(VENV_WORKS),,anew) | supported
	@echo "==> Python packages into .venv"
	@[ "$(VENV_WORKS)" ] && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	@$(call pip-uv,install --no-index --find-links $(WHEELS)) 2>/dev/null || \
		{ $(call pip-uv,download --dest $(WHEELS)); $(call pip-uv,install --no-index --find-links $(WHEELS)); }
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --only-binary :all: requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip list --format json >/dev/null
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c 'import bulkhead.cli.main, identities.program, infra.program, moto.server, pytest, bulkhead.rehearsal.run'
	@touch $@

# An npm can bring a newer Node than its own. An optional package that cannot be had is no error to it, so the Node is tried.
node:
	@if $(NODE_IS_NEW) && command -v npm >/dev/null && { [ ! -e tools/node/node_modules ] || [ tools/node/node_modules -nt tools/node/package-lock.json ]; }; then exit 0; fi; \
		rm -rf tools/node/node_modules; \
		command -v npm >/dev/null && node --version >/dev/null 2>&1 || { echo "Node $(NODE_NEEDED) or newer with npm is needed: https://nodejs.org" >&2; exit 1; }; \
		if $(NODE_IS_NEW); then exit 0; fi; \
		echo "==> Node $(NODE_NEEDED) into tools/node, because the one on PATH is $$(node --version)"; \
		npm --prefix tools/node ci --silent --no-fund --no-audit && hash -r && $(NODE_IS_NEW) || { echo "npm could not bring a Node that runs here. Install Node $(NODE_NEEDED) or newer: https://nodejs.org" >&2; exit 1; }

worker/node_modules/.installed: worker/package-lock.json | node
	@echo "==> Node packages into worker/node_modules"
	@npm --prefix worker ci --silent --no-fund --no-audit
	@touch $@

worker/dist/.built: worker/node_modules/.installed worker/package.json worker/tsconfig.json worker/build.mjs $(shell find worker/src -type f 2>/dev/null)
	@echo "==> Worker bundles into worker/dist"
	@npm --prefix worker run --silent build
	@touch $@

lock: install ## pin what pyproject.toml asks for; UPGRADE=--upgrade takes the newest versions
	@$(UV) pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-strip-extras \
		--only-binary :all: --no-header --no-annotate $(UPGRADE) --output-file requirements.lock pyproject.toml

engine: | supported
	@$(PYTHON) -m bulkhead.engine

# Go keeps what it builds in its own cache: half a minute the first time. What shellcheck finds would depend on whether a
# machine has one, so it is not asked.
workflows: install
	@command -v go >/dev/null || { echo "actionlint checks .github/workflows and is built with Go: install Go 1.25 or newer, https://go.dev/dl/" >&2; exit 1; }
	@GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOWORK=off go -C tools/actionlint tool actionlint -no-color -shellcheck= -pyflakes= $(CURDIR)/.github/workflows/*.yml
	@said=$$($(BIN)/zizmor --offline --quiet --no-progress .github) || { echo "$$said"; exit 1; }

tools/%/node_modules/.installed: tools/%/package-lock.json | node
	@npm --prefix tools/$* ci --silent --no-fund --no-audit
	@touch $@

# Runs the workflows in tests. Built with Go like the linter, half a minute the first time, and kept in Go's own cache.
act:
	@command -v go >/dev/null || { echo "act runs the workflows in tests and is built with Go: install Go 1.25 or newer, https://go.dev/dl/" >&2; exit 1; }
	@GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOWORK=off go -C tools/act tool -n act >/dev/null

# Every text file that is or could be committed; a secret in one is found before it is in a commit.
secrets: tools/secretlint/node_modules/.installed
	@git grep --no-index --exclude-standard -Izl '' | xargs -0 node tools/secretlint/node_modules/.bin/secretlint --no-glob --secretlintrc tools/secretlint/secretlintrc.json || { echo "fix: take it out and revoke it; if it is made up, write it so that it is not whole (\"ghp_\" + ...)" >&2; exit 1; }

# What a pull request is checked by, one after the other: lint, types, unit, rehearse and slow.
lint: install workflows secrets
	@$(BIN)/ruff format --check --quiet . || { echo "fix: .venv/bin/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .

types: install
	@$(BIN)/mypy
	@npm --prefix worker run --silent check

unit: install
	@$(BIN)/pytest -q -m "not slow" -n auto --cov --cov-report= --cov-fail-under=$(LEAST_COVERED)
	@npm --prefix worker test --silent

# What is known today of what the locks pin: pip-audit asks PyPI and npm its registry, so it needs both. It fails where they
# cannot be asked, because what nobody looked up is not known to be sound. What nobody can mend yet is named here with its reason:
# --ignore-vuln ID for pip-audit; npm has no such word, so there it is replaced by an override in package.json.
ACCEPTED :=

audit: .venv/.installed | node ## ask what is known against the dependencies (needs the network)
	@$(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements.lock --progress-spinner off $(ACCEPTED)
	@for lock in worker/package-lock.json tools/*/package-lock.json; do npm --prefix "$$(dirname "$$lock")" audit --package-lock-only --audit-level=high || exit 1; done

slow: install engine act tools/wrangler/node_modules/.installed tools/octokit/node_modules/.installed tools/expressions/node_modules/.installed
	@$(BIN)/pytest -q -m "slow and not faults"

faults: install engine ## let every write of every resource, and of a backup, fail half-way (minutes)
	@$(BIN)/pytest -q -n auto tests/localclouds/providers/test_faults.py tests/jobs/test_backup_at_size.py tests/jobs/test_streams.py

static: lint types

check: static ## format, lint, types, and the tests that need no engine and no cloud (seconds)
	@$(BIN)/pytest -q -m "not slow" -n auto

test: static engine act tools/wrangler/node_modules/.installed tools/octokit/node_modules/.installed tools/expressions/node_modules/.installed ## everything that can be proven offline, the whole rehearsal included (minutes)
	@npm --prefix worker test --silent
	@$(BIN)/pytest -q -m "not slow" -n auto --cov --cov-report=
	@$(BIN)/pytest -m "slow and not faults" --cov --cov-append --cov-report=term:skip-covered

rehearse: install engine ## bring development, staging and production up on local clouds, prove, remove
	@$(BIN)/bulkhead rehearse

gameday: install engine ## lose production on local clouds and bring it back elsewhere, with the minutes measured
	@$(BIN)/bulkhead gameday

bench: install engine ## measure what is promised about time, side by side; fails when a limit is broken (a quarter of an hour)
	@$(BIN)/python -m benchmarks

clean: ## end a kept rehearsal and remove everything that was installed or built here
	@[ ! -x $(BIN)/bulkhead ] || $(BIN)/bulkhead rehearse --stop
	@rm -rf .venv tools/*/node_modules worker/node_modules worker/dist .rehearsal .mypy_cache .ruff_cache .pytest_cache .coverage htmlcov *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
