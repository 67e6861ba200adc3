//! `make qemu`: boots the image for a person, with its console here and its ports on this host. `qemu measure` boots it a few
//! times and prints where the time goes.
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use qemu::{BOARD, BootTime, Disk, Machine, Ports, Setup};

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => boot(),
        Some("measure") => measure(),
        Some(other) => bail!("there is no {other:?}, only measure"),
    }
}

/// How often to boot for the median.
const BOOTS: usize = 5;

fn measure() -> Result<()> {
    let boots: Result<Vec<BootTime>> = (0..BOOTS).map(|_| BootTime::measure()).collect();
    let boots = boots?;
    for (index, (name, _)) in boots[0].steps().iter().enumerate() {
        let mut times: Vec<Duration> = boots.iter().map(|boot| boot.steps()[index].1).collect();
        times.sort();
        println!("{name} {:.0} ms", times[BOOTS / 2].as_secs_f64() * 1e3);
    }
    Ok(())
}

fn boot() -> Result<()> {
    let host = match std::env::var("TANDEM_QEMU_HOST") {
        Ok(host) => host.parse().with_context(|| format!("TANDEM_QEMU_HOST is {host:?}"))?,
        Err(_) => IpAddr::from(Ipv4Addr::LOCALHOST),
    };
    let ports = Ports { host, sip: 5060, http: 8080, rtp: 30000..=30031 };
    let path = images::out(BOARD).join("kept.img");
    let disk = Disk::kept(&path)?;
    let setup = Setup::with_ports(&disk, ports);
    println!("page and API  http://{host}:8080/");
    println!("SIP           {host}:5060, UDP and TCP; RTP {host}:30000-30031");
    println!("data          {}, kept between runs; delete it to start anew", path.display());
    println!("Enter presses the power button, Ctrl-C cuts the power.");
    println!("For phones elsewhere set TANDEM_QEMU_HOST to this machine's own address.");
    let mut machine = Machine::boot_shown(&setup)?;
    let (pressed, presses) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::stdin().read_line(&mut line).is_ok_and(|length| length > 0) {
            if pressed.send(()).is_err() {
                return;
            }
        }
    });
    loop {
        if presses.try_recv().is_ok() {
            machine.power_button()?;
        }
        if machine.has_ended_within(Duration::from_millis(200))? {
            return Ok(());
        }
    }
}
