# The functions of docker/verify/engine.sh with buildah only. buildah cannot run a container read-only, so
# the root of the image is mounted read-only in new name spaces. There is no control group and no CPU quota.
# shellcheck shell=bash

export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} # needs no OCI runtime
process=
kept=$(buildah images --all --quiet --no-trunc 2> /dev/null || true)

can_run() {
    local mounted
    container=$(buildah from --pull-never "$BASE") || return
    mounted=$(buildah mount "$container") && (in_root "$mounted" 0:0 "PATH=$PATH" true)
}

build() { # DIRECTORY TAG [OPTION]...
    buildah build --format docker --layers --target service --tag "$2" "${@:3}" "$1"
}

save() { # IMAGE ARCHIVE
    buildah push --quiet "$1" "docker-archive:$2"
}

layers() { # IMAGE: prints the digest of each layer
    buildah inspect --type image \
        --format '{{range .OCIv1.RootFS.DiffIDs}}{{println .}}{{end}}' "$1" | grep .
}

start() {
    local root command
    container=$(buildah from --pull-never "$IMAGE")
    root=$(buildah mount "$container")
    user=$(buildah inspect --format '{{.OCIv1.Config.User}}' "$container")
    path=$(buildah inspect --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$container" |
        grep '^PATH=')
    read -r -a command < <(buildah inspect --format \
        '{{range .OCIv1.Config.Entrypoint}}{{.}} {{end}}{{range .OCIv1.Config.Cmd}}{{.}} {{end}}{{println}}' \
        "$container")
    in_root "$root" "$user" "$path" "${command[@]}" 2> "$work/log" &
    process=$!
    workers=
}

in_root() { # ROOT USER PATH=... COMMAND...
    exec unshare --mount --net bash -euc '
        mount --bind "$1" "$1"
        mount --options remount,bind,ro "$1"
        mount --types proc proc "$1/proc"
        mount --bind /dev "$1/dev"
        ip link set lo up
        exec env --ignore-environment "$3" "$(command -v chroot)" --userspec="$2" "$1" "${@:4}"
    ' in_root "$@"
}

read_log() {
    cat "$work/log"
}

inside() { # COMMAND...
    nsenter --target "$process" --mount --net --root --wd \
        --setuid "${user%:*}" --setgid "${user#*:}" env --ignore-environment "$path" "$@"
}

stop() { # sets $code
    code=0
    kill -TERM "$process"
    wait "$process" || code=$?
}

clean() {
    [ -z "$process" ] || kill -KILL "$process" 2> /dev/null || true
    [ -z "$container" ] || buildah rm "$container" > /dev/null
    # With the driver vfs, each layer is a copy of all before it: those of the two builds take 20 GB.
    buildah images --all --quiet --no-trunc | grep --invert-match --fixed-strings --line-regexp "$kept" |
        xargs --no-run-if-empty buildah rmi --force > /dev/null 2>&1 || true
}
