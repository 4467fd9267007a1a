#!/usr/bin/env bash
# Builds the image with docker, podman or buildah, and checks the statements of docs/deployment.md.
#   [TOOLS="docker podman buildah"] docker/verify.sh [BUILD OPTION]...
# Exit code 0: all checks pass; 77: no tool can build and run the image (the reasons are printed); other:
# a check fails. The container has no network: it needs none, and its port is always free.
set -euo pipefail
cd "$(dirname "$0")/.."

BASE=docker.io/library/python:3.11-slim-bookworm
IMAGE=localhost/off-tanet:verify
MAX_MB=300    # of the layers above the base image, unpacked
MAX_READY_S=3 # processor time from the start until the log reports it
CORES=1       # the CPU quota, and thus the number of workers
GRACE_S=20    # from SIGTERM to the end, of the default setting

main() {
    work=$(mktemp -d)
    container=
    settings=()
    trap 'clean; rm -rf "$work"' EXIT
    choose_tool
    say "built by $tool; the base image is $base_is"
    copy_tree
    # Docker has no mounts for builds.
    [ "$tool" = docker ] || readarray -t settings < <(python3 docker/verify/pip_settings.py "$work/pip.conf")
    build_twice "${settings[@]}" --build-arg REVISION="$(git rev-parse HEAD)" \
        --build-arg CREATED="$(git log -1 --format=%cI)" "$@"
    save "$IMAGE" "$work/image.tar"
    python3 docker/verify/image.py "$work/image.tar" "$(layers "$BASE" | wc -l)" "$MAX_MB"
    start_and_wait
    # shellcheck disable=SC2086 # an empty worker count must give no argument
    inside python - $workers < docker/verify/inside.py
    inside off-tanet doctor
    # shellcheck disable=SC2086,SC2154 # set by the functions of the tool
    inside python - $server < docker/verify/stopping.py
    wait_for_end "$GRACE_S"
    expect "exit code after SIGTERM is $code" [ "$code" = 0 ]
}

say() { printf '%s\n' "$*"; }

expect() { # WHAT COMMAND...
    if ! "${@:2}"; then
        say "failed: $1" >&2
        exit 1
    fi
    say "ok: $1"
}

clean() { :; } # replaced when a tool is chosen

choose_tool() {
    local reasons=""
    for tool in ${TOOLS:-docker podman buildah}; do
        # shellcheck source=/dev/null
        . "docker/verify/$([ "$tool" = buildah ] && echo chroot || echo engine).sh"
        if ! command -v "$tool" > /dev/null; then
            reasons+=$'\n'"  $tool: not installed"
        elif ! prepare > "$work/probe" 2>&1; then
            reasons+=$'\n'"  $tool: $(tail -n 1 "$work/probe")"
        else
            return 0
        fi
    done
    say "docker/verify.sh: skipped, as no tool can build and run the image:$reasons" >&2
    exit 77
}

# Copies the files that git knows, with their times: a build must not need others.
copy_tree() {
    mkdir "$work/tree"
    git ls-files --cached --others --exclude-standard -z |
        tar --null --files-from - --create | tar --extract --directory "$work/tree"
}

# A change of Python code must change only the last layer.
build_twice() {
    local began
    build "$work/tree" "$IMAGE" "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    say "# changed" >> "$work/tree/service/off_tanet/settings.py"
    began=$(now)
    build "$work/tree" "$IMAGE-changed" "$@" > "$work/changed.log" 2>&1
    say "a change of code is rebuilt in $(since "$began") s"
    expect "it changes no other layer than the last" \
        [ "$(layers "$IMAGE" | head -n -1)" = "$(layers "$IMAGE-changed" | head -n -1)" ]
    expect "it changes the last layer" [ "$(layers "$IMAGE")" != "$(layers "$IMAGE-changed")" ]
}

# The limit holds for processor time, which on an idle core is nearly all of the time until ready; the clock would
# also measure what else this machine does.
start_and_wait() {
    local began ready seconds
    : > "$work/log"
    create
    began=$(now)
    start
    for _ in {1..300}; do
        if ready=$(read_log | grep --max-count 1 '"ready: '); then break; fi
        sleep 0.2
    done
    expect "the service becomes ready" [ -n "$ready" ]
    # shellcheck disable=SC2086
    seconds=$(inside python - $server < docker/verify/processor_time.py)
    say "from start to ready $(python3 -c '
import datetime, json, sys
ready = datetime.datetime.fromisoformat(json.loads(sys.argv[2])["time"])
print(f"{ready.timestamp() - float(sys.argv[1]):.2f}")' "$began" "$ready") s by the clock"
    expect "from start to ready $seconds s of processor time" holds "$seconds <= $MAX_READY_S"
}

holds() { python3 -c "import sys; sys.exit(not ($1))"; }

now() { date +%s.%N; }

since() { python3 -c 'import sys, time; print(f"{time.time() - float(sys.argv[1]):.1f}")' "$1"; }

main "$@"
