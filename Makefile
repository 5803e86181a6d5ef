# The commands of the project; `make help` lists them. They need Python 3.11 or later and make, nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install run test test-browser lint bench

# The first Python that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then echo $$p; break; fi; done)
BIN := .venv/bin
STAMP := .venv/installed
# Processes for the tests; 0 runs them in one.
JOBS ?= 2
ADDRESS ?= 127.0.0.1:8000
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1|/' | while IFS='|' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

install: $(STAMP) ## make .venv from requirements.lock (again only when that file changed)

$(STAMP): requirements.lock
	@if [ -z "$(PYTHON)" ]; then echo "需要 Python 3.11 或更高版本（找不到）。 Python 3.11 or later is needed."; exit 1; fi
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "缺少 Python 的 venv 模块，例如：apt-get install python3-venv。"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-virtualenv -r requirements.lock
	@touch $(STAMP)

run: export TODAY ?= 2010-12-10
run: install ## the demonstration, at http://127.0.0.1:8000 (loaded at the first start)
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py demo --if-empty
	$(BIN)/python manage.py runserver $(ADDRESS) --noreload

test: install ## all tests but those in the browser, on what DATABASE_URL and REDIS_URL say
	$(BIN)/pytest -n $(JOBS) -m "not browser" $(ARGS)

test-browser: install ## the tests in headless Chromium
	@if [ -z "$(CHROMIUM)" ]; then echo "找不到 Chromium，请先安装，例如：apt-get install chromium fonts-noto-cjk；或用 CHROMIUM=路径 指定。"; exit 1; fi
	CHROMIUM=$(CHROMIUM) $(BIN)/pytest -m browser $(ARGS)

lint: install ## every check that does not run the program
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --output-format=concise .
	$(BIN)/mypy orgs reviews reports dianping
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/djlint templates --check
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

bench: install ## measure the heavy parts on generated data; ORGS=5000 by default, up to 50000; ONLY=imports for some groups only
	$(BIN)/python -m benchmarks.run
