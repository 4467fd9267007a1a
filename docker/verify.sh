#!/usr/bin/env bash
# Builds the image and holds it to what docs/deployment.md says of it, with docker, podman or buildah.
#   [TOOLS="docker podman buildah"] docker/verify.sh [OPTION OF THE BUILD]...
# Exit code 0: all of it holds; 77: nothing here can build and run it, and why; any other: something
# does not hold. The container gets no network: it needs none, and its port is surely free in there.
set -euo pipefail
cd "$(dirname "$0")/.."

BASE=docker.io/library/python:3.11-slim-bookworm
IMAGE=localhost/off-tanet:verify
MAX_MB=350    # of our layers, unpacked
MAX_READY_S=3 # from before the start until the log says so
CORES=1       # the CPU quota, and so the workers

main() {
    work=$(mktemp -d)
    container=
    trap 'clean; rm -rf "$work"' EXIT
    choose_tool
    say "built by $tool"
    copy_tree
    build_twice "$@"
    save "$IMAGE" "$work/image.tar"
    python3 docker/verify/image.py "$work/image.tar" "$(layers "$BASE" | wc -l)" "$MAX_MB"
    start_and_wait
    # shellcheck disable=SC2086 # no worker count, no argument
    inside python - $workers < docker/verify/inside.py
    stop
    expect "after SIGTERM it ends with exit code $code" [ "$code" = 0 ]
}

say() { printf '%s\n' "$*"; }

expect() { # WHAT COMMAND...
    if ! "${@:2}"; then
        say "does not hold: $1" >&2
        exit 1
    fi
    say "ok: $1"
}

clean() { :; } # until a tool is chosen

choose_tool() {
    local reasons=""
    for tool in ${TOOLS:-docker podman buildah}; do
        # shellcheck source=/dev/null
        . "docker/verify/$([ "$tool" = buildah ] && echo chroot || echo engine).sh"
        if ! command -v "$tool" > /dev/null; then
            reasons+=$'\n'"  $tool: not here"
        elif ! { layers "$BASE" || "$tool" pull "$BASE"; } > "$work/probe" 2>&1; then
            reasons+=$'\n'"  $tool: no base image: $(tail -n 1 "$work/probe")"
        elif ! can_run > "$work/probe" 2>&1; then
            reasons+=$'\n'"  $tool: $(tail -n 1 "$work/probe")"
        else
            return 0
        fi
    done
    say "docker/verify.sh: skipped, as nothing here can build and run the image:$reasons" >&2
    trap - EXIT
    exit 77
}

# The tree as git knows it, with its times: a build must need no more.
copy_tree() {
    mkdir "$work/tree"
    git ls-files --cached --others --exclude-standard -z |
        tar --null --files-from - --create | tar --extract --directory "$work/tree"
}

# A change of Python code must leave all layers but the last as they are.
build_twice() {
    local began
    build "$work/tree" "$IMAGE" "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    say "# changed" >> "$work/tree/service/off_tanet/settings.py"
    began=$(now)
    build "$work/tree" "$IMAGE-changed" "$@" > "$work/changed.log" 2>&1
    say "a change of code is built in $(since "$began") s"
    expect "it changes the last layer alone" \
        [ "$(layers "$IMAGE" | head -n -1)" = "$(layers "$IMAGE-changed" | head -n -1)" ]
    expect "it does change it" [ "$(layers "$IMAGE")" != "$(layers "$IMAGE-changed")" ]
}

start_and_wait() {
    local began ready seconds
    : > "$work/log"
    began=$(now)
    start
    for _ in {1..60}; do
        if ready=$(read_log | grep --max-count 1 '"ready: '); then break; fi
        sleep 0.5
    done
    expect "it becomes ready" [ -n "$ready" ]
    seconds=$(python3 -c '
import datetime, json, sys
ready = datetime.datetime.fromisoformat(json.loads(sys.argv[2])["time"])
print(f"{ready.timestamp() - float(sys.argv[1]):.2f}")' "$began" "$ready")
    expect "from start to ready $seconds s" holds "$seconds <= $MAX_READY_S"
}

holds() { python3 -c "import sys; sys.exit(not ($1))"; }

now() { date +%s.%N; }

since() { python3 -c 'import sys, time; print(f"{time.time() - float(sys.argv[1]):.1f}")' "$1"; }

main "$@"
