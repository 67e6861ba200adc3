//! The box's clock: wrong at power-on, and right as soon as somebody tells the time.
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use qemu::{Disk, Machine, Setup};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

/// chrony as a server of this machine's time; it ends with the test.
struct TimeServer {
    process: Child,
    port: u16,
    /// Its files.
    _folder: tempfile::TempDir,
}

impl TimeServer {
    fn start() -> Result<TimeServer> {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache =
            cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).context("no HOME")?;
        let program = cache.join("tandem/chrony/usr/sbin/chronyd");
        let folder = tempfile::tempdir()?;
        let port = ports::free(1);
        let (configuration, pid) = (folder.path().join("chrony.conf"), folder.path().join("pid"));
        let text = format!(
            "port {port}\nbindaddress 127.0.0.1\nallow\nlocal stratum 8\ncmdport 0\npidfile {}\n",
            pid.display()
        );
        std::fs::write(&configuration, text)?;
        let mut command = Command::new(&program);
        // It leaves the clock of this machine alone.
        command.args(["-d", "-x", "-u", "root", "-f"]).arg(&configuration).stderr(Stdio::null());
        let process = command.spawn().with_context(|| format!("{}; tests/setup.sh brings it", program.display()))?;
        Ok(TimeServer { process, port, _folder: folder })
    }
}

impl Drop for TimeServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// When the box says that it made something, in seconds since 1970.
fn box_time(machine: &Machine) -> Result<f64> {
    let login = json!({ "username": "admin", "password": "correct horse battery" });
    let login = machine.request(("POST", "/auth/login"), None, Some(&login))?;
    let token = login.body["token"].as_str().context("a token")?.to_owned();
    let name = json!({ "name": format!("clock {:?}", SystemTime::now()) });
    let tag = machine.request(("POST", "/v1.0/tags"), Some(&token), Some(&name))?;
    let made = tag.body["tm_create"].as_str().with_context(|| format!("{tag:?}"))?;
    let seconds = Command::new("date").args(["-u", "+%s.%N", "-d", made]).output()?;
    Ok(String::from_utf8(seconds.stdout)?.trim().parse()?)
}

fn now() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64())
}

#[test]
fn a_clock_of_1970_is_that_of_the_build_until_a_time_server_answers() -> Result<()> {
    let (disk, server) = (Disk::fresh()?, TimeServer::start()?);
    let setup = Setup::new(&disk)?
        .clock("1970-01-01T00:00:00")
        .word(format!("tandem.ntp=10.0.2.2:{}", server.port))
        .word("tandem.admin_password=\"correct horse battery\"");
    let mut machine = Machine::boot(&setup)?;
    machine.wait_for("the clock shows no sane time, going by", LIMIT)?;
    let told = machine.wait_for("the time is that of 10.0.2.2", LIMIT)?;
    assert!(told.contains("(stratum 8)"), "{told}");
    machine.wait_for("tandem answers", LIMIT)?;
    let (before, shown, after) = (now()?, box_time(&machine)?, now()?);
    assert!((before - 0.2..after + 0.2).contains(&shown), "{before} {shown} {after}");
    machine.power_button()?;
    machine.wait_off(LIMIT)
}

#[test]
fn without_a_time_server_the_box_works_on_and_says_so_once() -> Result<()> {
    let disk = Disk::fresh()?;
    let nobody = UdpSocket::bind("127.0.0.1:0")?;
    let setup = Setup::new(&disk)?
        .word(format!("tandem.ntp=10.0.2.2:{},nowhere.invalid", nobody.local_addr()?.port()))
        .word("tandem.admin_password=\"correct horse battery\"");
    let mut machine = Machine::boot(&setup)?;
    machine.wait_for("tandem answers", LIMIT)?;
    let mut packet = [0; 100];
    nobody.set_read_timeout(Some(LIMIT))?;
    let (length, _) = nobody.recv_from(&mut packet)?;
    assert_eq!((length, packet[0]), (48, 0x23), "it asks");
    assert!((now()? - box_time(&machine)?).abs() < 5.0, "the battery-backed clock is right");
    assert!(!machine.console().contains("no time server"), "it has not lost what it never had");
    Ok(())
}
