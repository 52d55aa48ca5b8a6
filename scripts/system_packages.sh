#!/bin/sh
# Installs the foreign programs that tests talk to, but only those that are missing. Debian and Ubuntu.
set -eu

# One line each: the package, then the programs any one of which will do.
wanted="
sip-tester sipp
baresip-core baresip
chromium chromium chromium-browser google-chrome
nodejs node nodejs
iproute2 ip
"

missing=$(echo "$wanted" | while read -r package programs; do
    [ -n "$package" ] || continue
    found=
    for program in $programs; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null 2>&1 && found=yes
    done
    [ -n "$found" ] || printf ' %s' "$package"
done)
[ -n "$missing" ] || exit 0

line="apt-get update && apt-get install --yes --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "These programs are missing, named as Debian's packages are:$missing" >&2
    exit 1
elif [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -z "${CI:-}" ]; }; }; then
    as_root=sudo
else
    echo "The tests need packages that only root can install. Please run, as root:" >&2
    echo "  $line" >&2
    exit 1
fi
echo "Installing$missing ..."
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q >/dev/null
# shellcheck disable=SC2086  # several packages are several words
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes -q --no-install-recommends $missing >build/apt.txt 2>&1 || {
    cat build/apt.txt >&2
    echo "Installing failed. By hand: $line" >&2
    exit 1
}
