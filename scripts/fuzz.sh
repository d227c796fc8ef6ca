#!/usr/bin/env bash
# Runs every fuzz target for a while: fuzz.sh [TIME], 10s by default. What one
# finds is written to testdata/fuzz beside it; committed, it is a test like any
# other from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-10s}
binaries=$(mktemp -d)
trap 'rm -rf "$binaries"' EXIT
cache=$(go env GOCACHE)/fuzz

ran=0
for room in $(grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do
	binary=$binaries/$(basename "$(realpath "$room")").test
	go test -c -fuzz=. -o "$binary" "$room" >/dev/null # instrumented, once for all its targets
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9]+)\(.*/\1/p' "$room"/*_test.go | sort -u); do
		# On a busy machine Go 1.26 may take the end of its own time for a
		# failure (go.dev/issue/75804), with no input that fails.
		if ! out=$(cd "$room" && "$binary" -test.run='^$' -test.fuzz="^$target\$" -test.fuzztime="$time" -test.fuzzcachedir="$cache/portal/$room/$target" 2>&1) &&
			{ grep -q 'Failing input' <<<"$out" || ! grep -q 'context deadline exceeded' <<<"$out"; }; then
			echo "$out" >&2
			echo "fuzz: $target in $room failed" >&2
			exit 1
		fi
		echo "$room $target: $(grep -oE 'execs: [0-9]+' <<<"$out" | tail -1)"
		ran=$((ran + 1))
	done
done
if [ "$ran" -lt 12 ]; then
	echo "fuzz: only $ran targets were found" >&2
	exit 1
fi
echo "fuzz: $ran targets, $time each"
