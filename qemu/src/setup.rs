//! What a machine is made of: a disk, memory, ports on the host, words for the kernel's command line.
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::firmware::Firmware;
use crate::machine::BOARD;

/// How many RTP ports a machine in a test gets; QEMU forwards each on its own.
const RTP_PORTS: u16 = 32;

/// A disk a machine may write to.
pub struct Disk {
    path: PathBuf,
    /// Deleted with the disk.
    _folder: Option<TempDir>,
}

impl Disk {
    /// A copy of the image's disk as it comes from the builder, deleted when dropped.
    pub fn fresh() -> Result<Disk> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("disk.img");
        copy(&built()?, &path)?;
        Ok(Disk { path, _folder: Some(folder) })
    }

    /// A copy that stays, for a person. A newer image replaces all of it but the data.
    pub fn kept(path: &Path) -> Result<Disk> {
        let image = built()?;
        // One with other partitions has its data elsewhere.
        if std::fs::metadata(path).is_ok_and(|old| std::fs::metadata(&image).is_ok_and(|new| old.len() == new.len())) {
            let board = images::board::Board::open(BOARD)?;
            let partitions = images::partitions::read(&board.partitions)?;
            let data = images::partitions::named(&partitions, "data")?;
            let blocks = data.start >> 20;
            let mut dd = Command::new("dd");
            dd.arg(format!("if={}", image.display())).arg(format!("of={}", path.display()));
            run(dd.args(["bs=1M", "conv=notrunc", "status=none"]).arg(format!("count={blocks}")))?;
        } else {
            copy(&image, path)?;
        }
        Ok(Disk { path: path.to_owned(), _folder: None })
    }

    /// The file that holds the disk.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn built() -> Result<PathBuf> {
    let image = images::out(BOARD).join("disk.img");
    if !image.exists() {
        bail!("there is no image yet; `make image` builds it");
    }
    Ok(image)
}

/// Copies a file of which most is holes.
fn copy(from: &Path, to: &Path) -> Result<()> {
    run(Command::new("cp").args(["--sparse=always", "--reflink=auto"]).arg(from).arg(to))
}

pub(crate) fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{:?} cannot be run", command.get_program()))?;
    if !output.status.success() {
        bail!("{:?} failed: {}", command.get_program(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// The machine's ports on the host. SIP and RTP have the same numbers inside, since they are told to the other side.
#[derive(Clone, Debug)]
pub struct Ports {
    pub host: IpAddr,
    /// UDP and TCP.
    pub sip: u16,
    pub http: u16,
    pub rtp: RangeInclusive<u16>,
}

impl Ports {
    /// Ports of 127.0.0.1 that no other test has.
    pub fn free() -> Ports {
        let first = ports::free(RTP_PORTS);
        let rtp = first..=first + RTP_PORTS - 1;
        Ports { host: Ipv4Addr::LOCALHOST.into(), sip: ports::free(1), http: ports::free(1), rtp }
    }
}

/// What to boot.
#[derive(Clone, Debug)]
pub struct Setup {
    pub disk: PathBuf,
    /// Megabytes.
    pub memory: u32,
    pub ports: Ports,
    /// What the battery-backed clock shows at power-on, UTC; the host's time where nothing is said.
    pub clock: Option<String>,
    pub firmware: Firmware,
    /// Words for the kernel's command line, such as `tandem.ip=dhcp`; a later one wins.
    pub words: Vec<String>,
}

impl Setup {
    /// The machine customers get: 128 MB, with free ports of this host.
    pub fn new(disk: &Disk) -> Result<Setup> {
        Ok(Setup::with_ports(disk, Ports::free()))
    }

    /// The same with these ports.
    pub fn with_ports(disk: &Disk, ports: Ports) -> Setup {
        // A fixed address of QEMU's network needs no server to answer.
        let mut words = vec!["tandem.ip=10.0.2.15/24,10.0.2.2,10.0.2.3".to_owned()];
        words.push(format!("tandem.sip=0.0.0.0:{}", ports.sip));
        words.push(format!("tandem.rtp=0.0.0.0:{}-{}", ports.rtp.start(), ports.rtp.end()));
        words.push(format!("tandem.advertise={}", ports.host));
        Setup { disk: disk.path().to_owned(), memory: 128, ports, clock: None, firmware: Firmware::None, words }
    }

    /// Sets the battery-backed clock, as `1970-01-01T00:00:00`.
    pub fn clock(mut self, shows: &str) -> Setup {
        self.clock = Some(shows.to_owned());
        self
    }

    /// Adds a word to the kernel's command line.
    pub fn word(mut self, word: impl Into<String>) -> Setup {
        self.words.push(word.into());
        self
    }

    /// Has the machine started by firmware, which lets the boot program choose a slot.
    pub fn firmware(mut self, firmware: Firmware) -> Setup {
        self.firmware = firmware;
        self
    }

    /// What the kernel is told: the board's words, then ours.
    pub(crate) fn command_line(&self) -> Result<String> {
        let file = images::out(BOARD).join("command_line");
        let board = std::fs::read_to_string(file).context("there is no image yet; `make image` builds it")?;
        Ok(format!("{} {}", board.trim(), self.words.join(" ")))
    }

    /// Writes our words to where the boot program reads them.
    pub(crate) fn tell_boot_program(&self) -> Result<()> {
        let partitions = images::partitions::read(&images::board::Board::open(BOARD)?.partitions)?;
        let boot = images::partitions::named(&partitions, "boot")?;
        let folder = tempfile::tempdir()?;
        let words = folder.path().join("cmdline.txt");
        std::fs::write(&words, self.command_line()?)?;
        let file_system = format!("{}@@{}", self.disk.display(), boot.start);
        run(Command::new("mcopy").args(["-o", "-i", &file_system]).arg(&words).arg("::cmdline.txt"))
    }

    /// QEMU's description of the network: one rule for each port.
    pub(crate) fn network(&self) -> String {
        let host = self.ports.host;
        let same = |kind: &str, port: u16| format!(",hostfwd={kind}:{host}:{port}-:{port}");
        let mut network = format!("user,id=network,hostfwd=tcp:{host}:{}-:80", self.ports.http);
        network += &same("udp", self.ports.sip);
        network += &same("tcp", self.ports.sip);
        network.extend(self.ports.rtp.clone().map(|port| same("udp", port)));
        network
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_has_its_rule() {
        let ports = Ports { host: Ipv4Addr::LOCALHOST.into(), sip: 5070, http: 8080, rtp: 30000..=30001 };
        let disk = Disk { path: "disk.img".into(), _folder: None };
        let setup = Setup::with_ports(&disk, ports);
        assert_eq!(
            setup.network(),
            "user,id=network,hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=udp:127.0.0.1:5070-:5070,\
             hostfwd=tcp:127.0.0.1:5070-:5070,hostfwd=udp:127.0.0.1:30000-:30000,hostfwd=udp:127.0.0.1:30001-:30001"
        );
    }
}
