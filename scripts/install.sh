#!/bin/sh
# install.sh ENVIRONMENT LOCK: installs what the lock pins, checked by hash, and this package on top of it.
set -eu
pip="$1/bin/python -m pip --disable-pip-version-check --no-input"

echo "Installing $2 ..."
$pip install -qq --require-hashes --requirement "$2"
$pip install -qq --no-deps --no-build-isolation --editable .
