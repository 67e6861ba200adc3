//! What starts the kernel: QEMU itself, which is quickest, or firmware, which is what boards do.
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// How a machine comes from power-on to its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// QEMU loads the kernel of slot A and starts it as if that were all there is. Slots cannot be changed this way.
    None,
    /// U-Boot's EFI loader, as on most small boards.
    UBoot,
    /// EDK II, as on boards that follow ARM SystemReady and in clouds.
    Uefi,
}

const U_BOOT: &str = "/usr/lib/u-boot/qemu_arm64/u-boot.bin";
const UEFI: &str = "/usr/share/AAVMF/AAVMF_CODE.fd";
/// Each of the machine's two flash memories.
const FLASH: u64 = 64 << 20;
/// How long U-Boot's settings are in the second one, their sum included.
const ENVIRONMENT: usize = 256 << 10;
/// What U-Boot is told, so that it neither waits for a key nor looks for anything on the network. Without it, it finds the same program.
const SETTINGS: [&str; 3] = [
    "bootdelay=0",
    "loadaddr=0x40200000",
    "bootcmd=virtio scan; load virtio 0:1 ${loadaddr} EFI/BOOT/BOOTAA64.EFI && bootefi ${loadaddr} ${fdtcontroladdr}",
];

impl Firmware {
    /// Adds the firmware to a machine; its flash memories are files in `folder`.
    pub(crate) fn add_to(self, command: &mut Command, folder: &Path) -> Result<()> {
        let (code, settings) = match self {
            Firmware::None => return Ok(()),
            Firmware::UBoot => (U_BOOT, environment()),
            Firmware::Uefi => (UEFI, Vec::new()),
        };
        let code = fs::read(code).with_context(|| format!("{code} cannot be read; images/setup.sh installs it"))?;
        for (unit, content) in [code, settings].into_iter().enumerate() {
            let path = flash(folder, unit, &content)?;
            command.arg("-drive").arg(format!("if=pflash,unit={unit},format=raw,file={}", path.display()));
        }
        Ok(())
    }
}

fn flash(folder: &Path, unit: usize, content: &[u8]) -> Result<PathBuf> {
    let path = folder.join(format!("flash{unit}"));
    fs::write(&path, content)?;
    File::options().write(true).open(&path)?.set_len(FLASH)?;
    Ok(path)
}

/// U-Boot's settings as they lie in flash memory: a CRC-32, then texts with a zero after each, and one more.
fn environment() -> Vec<u8> {
    let mut settings: Vec<u8> = SETTINGS.iter().flat_map(|setting| setting.bytes().chain([0])).collect();
    settings.resize(ENVIRONMENT - 4, 0);
    [&crc32fast::hash(&settings).to_le_bytes()[..], &settings].concat()
}
