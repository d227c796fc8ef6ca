#!/usr/bin/env bash
# Builds the image from the Dockerfile without a container engine or a
# registry, runs it as its own user on a read-only root with a data volume, and
# measures it. The build image is a stand-in: this machine's Go toolchain and
# busybox. Runs as root on Debian, since it mounts and changes root.
set -euo pipefail
cd "$(dirname "$0")/.."

limit=$((15 * 1000 * 1000)) # bytes, compressed
user=65532

fail() {
	echo "image-test: $*" >&2
	exit 1
}

[ "$(id -u)" -eq 0 ] || fail "only root can mount: run it as root"
missing=()
for tool in buildah busybox curl unshare; do
	command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
	packages=(buildah busybox-static curl util-linux)
	apt-get -q install -y --no-install-recommends "${packages[@]}" >/dev/null ||
		{ apt-get -q update && apt-get -q install -y --no-install-recommends "${packages[@]}" >/dev/null; } ||
		fail "missing: ${missing[*]}"
fi

work=$(mktemp -d)
image=portal-image-test
run_pid=
build() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
cleanup() {
	if [ -n "$run_pid" ]; then kill "$run_pid" 2>/dev/null || true; fi
	buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs rm --all >/dev/null 2>&1 || true
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT

# --- a stand-in for the build image
go mod download
goroot=$(go env GOROOT)
base=$(build from scratch)
mkdir -p "$work/base/bin" "$work/base/tmp" "$work/base/etc/ssl/certs" "$work/base/usr/local"
cp "$(command -v busybox)" "$work/base/bin/busybox"
for applet in sh mkdir; do ln -s busybox "$work/base/bin/$applet"; done
cp /etc/ssl/certs/ca-certificates.crt "$work/base/etc/ssl/certs/"
build copy -q "$base" "$work/base" / >/dev/null
build copy -q "$base" "$goroot" /usr/local/go >/dev/null
build config --env PATH=/usr/local/go/bin:/bin --env GOPATH=/go --env GOPROXY=off --env GOTOOLCHAIN=local \
	--env GOFLAGS=-buildvcs=false --env HOME=/tmp "$base"
build commit -q --rm "$base" portal-image-test-base >/dev/null

# --- the image, from what is committed and what is not
echo "building"
build bud -q --isolation chroot --format docker --pull-never --build-arg BUILD_IMAGE=localhost/portal-image-test-base \
	--volume "$(go env GOMODCACHE):/go/pkg/mod" --volume "$(go env GOCACHE):/tmp/.cache/go-build" \
	-t "$image" . >/dev/null

# --- what the image says about itself
inspect() { build inspect --type image --format "{{$1}}" "$image"; }
[ "$(inspect .OCIv1.Config.User)" = "$user:$user" ] || fail "it runs as $(inspect .OCIv1.Config.User)"
[ "$(inspect .OCIv1.Config.Entrypoint)" = "[/portal]" ] || fail "its entry point is $(inspect .OCIv1.Config.Entrypoint)"
[ "$(inspect .Docker.Config.Healthcheck.Test)" = "[CMD /portal healthcheck]" ] || fail "its health check is $(inspect .Docker.Config.Healthcheck.Test)"
[ "$(inspect .OCIv1.Config.Volumes)" = "map[/data:{}]" ] || fail "its volumes are $(inspect .OCIv1.Config.Volumes)"
workdir=$(inspect .OCIv1.Config.WorkingDir)
[ "$workdir" = / ] || fail "its working directory is $workdir"
mapfile -t environ < <(build inspect --type image --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$image" | grep .)

build push -q "$image" "oci:$work/oci" >/dev/null
compressed=$(du -sb "$work/oci/blobs" | cut -f1)
container=$(build from "$image")
root=$(build mount "$container")
echo "files: $(cd "$root" && find . -type f | sort | tr '\n' ' ')"
[ "$(stat -c %u "$root/data")" = "$user" ] || fail "/data belongs to user $(stat -c %u "$root/data")"

# --- runs it: inside DATA ARGUMENTS…
# A mount namespace of its own with the root read-only and DATA at /data.
inside() {
	local data=$1
	shift
	exec unshare --mount --pid --fork --kill-child=SIGTERM --propagation private bash -euc '
		root=$1 data=$2 user=$3; shift 3
		mount --bind "$root" "$root"
		mount --bind "$data" "$root/data"
		mount -o remount,bind,ro "$root"
		exec env -i "$@"
	' - "$root" "$data" "$user" "${environ[@]}" "${settings[@]}" \
		"$(command -v chroot)" --userspec="$user:$user" "$root" /portal "${arguments[@]}"
}
port=$((20000 + RANDOM % 20000))
settings=(LISTEN_ADDR=127.0.0.1:$port)

echo "a data volume that cannot be written"
mkdir -m 0755 "$work/rootsown"
arguments=()
if (inside "$work/rootsown") >"$work/out" 2>"$work/err"; then fail "it starts on a volume that it cannot write"; fi
cat "$work/err"
grep -q "/data" "$work/err" && grep -q "user id $user" "$work/err" && grep -q "chown -R $user" "$work/err" ||
	fail "the message lacks directory, user id or chown"

for mode in real sandbox; do
	echo "a data volume of its own, $mode"
	mkdir "$work/$mode" && chown "$user:$user" "$work/$mode"
	arguments=()
	if [ "$mode" = sandbox ]; then arguments=(-sandbox); fi
	(inside "$work/$mode") >"$work/out" 2>"$work/err" &
	run_pid=$!
	for _ in $(seq 100); do
		if grep -q '^listening on ' "$work/out"; then break; fi
		sleep 0.1
	done
	cat "$work/out"
	grep -q '^listening on ' "$work/out" || { cat "$work/err" >&2; fail "it does not start"; }
	[ "$(curl -fsS "http://127.0.0.1:$port/healthz")" = ok ] || fail "/healthz does not say ok"
	[ "$(curl -fsS "http://127.0.0.1:$port/readyz")" = ready ] || fail "/readyz does not say ready"
	curl -fsS "http://127.0.0.1:$port/" | grep -q '<h1' || fail "there is no start page"
	arguments=(healthcheck)
	(inside "$work/$mode") || fail "the health check fails"
	portal=$(pgrep -n -P "$(pgrep -P "$run_pid" || echo "$run_pid")" || pgrep -P "$run_pid")
	[ "$(awk '/^Uid:/ {print $2}' "/proc/$portal/status")" = "$user" ] || fail "it runs as another user"
	if touch "/proc/$portal/root/probe" 2>/dev/null; then fail "the root can be written"; fi
	kill -TERM "$portal"
	for _ in $(seq 100); do kill -0 "$portal" 2>/dev/null || break; sleep 0.1; done
	if kill -0 "$portal" 2>/dev/null; then fail "it does not stop"; fi
	wait "$run_pid" || fail "it ends with status $?"
	run_pid=
	if (inside "$work/$mode") 2>/dev/null; then fail "the health check passes without a portal"; fi
	echo "in the volume: $(cd "$work/$mode" && find . -type f | sort | tr '\n' ' ')"
done

echo "binary: $(stat -c %s "$root/portal") bytes; image, compressed: $compressed bytes (limit $limit)"
[ "$compressed" -lt "$limit" ] || fail "the image is too large"
