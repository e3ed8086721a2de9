# Every target goes through an npm script: npm puts the Node.js of node_modules first on PATH, whatever the machine has.
.DEFAULT_GOAL := help
.PHONY: help up generate verify fmt lint typecheck test e2e bench build images kubernetes services services-stop dependencies

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: dependencies ## Run everything on this machine: REST on 8080, Kubernetes API on 8443, one agent
	@trap : INT; npm run --silent up; status=$$?; [ $$status = 130 ] || exit $$status # Ctrl-C is the way to end it

generate: dependencies ## Write every generated file anew
	@npm run --silent generate

verify: dependencies ## Fail when a generated file is not what `make generate` writes
	@npm run --silent verify

fmt: dependencies ## Format the code and mend what eslint can
	@npm run --silent fmt

lint: dependencies ## Check formatting, style, the import table and unused code
	@npm run --silent lint

typecheck: dependencies ## Check the types
	@npm run --silent typecheck

test: dependencies kubernetes ## Run all tests; those against real servers install what they need (CONTRIBUTING.md)
	@npm test --silent

e2e: dependencies kubernetes images ## Build images, bring up a cluster of three nodes, run the release on it (root, or kind)
	@sh test/chart/install-helm.sh
	@TIANGONG_E2E_TRANSCRIPT=1 npm run --silent e2e

bench: dependencies kubernetes ## Measure, and write docs/benchmarks.md
	@npm run --silent bench

services: ## Start the databases and stores of the tests, and leave them running
	@bash test/services/all.sh start

services-stop: ## Stop them
	@bash test/services/all.sh stop

build: dependencies ## Compile the programs to JavaScript in dist/
	@npm run --silent build

images: dependencies ## Build the container images without Docker, to dist/images/
	@npm run --silent images

# Compares what is installed with the lock file by content: times say nothing after a clone or a checkout.
dependencies:
	@if [ ! -d node_modules ]; then npm ci --loglevel=error; \
	elif ! cmp -s package-lock.json node_modules/.installed; then npm install --no-save --loglevel=error; fi
	@cmp -s package-lock.json node_modules/.installed || cp package-lock.json node_modules/.installed

kubernetes:
	@sh test/kubernetes/build.sh
	@sh test/gitops/build.sh
	@sh test/chart/install-helm.sh
