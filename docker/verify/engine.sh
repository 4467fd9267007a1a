# Functions for docker and podman. Expects: $tool, $IMAGE, $BASE, $CORES, $work.
# shellcheck shell=bash

server=1 # the process to stop, as seen in the container
base_is="of this machine or its registry"

prepare() {
    { layers "$BASE" || "$tool" pull "$BASE"; } && "$tool" run --rm "$BASE" true
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

create() {
    local options=()
    [ "$tool" = docker ] || options=(--read-only-tmpfs=false)
    container=$("$tool" create "${options[@]}" --read-only --network none --cap-drop all \
        --security-opt no-new-privileges --cpus "$CORES" --memory 1g "$IMAGE")
    workers=$CORES
}

start() {
    "$tool" start "$container" > /dev/null
}

read_log() {
    "$tool" logs "$container" 2>&1
}

inside() { # COMMAND...
    "$tool" exec --interactive "$container" "$@"
}

wait_for_end() { # SECONDS: sets $code
    timeout "$1" "$tool" wait "$container" > /dev/null || "$tool" kill "$container" > /dev/null
    code=$("$tool" inspect --format '{{.State.ExitCode}}' "$container")
}

clean() {
    [ -z "$container" ] || "$tool" rm --force "$container" > /dev/null
    "$tool" rmi --force "$IMAGE" "$IMAGE-changed" > /dev/null 2>&1 || true
}
