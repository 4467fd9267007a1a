#!/usr/bin/env bash
# Installs the wheels of folder $1 into a clean environment of each Python from 3.11 on that this
# machine has ($PYTHONS, or those on PATH and in pyenv) and uses them: `off-tanet doctor` and the
# client, which asks a service of the other environment.
set -euo pipefail
folder=$(cd "${1:?folder of the wheels}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" # not the repository, whose packages would be found first

found() {
    local python
    for python in $(compgen -c python3. | grep -E '^python3\.[0-9]+$' | sort -u) \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3; do
        "$python" -c 'import sys; assert sys.version_info >= (3, 11) and sys.version_info.releaselevel == "final"
print("%d.%d" % sys.version_info[:2], sys.executable)' 2> /dev/null || true
    done | sort --version-sort | awk '!seen[$1]++ {print $2}'
}

# Creates environment $2 of Python $1 with the wheel of distribution $3.
install() {
    "$1" -m venv "$2"
    "$2/bin/python" -m pip install --disable-pip-version-check --quiet --only-binary :all: \
        --find-links "$folder" "$3"
}

for python in ${PYTHONS:-$(found)}; do
    "$python" --version
    install "$python" service off-tanet
    service/bin/off-tanet doctor
    install "$python" client off-tanet-client
    service/bin/python - client/bin/python << 'EOF_TEST'
import pathlib, re, subprocess, sys

clip = next(pathlib.Path("service").glob("lib/*/site-packages/off_tanet/assets/samples/clip.mp4"))
serve = ["service/bin/off-tanet", "serve", "--port", "0"]
with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as server:
    url = next(filter(None, (re.search(r"http://[\d.:]+", line) for line in server.stderr)))[0]
    next(line for line in server.stderr if "ready: " in line)
    code = f"""
from off_tanet.client import Client
with Client({url!r}) as client:
    print("client:", client.clip(open({str(clip)!r}, "rb").read()).label)
"""
    done = subprocess.run([sys.argv[1], "-c", code])
    server.terminate()
    server.stderr.read()
sys.exit(done.returncode)
EOF_TEST
    rm -rf service client
done
