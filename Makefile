# Two commands on a fresh machine: `make demo`, `make test`. Needs Python 3.11+, Rust, Node 20+ and make.
# Everything Python is installed into .venv, everything JavaScript into frontend/node_modules; nothing goes elsewhere.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
STAMPS := $(VENV)/stamps
LOAD_CLIENT := target/release/booktape-load
LOAD_MANIFEST := benchmarks/load/client/Cargo.toml
NATIVE := python/booktape/_native.abi3.so
PAGE := python/booktape/_frontend/index.html
NPM := npm --prefix frontend

# maturin and uv install into this environment, whichever one is active in the shell.
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
unexport CONDA_PREFIX PYTHONHOME
# uv reads its own variables; someone whose index is set for pip only should not have to say it twice.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
# One interpreter for every cargo call, or pyo3 is compiled anew whenever another one asks.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1
# Where there is no browser, the browser tests skip and say how to get one.
CHROMIUM := $(firstword $(shell command -v chromium chromium-browser google-chrome google-chrome-stable))
ifneq ($(CHROMIUM),)
export BOOKTAPE_CHROMIUM ?= $(CHROMIUM)
endif

step = @printf '\n==> %s\n'

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Building

.PHONY: build
build: $(STAMPS)/native $(PAGE) ## Install everything and build it: package (release) and page

.PHONY: tools
tools:
	@.ci/tools

$(STAMPS)/python: uv.lock Makefile | tools
	$(step) 'Python packages into $(VENV)'
	@[ -x $(BIN)/python ] || "$$(.ci/tools python)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@mkdir -p $(STAMPS)
	@$(BIN)/uv export --quiet --frozen --no-emit-project --all-groups --output-file $(STAMPS)/requirements.txt
	$(BIN)/uv pip install --require-hashes --requirement $(STAMPS)/requirements.txt
	@touch $@

# The module itself is a prerequisite, so that one built by other means (`maturin develop` in debug, say) is replaced.
$(STAMPS)/native: $(STAMPS)/python Cargo.toml Cargo.lock rust-toolchain.toml pyproject.toml $(NATIVE) \
		$(shell find rust -name '*.rs' -o -name Cargo.toml)
	$(step) 'Rust core: a release build'
	$(BIN)/maturin develop --release --uv --locked
	@touch $@

$(NATIVE): ;

frontend/node_modules/.package-lock.json: frontend/package.json frontend/package-lock.json | tools
	$(step) 'JavaScript packages into frontend/node_modules'
	$(NPM) ci --no-audit --no-fund
	@touch $@

$(PAGE): frontend/node_modules/.package-lock.json $(shell find frontend -maxdepth 1 -type f) \
		$(shell find frontend/src frontend/static -type f 2>/dev/null)
	$(step) 'The page'
	$(NPM) run build
	@rm -rf $(@D) && cp -R frontend/build $(@D) && touch $@

.PHONY: openapi
openapi: build ## Write the OpenAPI schema, its examples and the page's types from the service
	$(BIN)/python -m tests.service.examples > $(STAMPS)/examples.json
	mv $(STAMPS)/examples.json python/booktape/service/examples.json
	$(BIN)/python -m booktape.service.openapi > $(STAMPS)/openapi.json
	mv $(STAMPS)/openapi.json frontend/openapi.json
	$(NPM) run types

.PHONY: clean
clean: ## Remove everything that was built or installed
	rm -rf $(VENV) $(BENCH) target dist frontend/node_modules frontend/.svelte-kit frontend/build $(dir $(PAGE)) $(NATIVE)
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache

##@ Running

.PHONY: demo
demo: build ## Build, then serve a synthetic market with its page on this machine
	@$(BIN)/booktape demo

.PHONY: demo-check
demo-check: build ## Start the demo, see prices move, stop it
	@$(BIN)/python .ci/demo_check.py

.PHONY: dev
dev: build ## Serve the demo with reload, and the page from vite with hot reload
	@$(MAKE) -j2 dev-service dev-page

.PHONY: dev-service dev-page
dev-service:
	$(BIN)/watchfiles --filter python '$(BIN)/booktape demo --port 8000' python/booktape
dev-page:
	BOOKTAPE_URL=http://127.0.0.1:8000 $(NPM) run dev

##@ Checking

.PHONY: test
test: test-rust test-python test-page test-browser ## Run every test: Rust, Python, page, browser

.PHONY: test-rust
test-rust: $(STAMPS)/python ## Run the Rust tests
	$(step) 'Rust tests'
	cargo test --locked --workspace --exclude booktape-py
	cargo test --locked --manifest-path $(LOAD_MANIFEST) --target-dir target

.PHONY: test-python
test-python: build ## Run the Python tests, and the examples in docstrings and documents
	$(step) 'Python tests'
	$(BIN)/pytest

.PHONY: test-page
test-page: frontend/node_modules/.package-lock.json ## Run the page's unit tests
	$(step) 'Page tests'
	$(NPM) run test

.PHONY: test-browser
test-browser: build ## Run the page in Chromium against a real service
	$(step) 'Browser tests'
	$(NPM) run test:e2e

.PHONY: lint
lint: lint-rust lint-python lint-page ## Run every check that is not a test; all findings are errors

.PHONY: lint-rust
lint-rust: $(STAMPS)/python
	$(step) 'Rust: format, clippy'
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo fmt --manifest-path $(LOAD_MANIFEST) --check
	cargo clippy --locked --manifest-path $(LOAD_MANIFEST) --target-dir target --all-targets -- -D warnings

# import-linter reads sources, so the stub stands in for the compiled module.
.PHONY: lint-python
lint-python: build
	$(step) 'Python: format, lint, types, stub, imports'
	$(BIN)/uv lock --check --offline --quiet
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --allowlist .ci/stubtest-allowlist booktape._native
	@rm -rf $(STAMPS)/imports && mkdir -p $(STAMPS)/imports && cp -R python/booktape $(STAMPS)/imports/
	@mv $(STAMPS)/imports/booktape/_native.pyi $(STAMPS)/imports/booktape/_native.py
	PYTHONPATH=$(STAMPS)/imports $(BIN)/lint-imports

.PHONY: lint-page
lint-page: build
	$(step) 'Page: format, lint, types, contract'
	$(NPM) run lint
	$(NPM) run check
	@$(BIN)/python -m booktape.service.openapi | diff -u frontend/openapi.json - || \
		{ echo 'frontend/openapi.json is not what the service says: run make openapi'; exit 1; }
	@cd frontend && node_modules/.bin/openapi-typescript openapi.json | \
		node_modules/.bin/prettier --stdin-filepath src/lib/api/schema.d.ts | diff -u src/lib/api/schema.d.ts - || \
		{ echo 'frontend/src/lib/api/schema.d.ts is not what openapi.json says: run make openapi'; exit 1; }

.PHONY: format
format: build ## Format everything, and mend what the linters can mend
	cargo fmt --all
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(NPM) run format

##@ Measuring

.PHONY: bench
bench: build $(BENCH)/installed ## Measure side by side with the peers: one table, its data, a plot (BENCH_ARGS=--quick)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

.PHONY: bench-large
bench-large: build $(BENCH)/installed ## Replay and audit 170 million records; makes a file of 9.5 GB outside the checkout
	$(BIN)/python -m benchmarks --only large $(BENCH_ARGS)

# The peers live apart: none of them is a dependency of the package, or of its tests.
$(BENCH)/installed: benchmarks/requirements.txt $(STAMPS)/python
	$(step) 'Peers into $(BENCH)'
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(BENCH)
	$(BIN)/uv pip install --quiet --python $(BENCH)/bin/python --require-hashes --requirement $<
	@touch $@

.PHONY: bench-load
bench-load: build $(LOAD_CLIENT) ## Measure the service with up to 1,000 clients on this machine (BENCH_ARGS=--quick)
	$(BIN)/python -m benchmarks.load $(BENCH_ARGS)

# A workspace of its own, so that neither the package nor its tests wait for it.
$(LOAD_CLIENT): $(shell find benchmarks/load/client -name '*.rs' -o -name 'Cargo.*') rust-toolchain.toml
	$(step) 'The compiled client'
	cargo build --release --locked --manifest-path $(LOAD_MANIFEST) --target-dir target
	@touch $@

.PHONY: bench-lock
bench-lock: $(STAMPS)/python ## Choose the peers' versions anew
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
		--custom-compile-command 'make bench-lock' --output-file benchmarks/requirements.txt benchmarks/requirements.in
