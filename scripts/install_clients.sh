#!/bin/sh
# install_clients.sh PYTHON: one environment under build/clients for each release of the official client.
set -eu
cd "$(dirname "$0")/.."
python=$1

for wanted in requirements/clients/*.txt; do
    version=$(basename "$wanted" .txt)
    directory=build/clients/$version
    [ "$directory/ready" -nt "$wanted" ] && continue
    case $version in 0.0.41 | 0.0.46)
        # The pydantic that these work with has no wheels for Python 3.13.
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 13))' && continue ;;
    esac
    echo "Installing the official client $version ..."
    rm -rf "$directory"
    "$python" -m venv --without-pip "$directory"
    "$python" -m pip --disable-pip-version-check --no-input --python "$directory/bin/python" \
        install -qq --require-hashes --requirement "$wanted"
    touch "$directory/ready"
done
