#!/bin/sh
# Writes the hash-pinned locks anew: all platforms and Python versions in one file each, no index addresses.
# uv is used for this alone, in an environment of its own; installing needs nothing but pip.
set -eu
cd "$(dirname "$0")/.."

tools=build/lock-tools
[ -x "$tools/bin/uv" ] || {
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet "uv>=0.5"
}

lock() {
    output=$1
    shift
    "$tools/bin/uv" pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --quiet \
        --custom-compile-command "make lock" --output-file "$output" "$@"
}

lock requirements.lock --extra offline --extra demo "$@"
# The developers' lock holds the same versions, and more packages.
lock requirements-dev.lock --all-extras --constraint requirements.lock "$@"

# Each release of the official client has an environment of its own for the contract tests.
for version in 0.0.20 0.0.30 0.0.41 0.0.46 0.0.48; do
    printf 'vocode-api==%s\n' "$version" | "$tools/bin/uv" pip compile - --universal \
        --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
        --quiet --custom-compile-command "make lock" --output-file "requirements/clients/$version.txt" "$@"
done
