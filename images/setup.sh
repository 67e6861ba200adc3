#!/bin/sh
# Installs what building and booting the image needs, on Debian or Ubuntu; says and does nothing when it is all there.
set -eu

packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross make cmake bc flex bison xz-utils squashfs-tools e2fsprogs dosfstools mtools fdisk zstd qemu-system-arm u-boot-qemu qemu-efi-aarch64 openssl"

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done
if [ -z "$(find /usr/src -maxdepth 2 -name 'linux-source-*.tar.*' -print -quit)" ]; then
    missing="$missing KERNEL"
fi

if [ -n "$missing" ]; then
    root=""
    if [ "$(id -u)" -ne 0 ]; then
        root="sudo"
        command -v sudo >/dev/null || { echo "images/setup.sh: run as root to install:$missing" >&2; exit 1; }
    fi
    $root apt-get update -q
    # The options were chosen for 6.1; other kernels of the distribution take them as well.
    if apt-cache show linux-source-6.1 >/dev/null 2>&1; then kernel="linux-source-6.1"; else kernel="linux-source"; fi
    missing=$(echo "$missing" | sed "s/KERNEL/$kernel/")
    echo "images/setup.sh: installing$missing"
    # shellcheck disable=SC2086 # the packages are words
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
fi

for target in aarch64-unknown-linux-gnu aarch64-unknown-uefi; do
    if ! [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        command -v rustup >/dev/null || { echo "images/setup.sh: no Rust library for $target, and no rustup to add it" >&2; exit 1; }
        echo "images/setup.sh: adding Rust's $target"
        rustup target add "$target"
    fi
done
