#!/usr/bin/env bash
# Fails if generated code, formatting or go.mod are not as the tools make them,
# or if go vet, staticcheck or gosec complain.
set -euo pipefail
cd "$(dirname "$0")/.."

tree() { git status --porcelain && git diff; }

before=$(tree)
go tool templ generate -log-level warn
if [ "$(tree)" != "$before" ]; then
	git --no-pager diff --stat
	git status --short
	echo "check: generated code is not up to date: run make generate and commit" >&2
	exit 1
fi

unformatted=$(git ls-files -z '*.go' | xargs -0 gofmt -l)
if [ -n "$unformatted" ]; then
	echo "check: not formatted, run make fmt:" $unformatted >&2
	exit 1
fi

go vet ./...
go tool staticcheck ./...
scripts/scan.sh gosec

if ! go mod tidy -diff || ! go -C tools mod tidy -diff; then
	echo "check: go.mod or go.sum is not tidy: run go mod tidy and commit" >&2
	exit 1
fi
