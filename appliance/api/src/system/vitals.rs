//! What the kernel tells of the process, the machine and the disk. What it does not tell is absent, never zero.

use std::fs;
use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

/// Devices of one kind that are looked at: no board has as many.
const DEVICES: usize = 16;

/// All of it.
pub(super) struct Vitals {
    pub process: Process,
    pub machine: Machine,
    pub disk: Option<Disk>,
}

/// The process `tandem`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = SystemProcess)]
pub struct Process {
    /// Octets of memory that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The most that it had since it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak: Option<u64>,
    /// Its threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// Files and sockets that it has open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
}

/// The machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = SystemMachine)]
pub struct Machine {
    /// What it is called on the board, as the device tree or the firmware says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The kernel's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// Seconds since power-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime: Option<u64>,
    /// Its processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processors: Option<u64>,
    /// How many wanted a processor on average over the last 1, 5 and 15 minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<[f64; 3]>,
    /// Its memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// What it measures of its heat.
    pub temperatures: Vec<Temperature>,
    /// How worn its flash is, where it tells.
    pub flash: Vec<Flash>,
}

/// Memory, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SystemMemory)]
pub struct Memory {
    /// All there is.
    pub total: u64,
    /// What programs could have without anything being swapped.
    pub available: u64,
}

/// One sensor.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = SystemTemperature)]
pub struct Temperature {
    /// What it measures, as the kernel calls it: `cpu-thermal`.
    pub name: String,
    /// Degrees Celsius.
    pub celsius: f64,
}

/// One flash device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SystemFlash)]
pub struct Flash {
    /// `mmcblk0`.
    pub device: String,
    /// Hundredths of its life that it says are behind it, at most; 110 where it says that all of it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub life_used: Option<u8>,
    /// What it says of its spare blocks: `normal`, `warning` (80 % are used), `urgent` (90 %).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spare: Option<&'static str>,
}

/// A disk, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SystemDisk)]
pub struct Disk {
    /// All there is.
    pub total: u64,
    /// What is free.
    pub free: u64,
}

/// Looks at all of it; `folder` is on the disk.
pub(super) fn take(folder: &Path) -> Vitals {
    let (proc, sys) = (Path::new("/proc"), Path::new("/sys"));
    Vitals { process: process(&proc.join("self")), machine: machine(proc, sys), disk: disk(folder) }
}

/// The disk behind a folder.
pub(crate) fn disk(folder: &Path) -> Option<Disk> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(Disk { total: disk.f_blocks * disk.f_frsize, free: disk.f_bavail * disk.f_frsize })
}

fn process(own: &Path) -> Process {
    let status = fs::read_to_string(own.join("status")).unwrap_or_default();
    Process {
        memory: kibibytes(&status, "VmRSS:"),
        memory_peak: kibibytes(&status, "VmHWM:"),
        threads: field(&status, "Threads:").and_then(|text| text.parse().ok()),
        open_files: fs::read_dir(own.join("fd")).ok().map(|list| list.count() as u64),
    }
}

fn machine(proc: &Path, sys: &Path) -> Machine {
    let uptime = text(&proc.join("uptime")).and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    let model = text(&proc.join("device-tree/model")).or_else(|| text(&sys.join("class/dmi/id/product_name")));
    let memory = fs::read_to_string(proc.join("meminfo")).unwrap_or_default();
    let memory = kibibytes(&memory, "MemTotal:").zip(kibibytes(&memory, "MemAvailable:"));
    Machine {
        model,
        kernel: text(&proc.join("sys/kernel/osrelease")),
        uptime: uptime.map(|seconds| seconds as u64),
        processors: std::thread::available_parallelism().ok().map(|count| count.get() as u64),
        load: text(&proc.join("loadavg")).and_then(|text| load(&text)),
        memory: memory.map(|(total, available)| Memory { total, available }),
        temperatures: temperatures(&sys.join("class/thermal")),
        flash: flash(&sys.join("block")),
    }
}

/// A file's text without what is around it; nothing where there is none, or it is empty.
fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0').to_owned())
        .filter(|text| !text.is_empty())
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let count: u64 = field(text, name)?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(count * 1_024)
}

fn load(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_whitespace().map(|word| word.parse().ok());
    Some([words.next()??, words.next()??, words.next()??])
}

/// What is in a folder of the kernel's, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn temperatures(folder: &Path) -> Vec<Temperature> {
    let zones = names(folder).into_iter().filter(|name| name.starts_with("thermal_zone"));
    let measured = zones.filter_map(|zone| {
        let milli: i64 = text(&folder.join(&zone).join("temp"))?.parse().ok()?;
        let name = text(&folder.join(&zone).join("type")).unwrap_or(zone);
        // Sensors that measure nothing show what no board survives.
        (-60_000..200_000).contains(&milli).then_some(Temperature { name, celsius: milli as f64 / 1_000.0 })
    });
    measured.take(DEVICES).collect()
}

fn flash(folder: &Path) -> Vec<Flash> {
    let worn = names(folder).into_iter().filter_map(|device| {
        let about = folder.join(&device).join("device");
        let life_used = text(&about.join("life_time")).and_then(|text| life_used(&text));
        let spare = text(&about.join("pre_eol_info")).and_then(|text| spare(&text));
        (life_used.is_some() || spare.is_some()).then_some(Flash { device, life_used, spare })
    });
    worn.take(DEVICES).collect()
}

/// Of two numbers, one for each kind of cell, the worse: each step is a tenth of the life (JEDEC JESD84-B51, 7.4.69).
fn life_used(text: &str) -> Option<u8> {
    let steps = text.split_whitespace().filter_map(hexadecimal).filter(|step| (1..=11).contains(step));
    steps.max().map(|step| step * 10)
}

/// The spare blocks (JEDEC JESD84-B51, 7.4.68).
fn spare(text: &str) -> Option<&'static str> {
    match hexadecimal(text)? {
        1 => Some("normal"),
        2 => Some("warning"),
        3 => Some("urgent"),
        _ => None,
    }
}

fn hexadecimal(text: &str) -> Option<u8> {
    u8::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_does_not_tell_is_absent() {
        let empty = tempfile::tempdir().expect("the temporary folder is writable");
        let machine = machine(empty.path(), empty.path());
        assert_eq!(Machine { processors: None, ..machine }, Machine::default());
        assert_eq!(process(empty.path()), Process::default());
        assert_eq!(disk(&empty.path().join("none")), None);
    }

    #[test]
    fn a_board_tells_its_heat_and_its_wear() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let put = |path: &str, text: &str| {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it is writable");
            fs::write(path, text).expect("it is writable");
        };
        put("class/thermal/thermal_zone0/temp", "48312\n");
        put("class/thermal/thermal_zone0/type", "cpu-thermal\n");
        put("class/thermal/thermal_zone1/temp", "-273000\n");
        put("class/thermal/cooling_device0/temp", "1\n");
        put("block/mmcblk0/device/life_time", "0x02 0x03\n");
        put("block/mmcblk0/device/pre_eol_info", "0x01\n");
        put("block/mmcblk1/device/life_time", "0x00 0x00\n");
        put("block/sda/device/model", "rust\n");
        put("loadavg", "0.25 0.50 1.00 1/100 4242\n");
        put("uptime", "86400.17 90000.00\n");
        put("meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   600 kB\n");
        put("device-tree/model", "Raspberry Pi 4 Model B\0");
        let machine = machine(home.path(), home.path());
        assert_eq!(machine.temperatures, [Temperature { name: "cpu-thermal".into(), celsius: 48.312 }]);
        let worn = Flash { device: "mmcblk0".into(), life_used: Some(30), spare: Some("normal") };
        assert_eq!(machine.flash, [worn]);
        assert_eq!((machine.load, machine.uptime), (Some([0.25, 0.5, 1.0]), Some(86_400)));
        assert_eq!(machine.memory, Some(Memory { total: 1_024_000, available: 614_400 }));
        assert_eq!(machine.model.as_deref(), Some("Raspberry Pi 4 Model B"));
    }

    #[test]
    fn this_machine_tells_of_itself() {
        let vitals = take(Path::new("/"));
        assert!(vitals.process.memory.expect("Linux tells it") > 1 << 20);
        assert!(vitals.process.threads.expect("Linux tells it") > 0);
        let memory = vitals.machine.memory.expect("Linux tells it");
        assert!(memory.available <= memory.total);
        assert!(vitals.disk.expect("there is a disk").total > 0);
    }
}
