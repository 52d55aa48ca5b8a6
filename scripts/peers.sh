#!/bin/sh
# Makes an environment for each peer that is measured: peers.sh PYTHON DIRECTORY
set -eu
python=$1
directory=$2
for wanted in benchmarks/streams/peers/*.txt; do
    name=$(basename "$wanted" .txt)
    [ "$directory/$name/ready" -nt "$wanted" ] && continue
    echo "installing $name"
    "$python" -m venv "$directory/$name"
    "$directory/$name/bin/pip" install --quiet --no-deps --requirement "$wanted"
    touch "$directory/$name/ready"
done
