# The verbs of this repository. CI calls exactly these; every one works from any state.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# What does not depend on each other is fetched and built side by side: a first start takes minutes longer without it.
MAKEFLAGS += --jobs=3

.PHONY: help install supported engine lock workflows secrets lint types unit slow static check test rehearse bench clean

help: ## list the verbs
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed worker/node_modules/.installed worker/dist/.built ## install everything into this checkout; leaves .venv/bin/bulkhead

supported:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make install PYTHON=python3.12" >&2; exit 1; }

# Compiled afterwards by all processors; pip would use one.
.venv/.installed: requirements.lock pyproject.toml | supported
	@echo "==> Python packages into .venv (two to three minutes the first time)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --no-compile --no-deps --require-hashes --requirement requirements.lock
	@$(BIN)/python -m compileall -qq -j 0 .venv/lib
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

worker/node_modules/.installed: worker/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 or newer with npm is needed: https://nodejs.org" >&2; exit 1; }
	@echo "==> Node packages into worker/node_modules"
	@npm --prefix worker ci --silent --no-fund --no-audit
	@touch $@

worker/dist/.built: worker/node_modules/.installed worker/package.json worker/build.mjs $(shell find worker/src -type f 2>/dev/null)
	@echo "==> Worker bundles into worker/dist"
	@npm --prefix worker run --silent build
	@touch $@

lock: ## resolve the pinned Python packages anew
	@$(BIN)/python -m pip install --quiet pip-tools
	@$(BIN)/pip-compile --quiet --extra dev --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml

engine: | supported
	@$(PYTHON) -m rehearsal.engine

# Go keeps what it builds in its own cache: half a minute the first time. What shellcheck finds would depend on whether a
# machine has one, so it is not asked.
workflows: install
	@command -v go >/dev/null || { echo "actionlint checks .github/workflows and is built with Go: install Go 1.25 or newer, https://go.dev/dl/" >&2; exit 1; }
	@GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOWORK=off go -C tools/actionlint tool actionlint -no-color -shellcheck= -pyflakes= $(CURDIR)/.github/workflows/*.yml
	@said=$$($(BIN)/zizmor --offline --quiet --no-progress .github) || { echo "$$said"; exit 1; }

tools/secretlint/node_modules/.installed: tools/secretlint/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 or newer with npm is needed: https://nodejs.org" >&2; exit 1; }
	@npm --prefix tools/secretlint ci --silent --no-fund --no-audit
	@touch $@

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
	@$(BIN)/pytest -q -m "not slow" -n auto
	@npm --prefix worker test --silent

slow: install engine
	@$(BIN)/pytest -q -m slow

static: lint types

check: static ## format, lint, types, and the tests that need no engine and no cloud (seconds)
	@$(BIN)/pytest -q -m "not slow" -n auto

test: static engine ## everything that can be proven offline, the whole rehearsal included (minutes)
	@npm --prefix worker test --silent
	@$(BIN)/pytest -q -m "not slow" -n auto --cov --cov-report=
	@$(BIN)/pytest -m slow --cov --cov-append --cov-report=term:skip-covered

rehearse: install engine ## bring development, staging and production up on local clouds, prove, remove
	@$(BIN)/bulkhead rehearse

bench: install engine ## measure what is promised about time, side by side; fails when a limit is broken (a quarter of an hour)
	@$(BIN)/python -m benchmarks

clean: ## end a kept rehearsal and remove everything that was installed or built here
	@[ ! -x $(BIN)/bulkhead ] || $(BIN)/bulkhead rehearse --stop
	@rm -rf .venv tools/secretlint/node_modules worker/node_modules worker/dist .rehearsal .mypy_cache .ruff_cache .pytest_cache .coverage htmlcov *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
