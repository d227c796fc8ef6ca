# What people and CI do with this repository. Everything but `go` and `make`
# that a target needs, `make setup` installs on Debian 12.

.PHONY: help dev build test soak bench fuzz scan setup generate fmt lint check docker image-test

help:
	@echo "make dev         serve on http://localhost:8080 with the sandbox"
	@echo "make build       one static binary, ./portal"
	@echo "make test        set up what the tests need, then run them all"
	@echo "make soak        the full figures: kills, outages, races; an hour (SOAK_SEED=N repeats)"
	@echo "make bench       the portal against what is possible on this machine; ten minutes, and nothing else running"
	@echo "make fuzz        every fuzz target for ten seconds (FUZZTIME=1m)"
	@echo "make scan        gosec, and govulncheck where its database can be had"
	@echo "make generate    write the Go code of the templates"
	@echo "make fmt         format Go code and templates"
	@echo "make lint        go vet and staticcheck"
	@echo "make check       generated code, formatting, lint, gosec and go.mod are as they should be"
	@echo "make docker      build the image with docker"
	@echo "make image-test  build the image without docker, run it and measure it (as root)"

dev:
	go run . -sandbox

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o portal .

setup:
	scripts/setup.sh

test: setup
	CGO_ENABLED=1 go test -race -shuffle=on -timeout 14m ./...

soak:
	scripts/setup.sh soak
	SOAK=1 go test -v -tags soak -count=1 -timeout 2h ./soak/
	SOAK=1 go test -v -count=1 -run TestMemoryIsBounded ./export/
	SOAK=1 go test -count=1 -timeout 30m -run "TestFaultMatrix|TestFiguresAreTheSameEverywhere" ./handlers/
	cd e2e/lighthouse && npm ci --silent
	go test -v -tags soak -count=1 -timeout 30m ./e2e/lighthouse/

bench: setup
	BENCH=1 go test -v -count=1 -timeout 1h ./bench/

fuzz:
	scripts/fuzz.sh $(or $(FUZZTIME),10s)

scan:
	scripts/scan.sh

generate:
	go tool templ generate

fmt:
	gofmt -w $$(git ls-files '*.go')
	go tool templ fmt views

lint:
	go vet ./...
	go tool staticcheck ./...

check:
	scripts/check.sh

docker:
	docker build -t gotomeeting-portal .

image-test:
	scripts/image-test.sh
