#!/usr/bin/env bash
# Builds the wheels of both distributions in folder $1: `off-tanet`, which on Linux runs on any
# distribution of the last years, and `off-tanet-client`, which is pure Python. $PYTHON has the tools
# of requirements/build.txt, $AUDITWHEEL is the program of requirements/wheels.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:?folder of the wheels}
python=${PYTHON:-python3}
raw=$(mktemp -d)
trap 'rm -rf "$raw"' EXIT

build() {
    "$python" -m pip wheel --disable-pip-version-check --quiet --no-deps --no-build-isolation \
        --wheel-dir "$raw" "$@"
}

mkdir -p "$folder"
build --config-settings build-dir="$raw/build" .
if [ "$(uname -s)" = Linux ]; then
    "${AUDITWHEEL:-auditwheel}" repair --wheel-dir "$folder" "$raw"/off_tanet-*.whl
else
    mv "$raw"/off_tanet-*.whl "$folder"
fi
build ./packaging/client
mv "$raw"/off_tanet_client-*.whl "$folder"
ls -l "$folder"
