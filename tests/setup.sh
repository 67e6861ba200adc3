#!/bin/sh
# Installs what building and testing needs, on Debian or Ubuntu with Rust; says and does nothing when it is all there.
# Usage: tests/setup.sh build | test
set -eu

packages="gcc libc6-dev make cmake curl ca-certificates flite"
[ "${1:-build}" = test ] && packages="$packages baresip kamailio coturn dnsmasq-base python3-aiosmtpd python3-pika python3-psycopg2 rabbitmq-server postgresql sip-tester sox ffmpeg chromium iproute2 sqlite3 faketime valgrind qemu-user python3-venv"
command -v node >/dev/null || packages="$packages nodejs"
command -v npm >/dev/null || packages="$packages npm"

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done

if [ -n "$missing" ]; then
    root=""
    if [ "$(id -u)" -ne 0 ]; then
        root="sudo"
        command -v sudo >/dev/null || { echo "tests/setup.sh: run as root to install:$missing" >&2; exit 1; }
    fi
    echo "tests/setup.sh: installing$missing"
    # The tests run these themselves; as services they would take the ports of this machine.
    for service in kamailio coturn rabbitmq-server postgresql; do
        case "$missing" in
            *"$service"*) command -v systemctl >/dev/null && $root systemctl --quiet mask "$service.service" || true ;;
        esac
    done
    $root apt-get update -q
    # shellcheck disable=SC2086 # the packages are words
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
fi

command -v cargo >/dev/null || { echo "tests/setup.sh: Rust is missing; see https://rustup.rs" >&2; exit 1; }

# A service in the shape of S3 for the tests of recordings, in an environment of its own.
if [ "${1:-build}" = test ]; then
    moto="${XDG_CACHE_HOME:-$HOME/.cache}/tandem/moto-5.2.5"
    if [ ! -e "$moto/ready" ]; then
        echo "tests/setup.sh: making $moto"
        rm -rf "$moto"
        /usr/bin/python3 -m venv "$moto"
        "$moto/bin/pip" install -q --no-deps -r "$(dirname "$0")/box/moto.txt"
        touch "$moto/ready"
    fi
fi
