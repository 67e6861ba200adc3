//! Measures what an event costs: `cargo run --release -p store --example write_rate`.

use std::time::Instant;

use pbx::call::record::{AddressKind, Quality};
use pbx::call::{Address, CallRecord, Direction, HangupBy, HangupReason, Status};
use pbx::sequence::{Participant, Role, Sequence, Step, StepKind};
use pbx::{Event, EventKind, UnixMicros};
use store::{Durability, Item, Store};
use uuid::Uuid;

const EVENTS: u64 = 200_000;

fn main() -> Result<(), store::Error> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for batch in [1, 8, 64, 512, 4096] {
        for durability in [Durability::Batched, Durability::Acknowledged] {
            let path = folder.path().join(format!("{batch}-{durability:?}.db"));
            let (store, mut writer) = Store::open(&path, "tandem.local", &[7; 64])?;
            let events = EVENTS.min(batch * 400);
            let items: Vec<Item> = (0..events / 4).flat_map(one_call).collect();
            let (start, cpu) = (Instant::now(), cpu_time());
            for chunk in items.chunks(batch as usize) {
                writer.write(chunk, durability)?;
            }
            let each = start.elapsed().as_secs_f64() * 1e6 / items.len() as f64;
            let cpu = (cpu_time() - cpu) * 1e6 / items.len() as f64;
            println!("store_event_batch_{batch}_{durability:?} {each:.2} us (processor {cpu:.2} us)");
            if batch == 4096 {
                println!("store_bytes_per_event {} B", store.bytes() / events);
            }
        }
    }
    let (store, mut writer) = Store::open(&folder.path().join("sequence.db"), "tandem.local", &[7; 64])?;
    let items: Vec<Item> = (0..2_000).map(|call| Item::Sequence(Box::new(ladder(call)))).collect();
    let cpu = cpu_time();
    for chunk in items.chunks(256) {
        writer.write(chunk, Durability::Batched)?;
    }
    println!("store_sequence {:.2} us", (cpu_time() - cpu) * 1e6 / items.len() as f64);
    println!("store_bytes_per_sequence {} B", store.bytes() / items.len() as u64);
    Ok(())
}

/// Seconds this thread has spent on a processor: on a busy machine the wall clock says little.
fn cpu_time() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts what a thread runs");
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).expect("a number comes first") / 1e9
}

fn id(call: u64) -> Uuid {
    uuid::Builder::from_random_bytes((u128::from(call) * 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_le_bytes())
        .into_uuid()
}

/// The four events of a leg's life.
fn one_call(number: u64) -> Vec<Item> {
    let at = UnixMicros(1_795_000_000_000_000 + number as i64 * 1_000);
    let address = |target: &str| Address {
        kind: AddressKind::Extension,
        target: target.into(),
        target_name: "Ada Lovelace".into(),
    };
    let mut call = CallRecord {
        id: id(number),
        master_call_id: None,
        made_by: None,
        flow_id: None,
        activeflow_id: None,
        chained_call_ids: vec![id(number + 1)],
        groupcall_id: Some(id(number + 2)),
        source: address("1001"),
        destination: address("1002"),
        direction: Direction::Incoming,
        status: Status::Dialing,
        hangup_by: None,
        hangup_reason: None,
        hangup_cause: None,
        codec: Some("PCMU/8000".into()),
        encryption: None,
        ice_transport: None,
        peer: "udp 192.168.100.200:5060".into(),
        sip_call_id: "a84b4c76e66710@pc33.atlanta.example.com".into(),
        held: false,
        controls: Default::default(),
        recording_id: None,
        recording_ids: Vec::new(),
        created: at,
        updated: at,
        ringing: None,
        progressing: None,
        hungup: None,
        charge: None,
        quality: None,
    };
    let event = |kind| Item::Event(Event { at, kind });
    let mut items = vec![event(EventKind::CallCreated(Box::new(call.clone())))];
    call.status = Status::Ringing;
    call.ringing = Some(at);
    items.push(event(EventKind::CallRinging(Box::new(call.clone()))));
    call.status = Status::Progressing;
    call.progressing = Some(at);
    items.push(event(EventKind::CallAnswered(Box::new(call.clone()))));
    call.status = Status::Hangup;
    call.hungup = Some(at);
    call.hangup_by = Some(HangupBy::Remote);
    call.hangup_reason = Some(HangupReason::Normal);
    call.hangup_cause = Some(16);
    call.quality = Some(Quality { packets_received: 3_000, packets_sent: 3_000, ..Quality::default() });
    items.push(event(EventKind::CallHungup(Box::new(call))));
    items
}

/// Twenty-six messages and some steps of our own: a plain call between two phones with digest.
fn ladder(call: u64) -> Sequence {
    let message = format!(
        "INVITE sip:1002@tandem.local SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bK{call:x};rport\r\n\
         From: \"Ada\" <sip:1001@tandem.local>;tag={call:x}\r\nTo: <sip:1002@tandem.local>\r\nCall-ID: {}\r\n\
         CSeq: 102 INVITE\r\nContact: <sip:1001@192.168.1.20:5060>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n\
         Content-Length: 180\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.168.1.20\r\ns=-\r\nc=IN IP4 192.168.1.20\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n",
        id(call)
    );
    let participant = |role, name: &str| Participant { role, name: name.into(), detail: "192.168.1.20:5060".into() };
    let step = |at: u8| Step {
        at: UnixMicros(1_795_000_000_000_000 + i64::from(at)),
        from: at % 4,
        to: (at + 1) % 4,
        kind: if at < 26 { StepKind::Sip } else { StepKind::Internal },
        label: "INVITE".into(),
        detail: if at < 26 { message.clone() } else { "the directory knows 1002".into() },
    };
    Sequence {
        call_id: id(call),
        participants: vec![
            participant(Role::Phone(id(call)), "1001"),
            participant(Role::Sip, "sip"),
            participant(Role::Call, "call"),
            participant(Role::Phone(id(call + 1)), "1002"),
        ],
        steps: (0..40).map(step).collect(),
        omitted: 0,
    }
}
