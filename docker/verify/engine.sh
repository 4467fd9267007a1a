# Functions for docker and podman. Expects: $tool, $IMAGE, $BASE, $CORES, $work.
# shellcheck shell=bash

can_run() {
    "$tool" run --rm "$BASE" true
}

build() { # DIRECTORY TAG [OPTION]...
    local options=()
    [ "$tool" = docker ] || options=(--format docker) # the OCI format has no health check
    "$tool" build "${options[@]}" --target service --tag "$2" "${@:3}" "$1"
}

save() { # IMAGE ARCHIVE
    "$tool" save --output "$2" "$1"
}

layers() { # IMAGE: prints the digest of each layer
    "$tool" image inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1" | grep .
}

start() {
    local options=()
    [ "$tool" = docker ] || options=(--read-only-tmpfs=false)
    container=$("$tool" run --detach "${options[@]}" --read-only --network none --cap-drop all \
        --security-opt no-new-privileges --cpus "$CORES" --memory 1g "$IMAGE")
    workers=$CORES
}

read_log() {
    "$tool" logs "$container" 2>&1
}

inside() { # COMMAND...
    "$tool" exec --interactive "$container" "$@"
}

stop() { # sets $code
    "$tool" stop --time 25 "$container" > /dev/null
    code=$("$tool" inspect --format '{{.State.ExitCode}}' "$container")
}

clean() {
    [ -z "$container" ] || "$tool" rm --force "$container" > /dev/null
    "$tool" rmi --force "$IMAGE" "$IMAGE-changed" > /dev/null 2>&1 || true
}
