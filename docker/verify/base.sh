#!/usr/bin/env bash
# Makes a stand-in for the base image from Debian's packages, with buildah, for machines that reach no registry:
# Debian's own Python 3.11, under the name that the official image gives it. Needs root and mmdebstrap.
#   base.sh IMAGE
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The official image sets dpkg's option, too. mmdebstrap passes the root folder as $1.
# shellcheck disable=SC2016
mmdebstrap --variant=minbase --dpkgopt=force-unsafe-io --include=ca-certificates,python3-venv \
    --customize-hook='ln -s /usr/bin/python3 "$1/usr/local/bin/python"' bookworm "$work/root.tar"
container=$(buildah from scratch)
buildah add --quiet "$container" "$work/root.tar" /
buildah config --env PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin "$container"
buildah commit --quiet --rm "$container" "$1"
