# Builds and boots the image; included by the Makefile of the root.

IMAGE_BOARD ?= qemu_virt
IMAGE_TARGET := aarch64-unknown-linux-gnu
IMAGE_EFI := aarch64-unknown-uefi
# Messages of a panic name files; where the tree lies is no part of the image.
IMAGE_EFI_FLAGS := --remap-path-prefix=$(CURDIR)=/tandem
IMAGE_PROGRAMS := $(or $(CARGO_TARGET_DIR),target)/$(IMAGE_TARGET)/release

.PHONY: image image-setup bundle qemu

image-setup:
	@images/setup.sh

# Cargo, the kernel's cache and the image's stamp know what is up to date; make need not.
image: image-setup web-ui
	$(call build-program,images) --bin update_bundle
	TANDEM_UPDATE_KEYS=$$($(TARGET)/debug/update_bundle keys) cargo build --release --target $(IMAGE_TARGET) -p daemon -p init
	RUSTFLAGS="$(IMAGE_EFI_FLAGS)" cargo build -q --release --manifest-path images/boot/Cargo.toml --target $(IMAGE_EFI) --target-dir $(TARGET)/boot
	$(TARGET)/debug/images $(IMAGE_BOARD) $(IMAGE_PROGRAMS)/tandem $(IMAGE_PROGRAMS)/tandem-init $(TARGET)/boot/$(IMAGE_EFI)/release/tandem-boot.efi

# Signed by the development's key, or by those that KEYS names.
bundle: image
	$(TARGET)/debug/update_bundle $(IMAGE_BOARD) $(KEYS)

qemu: image
	$(call build-program,qemu)
	$(TARGET)/debug/qemu
