# folio. `make help` lists the targets.
GO ?= go
TOOL := $(GO) tool -modfile=tools.mod
TEST_TIMEOUT ?= 40m
STATES ?= 25000000

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: setup build ## everything on this machine: etcd, Postgres, three replicas; ^C ends it
	@exec bin/foliodev $(ARGS)

.PHONY: build
build: ## build bin/folio, bin/foliodev and bin/hammer
	@echo "building …"
	@$(GO) build -trimpath -o bin/ ./cmd/...

.PHONY: setup
setup: ## see to it that Go and Postgres are on this machine
	@scripts/setup

.PHONY: test
test: setup ## every test, against a real etcd and a real Postgres, under the race detector
	$(GO) test -race -timeout $(TEST_TIMEOUT) ./...

.PHONY: model
model: ## explore every interleaving of small worlds: the protocol has to keep its promises in all of them
	@$(GO) run ./internal/model/check --config coarse

.PHONY: model-large
model-large: ## the same for larger worlds, up to STATES states each: takes long
	@$(GO) run ./internal/model/check --config large --states $(STATES)

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, and the arrows between the rooms
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	scripts/arrows --self-test
	scripts/arrows

.PHONY: mutants
mutants: ## plant faults into a copy of the counter; the simulation must notice each
	@$(GO) run ./internal/mutants $(ARGS)

.PHONY: generate
generate: ## make the generated code anew
	$(GO) generate ./...

SEEDS ?= 2000

.PHONY: sim
sim: ## simulate SEEDS runs of replicas that crash, in virtual time; FROM=first seed
	@$(GO) test -c -o bin/sim.test ./counter
	@bin/sim.test -test.run '^TestSimulation$$' -test.timeout 0 -seeds $(SEEDS) -from $(or $(FROM),0) -figures

.PHONY: bench
bench: setup ## folio beside what people use today, side by side: the table, bench.json and drawings; ARGS=--help
	@GO=$(GO) scripts/bench --out docs/performance --page docs/performance.md $(ARGS)

.PHONY: bench-quick
bench-quick: setup ## the main ratios of it in less than a minute; fails if one falls under 0.7 of its bar
	@GO=$(GO) scripts/bench --quick $(ARGS)

.PHONY: bench-counter
bench-counter: ## what taking a number costs, beside a bare atomic addition; ROUNDS=6
	@GO=$(GO) scripts/bench-counter $(or $(ROUNDS),6)

.PHONY: bench-import
bench-import: ## what moving a million invoices in costs, beside a bare COPY; ROWS=1000000
	@GO=$(GO) scripts/bench-import $(or $(ROWS),1000000)

.PHONY: bench-audit
bench-audit: ## what accounting for ten million documents costs; COUNT=10000000
	@GO=$(GO) scripts/bench-audit $(or $(COUNT),10000000)

.PHONY: bench-deep
bench-deep: ## what checking the content of documents costs
	$(GO) test -run '^$$' -bench '^BenchmarkDeepAudit$$' -benchtime 3x ./invoices

.PHONY: forecast
forecast: ## make the tables and drawings of docs/performance.md anew
	$(GO) run ./internal/forecast/draw --out docs/performance --page docs/performance.md

.PHONY: image
image: ## a container image of folio, without a container engine: bin/folio-image.tar; IMAGE=localhost/folio:dev
	@GO=$(GO) scripts/image $(or $(IMAGE),localhost/folio:dev)

.PHONY: check-deploy
check-deploy: ## hold the manifests, alerts and image of deploy/ against what reads them
	@GO=$(GO) scripts/image --self-test
	@GO=$(GO) scripts/check-deploy

.PHONY: dashboard
dashboard: setup build ## docs/dashboard.svg anew: six minutes of load and kills, scraped by Prometheus; ARGS="--long 2m"
	@PROMETHEUS=$$(scripts/prometheus prometheus) && $(GO) run ./internal/dashboard --prometheus "$$PROMETHEUS" $(ARGS)

.PHONY: k8s-up
k8s-up: ## folio with all it needs on the cluster of KUBECONFIG; K8S_LOAD="kind load image-archive"
	@GO=$(GO) scripts/k8s-up

.PHONY: chaos-k8s
chaos-k8s: build ## folio on the cluster of KUBECONFIG, under load and faults; K8S_LOAD= as above, K8S_KILL=, K8S_NET=
	@GO=$(GO) $(GO) run ./internal/chaosk8s --page docs/kubernetes.md $(ARGS)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
