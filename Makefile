# Tidewatch: the two commands that matter are `make demo` and `make test`.
CARGO ?= cargo
BIN := target/release/tidewatch
ARGS ?=

.PHONY: help demo run web build test test-deps test-contract lint fmt openapi bench bench-pool truth chaos alarms observe fuzz dist api-import-run clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 18

demo: build ## Build everything and run the product on simulated data: http://127.0.0.1:8080
	$(BIN) demo $(ARGS)

run: build ## Build and serve for real
	$(BIN) serve $(ARGS)

web: web/dist/index.html ## Build the web page, which the program carries

web/dist/index.html: web/package-lock.json $(shell find web/src web/public web/index.html web/vite.config.ts 2>/dev/null)
	@command -v npm >/dev/null || { echo 'the web page needs Node.js with npm (Debian: apt-get install nodejs npm)' >&2; exit 1; }
	cd web && npm ci --no-audit --no-fund --silent && npm run --silent build

build: web ## Build the program
	$(CARGO) build --release -p tidewatch

test: test-deps web ## Install what the tests need, then run every check and test
	cd web && npm run --silent check && npm run --silent test && npm run --silent size
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) test --workspace
	EXAMPLES=10 scripts/test-contract

test-deps: ## Install what the tests need (Debian); says what is missing elsewhere
	scripts/test-deps

test-contract: ## Ask the running program everything its description allows and forbids (EXAMPLES=30)
	$(CARGO) build -q -p tidewatch
	scripts/test-contract

lint: ## Formatting and lints only
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

openapi: ## Write the description of every route to docs/openapi.json
	$(CARGO) run -q -p tidewatch -- openapi > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json

fuzz: ## Fuzz the parsers for a minute each (needs cargo-fuzz)
	cd fuzz && for t in page import config; do $(CARGO) fuzz run --sanitizer none $$t -- -max_total_time=60 || exit 1; done

fmt: ## Format the code
	$(CARGO) fmt --all

truth: ## Two simulated weeks against the ledger of the truth (DAYS=14 IPS=30 SEED=1)
	$(CARGO) run --release -q -p testkit --bin truth

chaos: ## Kill the program 200 times in a running load and compare with an undisturbed run
	$(CARGO) build --release -q -p testkit --bin chaos_kill
	$(CARGO) run --release -q -p testkit --bin chaos_kill

alarms: ## Kill the program 200 times with a receiver that fails half the time: no alert lost or doubled
	$(CARGO) build --release -q -p testkit --bin alarms
	$(CARGO) run --release -q -p testkit --bin alarms -- $(ARGS)

observe: ## Three programs under a Prometheus for ten minutes; every expression asked, a table (OBSERVE_SECONDS=600)
	$(CARGO) test -q -p tidewatch --test metrics -- --ignored --nocapture three_programs

bench: build ## Measure: record, leaderboard, claims, the process; tables in target/figures
	scripts/bench $(BIN)

bench-pool: build ## Measure accounts and keys: checks, refreshes, import, lists
	$(CARGO) build --release -q -p testkit --bin pool
	$${CARGO_TARGET_DIR:-target}/release/pool --bin $(BIN)

dist: ## The program as it is shipped: one stripped binary
	$(CARGO) build --profile dist -p tidewatch

api-import-run: build ## Import IPs from FILE=… (JSON or CSV)
	$(BIN) import $(FILE)

clean: ## Remove what was built
	$(CARGO) clean
