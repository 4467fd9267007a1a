#!/usr/bin/env bash
# Makes a stand-in for the base image from Debian's packages, with buildah, for machines that reach no registry:
# Debian's own Python 3.11, under the name that the official image gives it. Needs root and debootstrap.
#   base.sh IMAGE
set -euo pipefail

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase --include=ca-certificates,python3-venv bookworm "$root"
ln -s /usr/bin/python3 "$root/usr/local/bin/python"
rm -f "$root"/var/cache/apt/archives/*.deb
container=$(buildah from scratch)
buildah copy --quiet "$container" "$root" /
buildah config --env PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin "$container"
buildah commit --quiet --rm "$container" "$1"
