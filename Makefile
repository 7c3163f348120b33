# What a newcomer needs: `make run` and `make test`. Both set up what they need first.
# `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
WORK ?= $(CURDIR)/.work
CONFIG ?=
FUZZ_SECONDS ?= 20
RUNS ?= 2000
BENCH ?= --quick
SEED ?= 1

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

.PHONY: setup
setup: ## check for (and where possible install) the compilers
	@tests/setup

.PHONY: build
build: setup ## build raudal and kcli, optimised
	$(CARGO) build --release --locked -p raudal -p kcli

.PHONY: run
run: build ## build and start three brokers here, ports 9092 to 9094 (CONFIG=server.properties: one server, yours)
ifeq ($(CONFIG),)
	target/release/kcli dev start
else
	target/release/raudal $(CONFIG)
endif

.PHONY: test
test: setup ## all tests of the workspace; those that need Kafka's jars use KAFKA_LIBS
	$(CARGO) build --locked -p raudal -p kcli
	$(CARGO) test --locked --workspace

.PHONY: sim
sim: setup ## RUNS simulated cluster lifetimes from SEED on, until one fails (crates/sim)
	$(CARGO) run --profile sim --locked -p sim -- --seed $(SEED) --runs $(RUNS)

.PHONY: verify
verify: setup ## everything that must hold besides the tests; writes nothing
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) xtask codegen --check
	$(CARGO) xtask tidy
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

.PHONY: deny
deny: ## licences, sources and bans of the dependencies
	$(CARGO) fetch --quiet --locked
	PATH="$$(tests/tools cargo-deny):$$PATH" $(CARGO) deny --offline --locked check bans licenses sources

.PHONY: kafka-libs
kafka-libs: ## Apache Kafka's jars, the oracle of many tests; prints their folder
	@tests/tools kafka-libs

.PHONY: interop
interop: build ## real clients in five languages against a fresh server
	tests/interop/run

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZ_SECONDS each (needs a nightly toolchain)
	PATH="$$(tests/tools cargo-fuzz):$$PATH" tests/fuzz $(FUZZ_SECONDS)

.PHONY: chaos
chaos: build ## random faults by seed against a cluster of processes (DURATION=s RUNS=n RUN_SECONDS=s SEED=n TARGET=raudal or kafka)
	$(CARGO) build --release --locked -p cluster-tests --bin chaos --bin member
	if [ "$${TARGET:-}" = kafka ]; then KAFKA_LIBS=$$(tests/tools kafka-libs); export KAFKA_LIBS; fi; \
	RAUDAL_BIN=target/release/raudal target/release/chaos

.PHONY: bench
bench: setup ## micro-benchmarks of the hot paths, allocations counted
	$(CARGO) bench --locked -p benches --bench hot

.PHONY: bench-kafka
bench-kafka: build ## three brokers beside three of Apache Kafka, in turns; BENCH='--pairs 5 e2e_1k' (docs/performance.md)
	$(CARGO) build --release --locked -p benches --bin load
	tests/bench/run $(BENCH)
