# The functions of docker/verify/engine.sh with buildah only. buildah cannot run a container read-only, so
# the root of the image is mounted read-only in new name spaces. There is no control group and no CPU quota.
# shellcheck shell=bash

export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} # needs no OCI runtime
server=                                               # the process to stop
base_is=                                              # where the base image comes from

# All images and containers are in a store of their own, which is removed at the end. With the driver vfs, for file
# systems that overlay cannot be on, each layer is a copy of all before it: a build takes several times as long.
prepare() {
    local theirs
    theirs=$(buildah info --format '[{{.store.GraphDriverName}}@{{.store.GraphRoot}}+{{.store.RunRoot}}]')
    { use_store overlay && buildah info; } || use_store vfs
    take_base "$theirs" && can_run
}

use_store() { # DRIVER
    export STORAGE_DRIVER="$1" CONTAINERS_STORAGE_CONF="$work/storage.conf"
    printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' \
        "$1" "$work/store-$1" "$work/run-$1" > "$CONTAINERS_STORAGE_CONF"
}

take_base() { # THEIR_STORE
    if buildah pull --quiet "containers-storage:$1$BASE"; then
        base_is="of this machine"
    elif buildah pull --quiet "$BASE"; then
        base_is="from its registry"
    elif docker/verify/base.sh "$BASE"; then
        base_is="a stand-in from Debian's packages"
    else
        return 1
    fi
}

can_run() {
    local mounted
    container=$(buildah from --pull-never "$BASE") || return
    mounted=$(buildah mount "$container") && (in_root "$mounted" 0:0 "PATH=$PATH" true) || return
    buildah rm "$container"
}

build() { # DIRECTORY TAG [OPTION]...
    buildah build --format docker --layers --pull-never --target service --tag "$2" "${@:3}" "$1"
}

save() { # IMAGE ARCHIVE
    buildah push --quiet "$1" "docker-archive:$2"
}

layers() { # IMAGE: prints the digest of each layer
    buildah inspect --type image \
        --format '{{range .OCIv1.RootFS.DiffIDs}}{{println .}}{{end}}' "$1" | grep .
}

create() {
    container=$(buildah from --pull-never "$IMAGE")
    root=$(buildah mount "$container")
    user=$(buildah inspect --format '{{.OCIv1.Config.User}}' "$container")
    path=$(buildah inspect --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$container" |
        grep '^PATH=')
    read -r -a command < <(buildah inspect --format \
        '{{range .OCIv1.Config.Entrypoint}}{{.}} {{end}}{{range .OCIv1.Config.Cmd}}{{.}} {{end}}{{println}}' \
        "$container")
}

start() {
    local cores
    cores=$(taskset --cpu-list --pid $$ | grep --only-matching '[0-9]*[0-9,-]*$' | grep --only-matching '^[0-9]*')
    in_root "$root" "$user" "$path" taskset --cpu-list "$cores" "${command[@]}" 2> "$work/log" &
    server=$!
    workers=1
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
    nsenter --target "$server" --mount --net --root --wd \
        --setuid "${user%:*}" --setgid "${user#*:}" env --ignore-environment "$path" "$@"
}

wait_for_end() { # SECONDS: sets $code
    code=0
    timeout "$1" tail --pid="$server" --follow /dev/null || kill -KILL "$server"
    wait "$server" || code=$?
    server=
}

clean() {
    [ -z "$server" ] || kill -KILL "$server" 2> /dev/null || true
    [ ! -e "${CONTAINERS_STORAGE_CONF:-}" ] || buildah rm --all > /dev/null # unmounts them
}
