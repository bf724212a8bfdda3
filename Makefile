# Each target gets what it needs: on a fresh machine nothing but Go and make is
# asked for. `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.NOTPARALLEL: # installing packages takes turns

DATA ?= .data
ARGS ?=
# Clients and examples. A linked package comes after what it links to.
SDK := sdk/typescript sdk/react examples/apollo-react examples/uppy examples/node-scribe examples
# Pages that are built and embedded.
PAGES := web/console web/playground
# Longer than the slowest package on a small machine; a test that hangs prints its stacks.
TIMEOUT ?= 20m

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: postgres build ## build, start Postgres and S3, seed a demo clinic, serve http://localhost:8080
	@exec bin/bonfire serve --dev --data $(DATA) $(ARGS)

.PHONY: build
build: ## the program, as bin/bonfire
	@go build -o bin/bonfire ./cmd/bonfire

.PHONY: test
test: postgres media browser curl npm spin ## every test of the server, against real Postgres and a real S3 server; then those of the clients
	go test -timeout $(TIMEOUT) $(ARGS) ./...
	@$(MAKE) test-sdk

.PHONY: test-sdk
test-sdk: postgres media browser node build $(SDK:%=%/node_modules/.package-lock.json) ## the tests of the TypeScript and React clients and of the examples, in Node and Chromium, against this server
	BONFIRE_BINARY=$(CURDIR)/bin/bonfire npm test --prefix sdk/typescript
	BONFIRE_BINARY=$(CURDIR)/bin/bonfire npm test --prefix sdk/react
	BONFIRE_BINARY=$(CURDIR)/bin/bonfire npm test --prefix examples

.PHONY: check
check: ## format, vet, staticcheck, generated code, module files, layers, release build
	@echo 'gofmt -s'; bad=$$(gofmt -s -l $$(find . -name '*.go' -not -path './.*' -not -path '*/node_modules/*')); [ -z "$$bad" ] || { echo "not formatted (run gofmt -s -w):"; echo "$$bad"; exit 1; }
	go mod tidy -diff
	go vet ./...
	go tool staticcheck ./...
	@$(MAKE) generated
	go test ./internal/arch
	go build -tags nodevstack -o /dev/null ./cmd/bonfire
	@deps=$$(go list -deps -tags nodevstack ./cmd/bonfire); [[ "$$deps" != *versitygw* ]] || { echo 'the release build carries an S3 server'; exit 1; }

HELM ?= go run helm.sh/helm/v3/cmd/helm@v3.22.0
CHART := deploy/helm/bonfire --kube-version 1.33.0
.PHONY: check-deploy
check-deploy: ## lint the chart, render it with its defaults and with all switched on, parse the Terraform
	$(HELM) lint --strict deploy/helm/bonfire --values deploy/helm/lint-values.yaml --quiet
	$(HELM) template files $(CHART) --values deploy/helm/lint-values.yaml >/dev/null
	@! $(HELM) template files $(CHART) >/dev/null 2>&1 || { echo 'the chart must ask for what has no default'; exit 1; }
	@if command -v terraform >/dev/null; then terraform fmt -check -recursive deploy/terraform; else echo 'no terraform here: deploy/terraform was not looked at'; fi

.PHONY: generate
generate: node sdk/typescript/node_modules/.package-lock.json ## the code that schema.graphqls and gqlgen.yml stand for
	go tool gqlgen generate
	npm run generate --prefix sdk/typescript

.PHONY: pages
pages: node $(PAGES:%=%/node_modules/.package-lock.json) ## the pages of web/, built anew; commit what changes in dist
	@for page in $(PAGES); do npm run build --prefix $$page; done

# Holds the code in graph/ against what would be generated now.
GRAPH_SUMS = find graph -name '*.go' -exec cksum {} + | sort -k 3
.PHONY: generated
generated:
	@echo 'go tool gqlgen generate'; before=$$($(GRAPH_SUMS)); go tool gqlgen generate; \
	[ "$$before" = "$$($(GRAPH_SUMS))" ] || { echo 'graph/ was not what the schema stands for; it is now: look at the changes and commit them'; exit 1; }

.PHONY: bench
bench: postgres ## the benchmarks, with tables at the end (ARGS='-bench Upload' for some; docs/benchmarks.md)
	go test -run '^$$' -bench . -timeout 2h $(ARGS) ./bench/... | go run ./bench/report

.PHONY: chaos
chaos: postgres media browser node build sdk/typescript/node_modules/.package-lock.json ## the fault suite: kills and faults under uploads and recordings, hundreds of thousands of decisions, for minutes (BONFIRE_CHAOS_SEED, BONFIRE_CHAOS_UPLOADS)
	BONFIRE_CHAOS=1 go test -count 1 -p 1 -run 'Chaos|LedgerIsItsModel' -timeout 2h -v $(ARGS) ./ledger ./uploads ./internal/e2e
	BONFIRE_FUZZ_DECISIONS=400000 go test -count 1 -run 'ListsAgreeWithTheGate|PredicatesMeanTheSame' -timeout 2h -v $(ARGS) ./store
	cd sdk/typescript && BONFIRE_CHAOS=1 BONFIRE_BINARY=$(CURDIR)/bin/bonfire npx vitest run --no-file-parallelism test/line.test.ts test/browser.test.ts test/recorder.test.ts

.PHONY: model
model: spin ## the exhaustive check of the upload protocol's model (ledger/model)
	go test -count 1 -run TestP1P2_Model -v $(ARGS) ./ledger

.PHONY: clean
clean: ## remove the program and the data of `make run`, wherever its database lives; refused while it runs
	@[ ! -e $(DATA)/devstack.json ] || { $(MAKE) build; bin/bonfire devstack --remove --data $(DATA); }
	rm -rf bin $(DATA)

# ---------------------------------------------------------------- what the targets need

# $(call apt,PACKAGES,WHAT FOR) installs on Debian and Ubuntu, as root; elsewhere it says what to install.
define apt
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'installing $(1) ($(2))'; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1) >/dev/null; \
	else \
		echo 'not found: $(1), $(2). Debian and Ubuntu: sudo apt-get install $(1)' >&2; false; \
	fi
endef

# The places are those where the embedded stack looks (internal/devstack/binaries.go).
.PHONY: postgres
postgres:
	@compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null \
	|| compgen -G '/opt/homebrew/opt/postgresql*/bin/initdb' >/dev/null || compgen -G '/usr/local/opt/postgresql*/bin/initdb' >/dev/null \
	|| compgen -G '/home/linuxbrew/.linuxbrew/opt/postgresql*/bin/initdb' >/dev/null || [ -x /usr/local/pgsql/bin/initdb ] \
	|| compgen -G '/Applications/Postgres.app/Contents/Versions/*/bin/initdb' >/dev/null \
	|| command -v initdb >/dev/null || [ -n "$${BONFIRE_PG_BINDIR:-}" ] || { $(call apt,postgresql,the database); }

# Test recordings and pictures are made on the spot by the tools that clinics' devices use.
.PHONY: media
media:
	@{ command -v ffmpeg && command -v espeak-ng && command -v sox; } >/dev/null \
	|| { $(call apt,ffmpeg espeak-ng sox,test recordings are made with them); }

.PHONY: curl
curl:
	@command -v curl >/dev/null || { $(call apt,curl ca-certificates,the examples of the documentation are run with it); }

.PHONY: spin
spin:
	@{ command -v spin && command -v gcc; } >/dev/null || { $(call apt,spin gcc libc6-dev,the model of uploads is checked with it); }

.PHONY: browser
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { $(call apt,chromium,pages are tested in it); }

# Node.js packages: the independent FHIR check, and what drives the browser.
NPM := fhir/validator internal/e2e/clients $(PAGES)
.PHONY: npm node
npm: node $(NPM:%=%/node_modules/.package-lock.json)
%/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund --loglevel error
	@touch $@
node:
	@command -v npm >/dev/null || { $(call apt,nodejs npm,the FHIR check and the browser tests run on it); }
