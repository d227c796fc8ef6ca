#!/usr/bin/env bash
# Installs what the tests need beside Go, git and make, on Debian 12: a C
# compiler for the race detector, Chromium, fonts and axe-core for the walks,
# PostgreSQL for the store. What is there already is left alone; what cannot be
# had is an error that names it. With the argument `soak` it installs LibreOffice
# as well, which only `make soak` needs.
set -euo pipefail

# Each line: a command or file, and the Debian package that brings it.
needs='
gcc                                               gcc
/usr/include/stdlib.h                             libc6-dev
/usr/bin/chromium                                 chromium
/usr/lib/postgresql/*/bin/initdb                  postgresql
strace                                            strace
wrk                                               wrk
npm                                               npm
/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf   fonts-dejavu-core
/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf  fonts-noto-core
'

if [ "${1-}" = soak ]; then
	needs+='/usr/lib/libreoffice/program/libsclo.so  libreoffice-calc-nogui
'
fi

has() {
	case $1 in
	/*) compgen -G "$1" >/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

missing() {
	while read -r thing package; do
		if [ -n "$thing" ] && ! has "$thing"; then echo "$package"; fi
	done <<<"$needs"
}

for tool in go git; do
	if ! has "$tool"; then
		echo "setup: $tool is missing: install it first" >&2
		exit 1
	fi
done

# What the browser tests bring into pages, at the versions of its lock file. A
# copy of the lock beside it tells that it is installed.
modules() {
	local dir=e2e/axe
	if cmp -s $dir/package-lock.json $dir/node_modules/.installed; then return; fi
	echo "setup: installing what $dir/package-lock.json names"
	(cd $dir && npm ci --silent)
	cp $dir/package-lock.json $dir/node_modules/.installed
}

packages=$(missing)
if [ -z "$packages" ]; then
	modules
	exit 0
fi
echo "setup: installing" $packages

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! has sudo; then
		echo "setup: these Debian packages are missing, and only root can install them:" $packages >&2
		exit 1
	fi
	as_root=(sudo)
fi
if ! has apt-get; then
	echo "setup: there is no apt-get here: install what these Debian packages bring:" $packages >&2
	exit 1
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@"; }
# Package lists that are there may do.
if ! apt install -y --no-install-recommends $packages >/dev/null 2>&1; then
	apt update
	apt install -y --no-install-recommends $packages
fi

packages=$(missing)
if [ -n "$packages" ]; then
	echo "setup: still missing after the installation:" $packages >&2
	exit 1
fi
modules
