# Two commands do all the set-up there is: `make run` and `make test`.

export CARGO_TERM_COLOR ?= never
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
export TANDEM_BIN := $(TARGET)/debug/tandem
export TANDEM_BLACKBOX := $(TARGET)/blackbox/debug/blackbox
# Programs of this machine are built as parts of the whole: what they depend on is then compiled once, not with other features for each.
build-program = cargo build -q --workspace --bin $(1)

.PHONY: help run test soak lint bench instructions count-instructions deny fuzz clean

help:
	@echo "make run     build Tandem and start it with two demo extensions"
	@echo "make test    build and prove everything: phones, browser, image"
	@echo "make image   build the bootable image for QEMU (arm64)"
	@echo "make bundle  write the image as a signed update"
	@echo "make qemu    boot it, with the ports forwarded"
	@echo "make blackbox FILE  read what a board has recorded of itself"
	@echo "make soak    what takes long: a hundred kills and power cuts, a day without an uplink"
	@echo "make bench   measure, one line each: name value unit"
	@echo "make instructions  count the engine's instructions anew"
	@echo "make deny    check the licences of what is depended on"
	@echo "make fuzz    fuzz every target for a minute (needs nightly Rust)"

include images/build.mk
include web-ui/build.mk

run: web-ui
	@tests/setup.sh build
	cargo build --profile quick -p daemon
	@examples/demo.sh $(TARGET)/quick/tandem

test: setup-test web-ui image build-blackbox lint page-test-packages web-ui-check count-instructions
	$(call build-program,tandem)
	cargo test -q --manifest-path images/blackbox/Cargo.toml --target-dir $(TARGET)/blackbox
	cargo test --workspace --no-fail-fast

# The long form of tests that have a short one in `make test`.
soak: setup-test web-ui image
	cargo build --profile quick -p daemon
	TANDEM_SOAK=1 TANDEM_BIN=$(TARGET)/quick/tandem cargo test --workspace --test kills --test uplink --test receivers --test power_cuts -- --nocapture

.PHONY: setup-test
setup-test:
	@tests/setup.sh test

lint: web-ui
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -q -- -D warnings

bench: web-ui image
	cargo build --profile quick -p daemon -p bench
	$(TARGET)/quick/bench $(TARGET)/quick/tandem
	cargo run -q --profile quick -p webrtc --example handshakes
	cargo bench -q -p media --profile quick -- --quick --noplot

# Counts the engine's instructions anew, natively and for aarch64, and writes them down.
instructions: setup-test image-setup
	$(count-programs)
	$(count) update

count-instructions: setup-test image-setup
	$(count-programs)
	$(count)

PLUGIN := $(TARGET)/count-instructions.so
define count-programs
cargo build -q --release -p work
cargo build -q --release -p work --target $(IMAGE_TARGET)
gcc -O2 -Wall -shared -fPIC -o $(PLUGIN) bench/qemu-plugin/count.c
endef
count = $(call build-program,bench) && $(TARGET)/debug/bench instructions $(TARGET)/release/work $(IMAGE_PROGRAMS)/work $(PLUGIN) bench/instructions.txt

# What stands behind `blackbox` is a file and no target.
ifeq (blackbox,$(firstword $(MAKECMDGOALS)))
RECORDING := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
.PHONY: blackbox $(RECORDING)
$(RECORDING): ;
endif
blackbox: build-blackbox
	@$(TANDEM_BLACKBOX) $(RECORDING) images/out/*/tandem-init.unstripped

.PHONY: build-blackbox
build-blackbox:
	@cargo build -q --manifest-path images/blackbox/Cargo.toml --target-dir $(TARGET)/blackbox

deny:
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check bans licenses sources

fuzz:
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	cd tests/fuzz/cargo-fuzz && for target in $$(cargo fuzz list --fuzz-dir .); do cargo +nightly fuzz run --fuzz-dir . $$target ../corpus/$$target -- -max_total_time=60 || exit 1; done

clean:
	cargo clean
	rm -rf web-ui/dist web-ui/node_modules images/out
