#!/bin/sh
# Installs what building and testing needs, on Debian or Ubuntu with Rust; says and does nothing when it is all there.
# Usage: tests/setup.sh build | test
set -eu

packages="gcc libc6-dev make cmake curl ca-certificates flite"
[ "${1:-build}" = test ] && packages="$packages baresip kamailio kamailio-tls-modules pebble sslscan coturn dnsmasq-base python3-aiosmtpd python3-pika python3-psycopg2 rabbitmq-server postgresql sip-tester sox ffmpeg chromium iproute2 sqlite3 faketime valgrind qemu-user python3-venv"
command -v node >/dev/null || packages="$packages nodejs"
command -v npm >/dev/null || packages="$packages npm"

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done

root=""
[ "$(id -u)" -eq 0 ] || root="sudo"
if [ -n "$missing" ]; then
    if [ -n "$root" ]; then
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

# A time server for the tests of the image. Installed as a package it would take the place of this machine's own.
if [ "${1:-build}" = test ]; then
    chrony="${XDG_CACHE_HOME:-$HOME/.cache}/tandem/chrony"
    if [ ! -x "$chrony/usr/sbin/chronyd" ]; then
        echo "tests/setup.sh: unpacking chrony to $chrony"
        folder="$(mktemp -d)"
        (cd "$folder" && { apt-get download -qq chrony 2>/dev/null || { $root apt-get update -qq && apt-get download -qq chrony; }; })
        mkdir -p "$chrony"
        dpkg-deb -x "$folder"/chrony_*.deb "$chrony"
        rm -rf "$folder"
    fi
fi

# Python programs that nobody here wrote, each in an environment of its own: NAME-VERSION and the list of its packages.
python() {
    place="${XDG_CACHE_HOME:-$HOME/.cache}/tandem/$1"
    if [ ! -e "$place/ready" ]; then
        echo "tests/setup.sh: making $place"
        rm -rf "$place"
        /usr/bin/python3 -m venv "$place"
        "$place/bin/pip" install -q --no-deps -r "$(dirname "$0")/box/$2"
        touch "$place/ready"
    fi
}
if [ "${1:-build}" = test ]; then
    # A WebRTC stack.
    python aiortc-1.16.0 aiortc.txt
    # A service in the shape of S3, for recordings.
    python moto-5.2.5 moto.txt
fi
