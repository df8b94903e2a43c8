#!/bin/sh
# edge-retinaface in a virtual environment of its own, and its service; for those who want one line. As root:
#   sh install.sh [wheel or requirement] [--with picamera2] [--with coral]
set -eu
[ "$(id -u)" = 0 ] || { echo "install.sh: wanted root, found $(id -un): sudo sh $0" >&2; exit 1; }
home=/opt/edge-retinaface
wanted=edge-retinaface
case "${1-}" in "" | --*) ;; *) wanted=$1; shift ;; esac
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "install.sh: wanted Python 3.11 or newer, found $(python3 -V)" >&2; exit 1; }
python3 -c 'import ensurepip' 2>/dev/null || { apt-get update && apt-get install -y --no-install-recommends python3-venv; }
# its Python sees apt's python3-picamera2
[ -x "$home/bin/pip" ] || python3 -m venv --system-site-packages "$home"
"$home/bin/pip" install --disable-pip-version-check --upgrade "$wanted"
ln -sf "$home/bin/edge-retinaface" /usr/local/bin/edge-retinaface
"$home/bin/edge-retinaface" install-service "$@"
echo "Name a camera in /etc/edge-retinaface/config.toml, then: sudo edge-retinaface check && sudo edge-retinaface install-service"
