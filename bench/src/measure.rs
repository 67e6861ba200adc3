//! The measurements, each on a fresh server.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::forwarder::Forwarder;
use crate::histogram::median;
use crate::phones::{PAIRS, Phones};
use crate::registering::register;
use crate::server::Prepared;
use crate::talking::{LEGS, Legs};
use crate::usage::Usage;
use crate::{print, registering, socket};

/// Runs of which the median is told.
const RUNS: usize = 3;

/// Registrations a second with digest, twenty at a time.
pub fn registrations(prepared: &Prepared) -> Result<()> {
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let server = prepared.start()?;
        let socket = socket::bind()?;
        let run = |seconds| register(server.sip, &socket, 1_000..1_500, (20, Some(Duration::from_secs(seconds))));
        run(1)?;
        let before = server.usage()?;
        let registering::Registered { granted, time } = run(4)?;
        let cpu = server.usage()?.cpu - before.cpu;
        rates.push(granted as f64 / time.as_secs_f64());
        costs.push(cpu.as_secs_f64() * 1e6 / granted as f64);
    }
    print("registrations_per_second", median(rates), "1/s");
    print("registration_cpu", median(costs), "µs");
    Ok(())
}

/// Calls a second from INVITE to BYE with digest, a hundred at a time.
pub fn calls(prepared: &Prepared) -> Result<()> {
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let server = prepared.start()?;
        let mut phones = Phones::register(server.sip, PAIRS)?;
        saturate(&mut phones, Duration::from_secs(2))?;
        let (before, completed, start) = (server.usage()?, phones.tally.completed, Instant::now());
        saturate(&mut phones, Duration::from_secs(5))?;
        let (calls, time) = ((phones.tally.completed - completed) as f64, start.elapsed());
        rates.push(calls / time.as_secs_f64());
        costs.push((server.usage()?.cpu - before.cpu).as_secs_f64() * 1e6 / calls);
        check(&phones)?;
    }
    print("calls_per_second", median(rates), "1/s");
    print("call_cpu", median(costs), "µs");
    Ok(())
}

/// How long an idle server takes for a call that is answered at once.
pub fn setup(prepared: &Prepared) -> Result<()> {
    let server = prepared.start()?;
    let mut phones = Phones::register(server.sip, PAIRS)?;
    for round in 0..600 {
        phones.call(round % PAIRS)?;
        let start = Instant::now();
        while !phones.idle() || start.elapsed() < Duration::from_millis(5) {
            phones.turn(Duration::from_millis(1))?;
            phones.give_up();
        }
    }
    check(&phones)?;
    let tally = &mut phones.tally;
    if tally.setup.len() != 600 || tally.transit.len() != 600 {
        bail!("{} and {} of 600 calls were timed", tally.setup.len(), tally.transit.len());
    }
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        print(&format!("invite_to_invite_{name}"), tally.transit.milliseconds(share), "ms");
        print(&format!("invite_to_200_{name}"), tally.setup.milliseconds(share), "ms");
    }
    Ok(())
}

/// Resident memory of an idle server, of each call, and a minute after ten seconds of saturation.
pub fn memory(prepared: &Prepared) -> Result<()> {
    let megabytes = |usage: Usage| usage.resident_kib as f64 / 1_024.0;
    let server = prepared.start()?;
    std::thread::sleep(Duration::from_secs(2));
    let idle = server.usage()?;
    print("memory_idle", megabytes(idle), "MiB");
    let mut phones = Phones::register(server.sip, PAIRS)?;
    std::thread::sleep(Duration::from_secs(2));
    let registered = server.usage()?;
    print("memory_200_phones", megabytes(registered), "MiB");
    phones.brief = false;
    phones.bring_up(0..PAIRS, |_| None)?;
    let bridged = server.usage()?;
    let each = bridged.resident_kib.saturating_sub(registered.resident_kib) as f64 / PAIRS as f64;
    print("memory_per_bridged_call", each, "KiB");
    phones.hang_up()?;
    drain(&mut phones)?;
    phones.brief = true;
    saturate(&mut phones, Duration::from_secs(10))?;
    drain(&mut phones)?;
    print("memory_saturated", megabytes(server.usage()?), "MiB");
    std::thread::sleep(Duration::from_secs(60));
    let after = server.usage()?;
    print("memory_a_minute_later", megabytes(after), "MiB");
    print("memory_a_minute_later_to_200_phones", after.resident_kib as f64 / registered.resident_kib as f64, "ratio");
    check(&phones)
}

/// The share of a core that a hundred bridged calls take, against a bare forwarder in turns with it.
pub fn media(prepared: &Prepared) -> Result<()> {
    let server = prepared.start()?;
    let mut phones = Phones::register(server.sip, PAIRS)?;
    phones.brief = false;
    let mut legs = Legs::new(&phones)?;
    let ports = legs.ports()?;
    (0..PAIRS).for_each(|pair| phones.set_audio(pair, [ports[2 * pair], ports[2 * pair + 1]], [0, 0]));
    phones.bring_up(0..PAIRS, |_| None)?;
    let servers: Vec<u16> = (0..PAIRS).flat_map(|pair| phones.audio(pair).server).flatten().collect();
    if servers.len() != LEGS {
        bail!("only {} of {LEGS} legs have audio", servers.len());
    }
    let forwarder = Forwarder::start(&ports)?;
    let (mut shares, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut delays, mut floor_delays) = (Vec::new(), Vec::new());
    legs.talk(&mut phones, &servers, Duration::from_secs(1))?;
    for _ in 0..RUNS {
        let (floor, floor_delay) = share(|| forwarder.usage(), &mut legs, (&mut phones, &forwarder.ports))?;
        let (ours, delay) = share(|| server.usage(), &mut legs, (&mut phones, &servers))?;
        ratios.push(ours / floor);
        shares.push(ours);
        floors.push(floor);
        delays.push(delay);
        floor_delays.push(floor_delay);
    }
    let part = |delays: &[[f64; 2]], part: usize| median(delays.iter().map(|delay| delay[part]).collect());
    print("media_core_share_100_calls", median(shares), "%");
    print("forwarder_core_share_100_calls", median(floors), "%");
    print("media_to_forwarder", median(ratios), "ratio");
    print("rtp_delay_p50", part(&delays, 0), "ms");
    print("rtp_delay_p99", part(&delays, 1), "ms");
    print("forwarder_delay_p50", part(&floor_delays, 0), "ms");
    print("forwarder_delay_p99", part(&floor_delays, 1), "ms");
    phones.hang_up()?;
    drain(&mut phones)?;
    check(&phones)
}

/// Per cent of a core, and the delays that half and 99 of 100 packets do not exceed, in milliseconds.
fn share(
    usage: impl Fn() -> Result<Usage>,
    legs: &mut Legs,
    (phones, servers): (&mut Phones, &[u16]),
) -> Result<(f64, [f64; 2])> {
    let (before, start) = (usage()?, Instant::now());
    let mut talk = legs.talk(phones, servers, Duration::from_secs(5))?;
    let share = (usage()?.cpu - before.cpu).as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
    // Packets of the last millisecond may be on their way.
    if talk.packets.1 + (LEGS as u64) < talk.packets.0 {
        bail!("{} of {} packets arrived", talk.packets.1, talk.packets.0);
    }
    Ok((share, [talk.delay.milliseconds(0.5), talk.delay.milliseconds(0.99)]))
}

/// Keeps every pair calling for `time`.
fn saturate(phones: &mut Phones, time: Duration) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < time {
        for pair in 0..PAIRS {
            phones.call(pair)?;
        }
        phones.turn(Duration::from_millis(1))?;
        phones.give_up();
    }
    Ok(())
}

/// Lets calls that are ending end.
pub fn drain(phones: &mut Phones) -> Result<()> {
    while !phones.idle() {
        phones.turn(Duration::from_millis(5))?;
        phones.give_up();
    }
    Ok(())
}

/// Fails when calls did.
pub fn check(phones: &Phones) -> Result<()> {
    match phones.tally.failed.is_empty() {
        true => Ok(()),
        false => bail!("calls failed, by status (0: lost): {:?}", phones.tally.failed),
    }
}
