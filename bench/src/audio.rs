//! Audio held against the machine: each measurement in turns with a bare forwarder on the same core, or with the other half of
//! what is compared, in several short windows of which the middle one counts.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::crowd::{Crowd, Leg, Talk};
use crate::forwarder::Forwarder;
use crate::histogram::median;
use crate::measure::{check, drain};
use crate::phones::Phones;
use crate::print;
use crate::server::{ALL_HEARD, Prepared, Server, THREE_HEARD};
use crate::usage::Usage;

/// Windows of which the median is told.
const WINDOWS: usize = 5;
/// A packet that leaves later than this is late.
const LATE_MS: f64 = 5.0;
/// The share of packets that may be late.
const LATE: f64 = 0.001;
const ULAW: u8 = 0;
const ALAW: u8 = 8;

/// Calls of which a search begins at 0 and ends, in steps.
const CALLS: usize = 3_200;
const CALLS_STEP: usize = 200;
/// Seats of one conference, and how many conferences there are at first, at last, and more from one measurement to the next.
const SEATS: usize = 250;
const CONFERENCES: (usize, usize, usize) = (6, 26, 4);

/// A server with calls that are up, and the phones' audio.
pub struct Stage {
    /// The server.
    pub server: Server,
    /// What it had used before the first call.
    pub registered: Usage,
    phones: Phones,
    /// The phones' audio.
    pub crowd: Crowd,
    /// The phones' side of each stream.
    pub legs: Vec<Leg>,
}

impl Stage {
    /// With room for so many calls.
    fn new(prepared: &Prepared, calls: usize) -> Result<Stage> {
        let server = prepared.start()?;
        let mut phones = Phones::register(server.sip, calls)?;
        phones.brief = false;
        // What registering needed for a moment is given back.
        std::thread::sleep(Duration::from_secs(1));
        let registered = server.usage()?;
        Ok(Stage { server, registered, phones, crowd: Crowd::new()?, legs: Vec::new() })
    }

    /// With so many bridged calls, whose callers speak µ-law and whose callees what `law` says.
    pub fn bridged(prepared: &Prepared, calls: usize, law: impl Fn(usize) -> u8) -> Result<Stage> {
        let mut stage = Stage::new(prepared, calls)?;
        for call in 0..calls {
            let own = [stage.crowd.port(2 * call)?, stage.crowd.port(2 * call + 1)?];
            stage.phones.set_audio(call, own, [ULAW, law(call)]);
        }
        stage.phones.bring_up(0..calls, |_| None)?;
        for call in 0..calls {
            let audio = stage.phones.audio(call);
            for (side, server) in audio.server.into_iter().enumerate() {
                let Some(server) = server else { bail!("a leg of call {call} has no audio") };
                stage.legs.push(Leg { index: 2 * call + side, server, payload_type: audio.laws[side], loud: true });
            }
        }
        Ok(stage)
    }

    /// Brings these phones into conferences.
    fn seat(&mut self, seats: std::ops::Range<usize>, number: impl Fn(usize) -> u32) -> Result<()> {
        for seat in seats.clone() {
            let port = self.crowd.port(seat)?;
            self.phones.set_audio(seat, [port, port], [ULAW, ULAW]);
        }
        self.phones.bring_up(seats.clone(), |seat| Some(number(seat)))?;
        for index in seats {
            let Some(server) = self.phones.audio(index).server[0] else { bail!("seat {index} has no audio") };
            self.legs.push(Leg { index, server, payload_type: ULAW, loud: true });
        }
        Ok(())
    }

    /// A bare forwarder for the same phones, each of them with the next, and the phones' view of it.
    fn forwarder(&self) -> Result<(Forwarder, Vec<Leg>)> {
        let ports: Result<Vec<u16>> = self.legs.iter().map(|leg| self.crowd.port(leg.index)).collect();
        let forwarder = Forwarder::start(&ports?)?;
        let legs = self.legs.iter().zip(&forwarder.ports).map(|(leg, port)| Leg { server: *port, ..*leg }).collect();
        Ok((forwarder, legs))
    }

    /// Hangs up, and fails when calls did.
    pub fn end(mut self) -> Result<()> {
        self.phones.hang_up()?;
        drain(&mut self.phones)?;
        check(&self.phones)
    }
}

/// Packets that a thousand flows get through a core in its second, over what a bare forwarder does.
pub fn forwarding(prepared: &Prepared) -> Result<()> {
    let mut stage = Stage::bridged(prepared, 500, |_| ULAW)?;
    let (forwarder, bare) = stage.forwarder()?;
    let window = Duration::from_secs(1);
    stage.crowd.rush(&stage.legs, window)?;
    let (mut ours, mut floors, mut ratios, mut busy) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        let (floor, _) = per_core_second(|| forwarder.usage(), || stage.crowd.rush(&bare, window))?;
        let (rate, share) = per_core_second(|| stage.server.usage(), || stage.crowd.rush(&stage.legs, window))?;
        ratios.push(rate / floor);
        ours.push(rate);
        floors.push(floor);
        busy.push(share);
    }
    print("forwarding_1000_flows", median(ours), "packets/core-s");
    print("forwarder_1000_flows", median(floors), "packets/core-s");
    print("forwarding_1000_flows_core_share", median(busy) * 100.0, "%");
    print("forwarding_1000_flows_to_forwarder", median(ratios), "ratio");
    stage.end()
}

/// What a hundred calls between µ-law and A-law cost over a hundred that are forwarded as they are.
pub fn laws(prepared: &Prepared) -> Result<()> {
    let mut stage = Stage::bridged(prepared, 200, |call| if call < 100 { ULAW } else { ALAW })?;
    let (same, other) = (stage.legs[..200].to_vec(), stage.legs[200..].to_vec());
    let window = Duration::from_millis(1_500);
    for heard in stage.crowd.listen(&stage.legs, window)? {
        let law = stage.legs.iter().find(|leg| leg.server == heard.server).map(|leg| leg.payload_type);
        ensure!(law == Some(heard.payload_type), "a phone of {law:?} heard {}", heard.payload_type);
    }
    let mut ratios = Vec::new();
    for _ in 0..WINDOWS {
        let mut cost = |legs: &[Leg]| {
            let usage = || stage.server.usage();
            Ok::<_, anyhow::Error>(1.0 / per_core_second(usage, || all_heard(stage.crowd.talk(legs, window)?))?.0)
        };
        let forwarded = cost(&same)?;
        ratios.push(cost(&other)? / forwarded);
    }
    print("ulaw_alaw_to_forwarding", median(ratios), "ratio");
    stage.end()
}

/// Calls until one of a thousand packets leaves more than 5 ms after it was sent, with a bare forwarder in its place as well.
pub fn capacity(prepared: &Prepared) -> Result<()> {
    let mut stage = Stage::bridged(prepared, CALLS, |_| ULAW)?;
    let (forwarder, bare) = stage.forwarder()?;
    let ours = search(&mut stage.crowd, &stage.legs)?;
    let floor = search(&mut stage.crowd, &bare)?;
    drop(forwarder);
    print("bridged_calls_on_a_core", ours as f64, "calls");
    print("forwarder_calls_on_a_core", floor as f64, "calls");
    stage.end()
}

/// The most calls of which nearly all packets are on time.
fn search(crowd: &mut Crowd, legs: &[Leg]) -> Result<usize> {
    let (mut carried, mut refused) = (0, CALLS / CALLS_STEP + 1);
    while refused - carried > 1 {
        let middle = carried.midpoint(refused);
        // Calls without audio for a minute are hung up.
        crowd.talk(legs, Duration::from_millis(25))?;
        let talking = &legs[..2 * CALLS_STEP * middle];
        let window = Duration::from_secs(1);
        let late = (0..WINDOWS).map(|_| Ok(late(&crowd.talk(talking, window)?, talking.len(), window)));
        let late: Result<Vec<f64>> = late.collect();
        match median(late?) <= LATE {
            true => carried = middle,
            false => refused = middle,
        }
    }
    Ok(carried * CALLS_STEP)
}

/// The share of packets that were late or lost. What the generator itself did not get out counts as well: nobody knows.
fn late(talk: &Talk, legs: usize, time: Duration) -> f64 {
    let wanted = legs as f64 * time.as_secs_f64() * 50.0;
    let unsent = if (talk.packets.0 as f64) < 0.97 * wanted { wanted - talk.packets.0 as f64 } else { 0.0 };
    let lost = talk.packets.0.saturating_sub(talk.packets.1);
    (talk.delay.above(LATE_MS) as f64 + lost as f64 + unsent) / wanted
}

/// Seats of conferences with three talkers each until one of a thousand packets leaves late, and the share of a core that a
/// hundred seats take when all of them talk.
pub fn conference(prepared: &Prepared) -> Result<()> {
    all_talking(prepared)?;
    let (first, last, step) = CONFERENCES;
    let mut stage = Stage::new(prepared, SEATS * last)?;
    // Whether listeners send nothing, or silence as phones without DTX do; how many seats did; and the core of 2,500.
    let mut series = [(true, 0, None), (false, 0, None)];
    let mut conferences = 0;
    for wanted in (first..=last).step_by(step) {
        stage.seat(SEATS * conferences..SEATS * wanted, |seat| THREE_HEARD.start + (seat / SEATS) as u32)?;
        conferences = wanted;
        stage.legs.iter_mut().for_each(|leg| leg.loud = leg.index % SEATS < 3);
        for (mute, seats, share) in &mut series {
            if *seats < SEATS * (wanted - step) && wanted != first {
                continue;
            }
            let legs: Vec<Leg> = stage.legs.iter().copied().filter(|leg| leg.loud || !*mute).collect();
            let (late, busy) = hear(&mut stage, &legs)?;
            if SEATS * wanted == 2_500 {
                *share = Some(busy);
            }
            if late <= LATE {
                *seats = SEATS * wanted;
            }
        }
        if series.iter().all(|(_, seats, _)| *seats < SEATS * wanted) {
            break;
        }
    }
    for ((_, seats, share), name) in series.into_iter().zip(["", "_others_send_silence"]) {
        print(&format!("conference_seats_3_talkers{name}"), seats as f64, "seats");
        if let Some(share) = share {
            print(&format!("conference_2500_seats_core_share{name}"), share * 100.0, "%");
        }
    }
    stage.end()
}

/// While `legs` send: the share of packets for all seats that were late, and of the core.
fn hear(stage: &mut Stage, legs: &[Leg]) -> Result<(f64, f64)> {
    let window = Duration::from_millis(600);
    stage.crowd.talk(legs, Duration::from_millis(200))?;
    let (mut lates, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        let (before, start) = (stage.server.usage()?, Instant::now());
        let heard = stage.crowd.listen(legs, window)?;
        shares.push((stage.server.usage()?.cpu - before.cpu).as_secs_f64() / start.elapsed().as_secs_f64());
        lates.push(crate::punctuality::late(&heard, &stage.legs, Duration::from_millis(LATE_MS as u64)));
    }
    Ok((median(lates), median(shares)))
}

/// One conference of a hundred, of whom all talk and all are heard, against a bare forwarder of as many packets.
fn all_talking(prepared: &Prepared) -> Result<()> {
    let mut stage = Stage::new(prepared, 100)?;
    stage.seat(0..100, |_| ALL_HEARD)?;
    let (forwarder, bare) = stage.forwarder()?;
    let window = Duration::from_millis(1_500);
    stage.crowd.talk(&stage.legs, window)?;
    let (mut shares, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..WINDOWS {
        let (_, floor) = per_core_second(|| forwarder.usage(), || all_heard(stage.crowd.talk(&bare, window)?))?;
        let (_, ours) = per_core_second(|| stage.server.usage(), || all_heard(stage.crowd.talk(&stage.legs, window)?))?;
        ratios.push(ours / floor);
        shares.push(ours);
    }
    print("conference_100_talking_core_share", median(shares) * 100.0, "%");
    print("conference_100_talking_to_forwarder", median(ratios), "ratio");
    stage.end()
}

/// How many packets came back, which must be nearly all.
fn all_heard(talk: Talk) -> Result<u64> {
    let (sent, received) = talk.packets;
    if received < sent - sent / 50 {
        bail!("{received} of {sent} packets arrived");
    }
    Ok(received)
}

/// Packets for each second of a core that a process was given, and the share of the core that it took.
fn per_core_second(usage: impl Fn() -> Result<Usage>, work: impl FnOnce() -> Result<u64>) -> Result<(f64, f64)> {
    let (before, start) = (usage()?, Instant::now());
    let packets = work()?;
    let (cpu, time) = ((usage()?.cpu - before.cpu).as_secs_f64(), start.elapsed().as_secs_f64());
    Ok((packets as f64 / cpu.max(1e-9), cpu / time))
}
