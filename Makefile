# Everything that people and machines do here. `make` alone lists it.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PREREQUISITES := sh deploy/local/prerequisites.sh
LOCAL_STACK := npx tsx deploy/local/cli.ts

# `make demo KEEP=1` leaves the demo running.
export KEEP

# `make up BROKERS=3` starts another stack, with three brokers, beside that of `make up`.
export BROKERS
UP_FOLDER := .local/up$(if $(filter 3,$(BROKERS)),-cluster)

.PHONY: help
help: ## list these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: needs-node needs-servers
needs-node:
	@$(PREREQUISITES) node
needs-servers:
	@$(PREREQUISITES) node java maven

.PHONY: install
install: needs-node node_modules/.package-lock.json ## install the exact npm packages, if they changed

# Written by npm at the end of an installation: missing or older, the installation is not up to date.
node_modules/.package-lock.json: package-lock.json | needs-node
	npm ci --no-audit --no-fund
	@touch $@

.PHONY: build
build: install ## compile the three services into dist/
	@npm run -s build

.PHONY: check
check: install ## types, lint, format, unit tests and guide: under 30 s
	@npm run -s types
	@npm run -s lint
	@npx vitest run --project unit --project guide

.PHONY: test
test: needs-servers build ## every test, with a stack of its own; works while `make up` runs
	@npx tsx test/run.ts

.PHONY: simulate
simulate: install ## seeded worlds that crash, freeze and fail: SEEDS=100000 FROM=1, or SEED=42 for its timeline
	@npx tsx test/simulation/simulate-bundled.ts

.PHONY: mutants
mutants: install ## leave out one rule of the dispatcher after the other: does the simulation see it?
	@npx tsx test/simulation/mutants.ts

.PHONY: up
up: needs-servers build ## start Kafka, registry, PostgreSQL, the three services and Prometheus in the background; BROKERS=3: a cluster
	@$(LOCAL_STACK) up

.PHONY: down
down: install ## stop what `make up` and `make demo KEEP=1` left running; data stays
	@$(LOCAL_STACK) down

.PHONY: clean
clean: install ## stop the same and remove data and logs; downloads stay
	@$(LOCAL_STACK) clean

.PHONY: logs
logs: ## follow the logs of `make up`; BROKERS=3: of that cluster
	@tail -n 5 -F $(UP_FOLDER)/logs/*.log

.PHONY: reseal
reseal: build ## after a change of SECRETS_KEY: seal everything anew now, with the environment of a normalizer
	@node --enable-source-maps dist/services/normalizer/reseal.js

.PHONY: demo
demo: needs-servers build ## calls of all five providers to a receiver that misbehaves; KEEP=1 leaves it running
	@npx tsx test/demo/demo.ts

.PHONY: bench
bench: needs-servers build ## the benchmark of the README
	@npx tsx test/bench/bench.ts

.PHONY: torture
torture: ROUNDS ?= 100
torture: SCENE ?=
torture: ONLY ?=
torture: needs-servers build ## kills, rebalances, freezes; ROUNDS=100; SCENE=cluster: three brokers, ONLY=leaders
	@npx tsx test/torture/torture.ts --rounds $(ROUNDS) --scene '$(SCENE)' --only '$(ONLY)'

.PHONY: drill
drill: SCENE ?=
drill: needs-servers build ## break one thing after the other: which alert rings when? SCENE=broker for one
	@npx tsx test/drill/drill.ts --scene '$(SCENE)'

.PHONY: migrations
migrations: ROWS ?= 2000000
migrations: FROM ?= 0060
migrations: needs-servers install ## every migration on 2,000,000 rows of each large table under traffic: no statement over 500 ms
	@npx tsx test/migrations/large-tables.ts --rows $(ROWS) --from $(FROM)

.PHONY: runbook-drill
runbook-drill: ALERT ?=
runbook-drill: needs-servers build ## bring each alert about and do what the runbook says, literally; ALERT=PartitionsUnowned for one
	@npx tsx test/runbook/runbook-drill.ts --alert '$(ALERT)'
