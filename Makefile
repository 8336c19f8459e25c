# `make` lists what there is. ARGS="…" is passed on to the program that a target runs.
SHELL := /bin/bash
.DEFAULT_GOAL := help

CONFIGURATION ?= Release
ARGS ?=

export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

SERVER := server/DChat.Server/bin/$(CONFIGURATION)/net10.0/dchat-server
CLIENT := client/DChat.Terminal/bin/$(CONFIGURATION)/net10.0/dchat

# $(call built,PROJECT,PROGRAM): builds it, and says something only where that takes long or fails.
define built
[ -x $(2) ] || echo "building $(notdir $(2)), which takes a minute the first time …"; \
	out=$$(dotnet build $(1) -c $(CONFIGURATION) -v quiet -nologo 2>&1) || { printf '%s\n' "$$out"; exit 1; }
endef

.PHONY: help deps build run cluster dev dev-client test test-long chaos lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install what the server and the tests need and is missing (Debian, Ubuntu)
	@.ci/deps

build: ## build everything; warnings are errors
	@dotnet build DChat.sln -c $(CONFIGURATION) -v quiet -nologo

run: ## start the server on http://127.0.0.1:8080, its data in ./dchat-data
	@$(call built,server/DChat.Server,$(SERVER))
	@exec $(SERVER) $(ARGS)

cluster: ## a coordinator, WORKERS=3 workers and a PostgreSQL on this machine (STORE=sqlite: without one; COORDINATORS=3: with an etcd each)
	@CONFIGURATION=$(CONFIGURATION) infra/cluster/run

dev: ## start the server and build and start it again at every change of its source
	@dotnet watch --project server/DChat.Server -- run -- $(ARGS)

dev-client: ## run the terminal client from source: make dev-client ARGS="rooms"
	@$(call built,client/DChat.Terminal,$(CLIENT))
	@exec $(CLIENT) $(ARGS)

test: deps ## install what is missing, build and run the tests
	@CONFIGURATION=$(CONFIGURATION) .ci/test

test-long: deps ## the tests with more rounds, more load and more random input
	@DCHAT_TEST_LONG=1 CONFIGURATION=$(CONFIGURATION) .ci/test

chaos: deps ## for MINUTES=60, do to a cluster under load whatever can go wrong, and check what its clients see (as root; SEED=… repeats; COORDINATORS=1: with one; MEMBERS=own: each runs its etcd)
	@CONFIGURATION=$(CONFIGURATION) MINUTES="$(MINUTES)" SEED="$(SEED)" COORDINATORS="$(COORDINATORS)" MEMBERS="$(MEMBERS)" .ci/chaos

lint: ## look for what must not be in the source
	@.ci/lint

bench: ## measure, and print a table with the machine's description
	@DCHAT_PROGRAMS="$$(.ci/precompile)" dotnet run -c Release --project tests/DChat.Benchmarks -- $(ARGS)

clean: ## remove what was built; data folders stay
	@find . -type d \( -name bin -o -name obj \) -not -path '*/node_modules/*' -prune -exec rm -rf {} +
	@rm -rf artifacts TestResults BenchmarkDotNet.Artifacts
