# Tidewatch: the two commands that matter are `make demo` and `make test`.
CARGO ?= cargo
BIN := target/release/tidewatch
ARGS ?=
COMPOSE ?= docker compose
FULL := $(COMPOSE) --env-file deploy/.env -f deploy/compose.yml
LIGHT := $(COMPOSE) --env-file deploy/.env -f deploy/compose.light.yml

.PHONY: help demo run web build test test-deps test-contract test-deploy test-page walk docs dev-deps lint fmt openapi bench bench-fleet bench-pool bench-web truth chaos chaos-scale rolling-restart alarms observe soak soak-serve fuzz dist install \
	api-import-run grayscale-start grayscale-verify grayscale-clean docker-env docker-build docker-up docker-down docker-logs docker-light-up \
	docker-light-down docker-up-monitoring docker-down-monitoring clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 24

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
	scripts/test-deploy
	$(CARGO) build -q -p tidewatch
	scripts/test-page
	EXAMPLES=10 scripts/test-contract

test-deploy: ## Check what is for production: nginx, manifests, compose files, units, image, scripts, documents
	scripts/test-deploy

test-page: web ## The page in Chromium before the real program: roles, languages, axe, flows
	$(CARGO) build -q -p tidewatch
	scripts/test-page $(ARGS)

walk: ## Every command of the README, in order, in a fresh copy
	scripts/walk

docs: ## Write docs/configuration.md anew from what the program says of itself
	$(CARGO) build -q -p tidewatch
	scripts/configuration-page > docs/configuration.md.new && mv docs/configuration.md.new docs/configuration.md

dev-deps: test-deps web ## Everything that developing needs: packages, web dependencies, Rust components
	@if command -v rustup >/dev/null; then rustup component add clippy rustfmt; else echo 'no rustup: clippy and rustfmt come with your Rust packages'; fi

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

truth: ## Two simulated weeks against the ledger of the truth (DAYS=14 IPS=30 SEED=1 DRIFT_MS=700)
	$(CARGO) run --release -q -p testkit --bin truth

chaos: ## Kill the program 200 times in a running load and compare with an undisturbed run
	$(CARGO) build --release -q -p testkit --bin chaos_kill
	$(CARGO) run --release -q -p testkit --bin chaos_kill

chaos-scale: ## Three serve and six workers on MariaDB and Redis, every fault, against the ledger (LASTS=240 seconds)
	$(CARGO) build --release -q -p testkit --bin chaos_scale
	$(CARGO) run --release -q -p testkit --bin chaos_scale

alarms: ## Kill the program 200 times with a receiver that fails half the time: no alert lost or doubled
	$(CARGO) build --release -q -p testkit --bin alarms
	$(CARGO) run --release -q -p testkit --bin alarms -- $(ARGS)

observe: ## Three programs under a Prometheus for ten minutes; every expression asked, a table (OBSERVE_SECONDS=600)
	$(CARGO) test -q -p tidewatch --test metrics -- --ignored --nocapture three_programs

soak: build ## The demo for an hour: memory, files, threads, database over time (SOAK_SECONDS=3600)
	scripts/soak $(BIN)

soak-serve: ## The product alone through a day at 144 times real time: memory, files, database growth as predicted (HOURS=24)
	$(CARGO) build --release -q -p testkit --bin soak_serve
	$(CARGO) run --release -q -p testkit --bin soak_serve

rolling-restart: build ## Restart two serve processes in turn under 500 requests a second; no request may fail, no account be looked at late
	scripts/rolling-restart $(BIN)

bench: build ## Measure: record, leaderboard, claims, the process; tables in target/figures
	scripts/bench $(BIN)

bench-pool: build ## Measure accounts and keys: checks, refreshes, import, lists
	$(CARGO) build --release -q -p testkit --bin pool
	$${CARGO_TARGET_DIR:-target}/release/pool --bin $(BIN)

bench-fleet: ## Measure results a second through 1 to 3 recorders on MariaDB and PostgreSQL, and as the table grows (ARGS=--stored N)
	$(CARGO) build --release -q -p testkit --bin bench
	$${CARGO_TARGET_DIR:-target}/release/bench fleet $(ARGS)

bench-web: build ## Measure the page in Chromium: first paint, scripting, memory over MINUTES=30 of live updates
	TIDEWATCH_BIN=$(BIN) node web/e2e/vitals.mjs

dist: ## The program as it is shipped: one stripped binary
	$(CARGO) build --profile dist -p tidewatch

install: dist ## Install on this machine with systemd: program, user, unit, directories (needs root)
	scripts/install target/dist/tidewatch

grayscale-start: build ## Try this program beside the running one, on a copy of its data (ARGS=--data-dir …)
	scripts/grayscale start $(BIN) $(ARGS)

grayscale-verify: ## Compare what the two answer
	scripts/grayscale verify

grayscale-clean: ## Stop the second one and remove the copy
	scripts/grayscale clean

docker-env: ## Make deploy/.env with random secrets; what is there stays
	scripts/compose-env

docker-build: ## Build the image tidewatch:latest
	docker build -t tidewatch:latest .

docker-up: docker-env ## MySQL, Redis, the service and two workers: http://127.0.0.1:8080
	$(FULL) up -d --build

docker-down: ## Stop all of it; data stay
	$(FULL) --profile monitoring --profile edge down

docker-logs: ## Follow the logs
	$(FULL) logs -f --tail 100

docker-light-up: docker-env ## One container on SQLite, without the market
	$(LIGHT) up -d --build

docker-light-down: ## Stop it; data stay
	$(LIGHT) down

docker-up-monitoring: docker-env ## The same as docker-up, and Prometheus, Grafana (http://127.0.0.1:3000), Alloy
	$(FULL) --profile monitoring up -d --build

docker-down-monitoring: ## Stop Prometheus, Grafana and Alloy only
	$(FULL) --profile monitoring rm -sf prometheus grafana alloy

api-import-run: build ## Import IPs from FILE=… (JSON or CSV)
	$(BIN) import $(FILE)

clean: ## Remove what was built
	$(CARGO) clean
