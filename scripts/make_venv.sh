#!/bin/sh
# make_venv.sh DIRECTORY: makes a virtual environment with a Python this project runs on.
set -eu
directory=$1

for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        "$python" -m venv "$directory" || {
            rm -rf "$directory"
            echo "Making the environment failed. On Debian and Ubuntu: apt-get install python3-venv" >&2
            exit 1
        }
        exit 0
    fi
done
echo "Cordboard needs Python 3.11, 3.12 or 3.13. If you have one elsewhere: make PYTHON=/path/to/python ..." >&2
exit 1
