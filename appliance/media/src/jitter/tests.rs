//! The buffer behind networks of every kind, in virtual time.

use std::collections::BTreeMap;

use super::*;

/// What was played, packet by packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Played {
    /// The packet of this number.
    Packet(u64),
    Lost,
    Overdue,
    Pause,
}

/// A stream of 8 kHz on its way: what was sent arrives when the test says, and is fetched every 20 ms.
struct Way {
    buffer: JitterBuffer,
    now: Time,
    /// By arrival in microseconds, and order of sending.
    on_the_way: BTreeMap<(u64, usize), (u64, u32, bool, usize)>,
    played: Vec<Played>,
    ages: Vec<Duration>,
    /// Timestamp units that were fetched and not yet asked for.
    left: u32,
}

const PTIME: u64 = 20;

impl Way {
    fn new() -> Way {
        Way::with(Settings::default())
    }

    fn with(settings: Settings) -> Way {
        let buffer = JitterBuffer::new(settings);
        let now = Time::from_secs(100);
        Way { buffer, now, on_the_way: BTreeMap::new(), played: Vec::new(), ages: Vec::new(), left: 0 }
    }

    /// Sends packet `number` of 20 ms at its time, with number and timestamp to match; it arrives `delay_ms` later.
    fn send(&mut self, number: u64, delay_ms: u64) {
        self.send_as(number, number * PTIME + delay_ms, 1_000 + number, (number * PTIME * 8) as u32);
    }

    fn send_as(&mut self, number: u64, arrival_ms: u64, sequence: u64, timestamp: u32) {
        let key = ((100_000 + arrival_ms) * 1_000, number as usize + 10_000 * self.on_the_way.len());
        self.on_the_way.insert(key, (sequence, timestamp, false, 160));
    }

    /// Lets time pass until `until_ms` after the begin, in ticks of 20 ms which begin 7 ms off.
    fn pass(&mut self, until_ms: u64) {
        while self.now < Time::from_millis(100_000 + until_ms) {
            self.now += Duration::from_millis(20);
            let tick = self.now - Duration::from_millis(13);
            while let Some(entry) = self.on_the_way.first_entry() {
                let at = entry.key().0;
                if Time::from_micros(at) > tick {
                    break;
                }
                let (sequence, timestamp, marker, len) = entry.remove();
                let payload = vec![sequence as u8; len];
                let packet = ReceivedPacket { sequence, timestamp, payload_type: 0, marker, payload: &payload };
                self.buffer.push(Time::from_micros(at), &packet, 8_000);
            }
            self.tick(tick);
        }
    }

    fn tick(&mut self, now: Time) {
        while self.left < 160 {
            match self.buffer.next(now) {
                Next::Packet(due) => {
                    let (units, age) = (due.payload.len() as u32, due.age);
                    self.played.push(Played::Packet(u64::from(due.payload[0])));
                    self.ages.push(age);
                    self.buffer.played(units);
                    self.left += units;
                }
                Next::Lost { units, .. } => {
                    let units = if units == 0 { 160 } else { units };
                    self.fill(Played::Lost, units);
                }
                Next::Overdue => self.fill(Played::Overdue, 160 - self.left),
                Next::Pause => {
                    self.played.push(Played::Pause);
                    self.left = 160;
                }
            }
        }
        self.left -= 160;
    }

    fn fill(&mut self, played: Played, units: u32) {
        self.played.push(played);
        self.buffer.filled(units);
        self.left += units;
    }

    fn count(&self, what: Played) -> usize {
        self.played.iter().filter(|played| **played == what).count()
    }

    /// The numbers of the packets that were played.
    fn packets(&self) -> Vec<u64> {
        self.played
            .iter()
            .filter_map(|played| if let Played::Packet(number) = played { Some(*number) } else { None })
            .collect()
    }

    fn assert_in_order(&self, sent: std::ops::Range<u64>) {
        let expected: Vec<u64> = sent.map(|number| (1_000 + number) % 256).collect();
        assert_eq!(self.packets(), expected);
    }
}

/// Pseudo-random, the same in each run.
fn dice(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn a_buffer_is_small() {
    let size = std::mem::size_of::<JitterBuffer>();
    assert!(size <= 12 * 1_024, "{size}");
}

#[test]
fn an_even_stream_has_the_initial_delay() {
    let mut way = Way::new();
    (0..100).for_each(|number| way.send(number, 30));
    way.pass(2_100);
    way.assert_in_order(0..100);
    let expected = Counts { received: 100, ..Counts::default() };
    assert_eq!(way.buffer.counts(), expected);
    assert!(way.ages.iter().all(|age| (40..60).contains(&age.as_millis())), "{:?}", way.ages);
}

#[test]
fn what_is_fetched_is_what_arrived() {
    let mut way = Way::new();
    (0..3).for_each(|number| way.send(number, 0));
    way.pass(40);
    assert_eq!(way.played, [Played::Pause, Played::Pause]);
    way.pass(160);
    let [a, b, c] = [1_000, 1_001, 1_002].map(|number: u64| Played::Packet(number % 256));
    let dry = Played::Overdue;
    assert_eq!(way.played[2..], [a, b, c, dry, dry, dry]);
    way.pass(200);
    assert_eq!(way.played[8..], [Played::Pause, Played::Pause]);
    assert_eq!(way.buffer.counts().lost, 0);
}

#[test]
fn the_delay_grows_at_once_and_shrinks_slowly() {
    let mut way = Way::new();
    let mut seed = 1;
    (0..100).for_each(|number| way.send(number, 30));
    (100..600).for_each(|number| way.send(number, 30 + dice(&mut seed) % 90));
    (600..4_000).for_each(|number| way.send(number, 30));
    way.pass(2_000);
    assert!(way.buffer.wanted_delay() < Duration::from_millis(40));
    way.pass(3_000);
    assert!((70..=90).contains(&way.buffer.wanted_delay().as_millis()), "{:?}", way.buffer.wanted_delay());
    way.pass(12_000);
    let late_while_learning = way.buffer.counts().late;
    assert!(late_while_learning <= 5, "{late_while_learning}");
    way.pass(18_000);
    assert!(way.buffer.wanted_delay() > Duration::from_millis(60), "{:?}", way.buffer.wanted_delay());
    way.pass(30_000);
    assert!(way.buffer.wanted_delay() < Duration::from_millis(30), "{:?}", way.buffer.wanted_delay());
    assert_eq!(way.buffer.counts().late, late_while_learning);
}

#[test]
fn a_rare_straggler_does_not_cost_everybody() {
    let mut way = Way::new();
    for number in 0..2_000 {
        way.send(number, if number % 200 == 199 { 150 } else { 30 });
    }
    way.pass(41_000);
    assert!(way.buffer.wanted_delay() <= Duration::from_millis(20), "{:?}", way.buffer.wanted_delay());
    let counts = way.buffer.counts();
    // The last one is followed by nothing, and so is played after all.
    assert_eq!((counts.late + counts.overflowed, counts.lost), (9, 0));
}

#[test]
fn the_bounds_are_settings() {
    let bounds = Settings {
        minimum: Duration::from_millis(30),
        initial: Duration::from_millis(5),
        maximum: Duration::from_millis(60),
        ..Settings::default()
    };
    let mut way = Way::with(bounds);
    let mut seed = 1;
    (0..100).for_each(|number| way.send(number, 30));
    way.pass(1_900);
    assert_eq!(way.buffer.wanted_delay(), bounds.minimum);
    (100..400).for_each(|number| way.send(number, 30 + dice(&mut seed) % 150));
    way.pass(7_000);
    assert_eq!(way.buffer.wanted_delay(), bounds.maximum);
    let senseless =
        Settings { minimum: Duration::MAX, initial: Duration::ZERO, maximum: Duration::MAX, octets: usize::MAX };
    assert_eq!(JitterBuffer::new(senseless).wanted_delay(), Settings::LONGEST);
}

#[test]
fn lost_reordered_late_and_double_are_told_apart() {
    let mut way = Way::new();
    for number in 0..200 {
        match number {
            50 => {}
            60 | 61 => way.send(number, 30 + (61 - number) * 25),
            70 => way.send(number, 130),
            80 => [30, 35, 200].into_iter().for_each(|delay| way.send(number, delay)),
            _ => way.send(number, 30),
        }
    }
    way.pass(4_200);
    let counts = way.buffer.counts();
    let expected = Counts { received: 201, late: 1, lost: 1, reordered: 2, duplicate: 2, overflowed: 0, gaps: 2 };
    assert_eq!(counts, expected);
    assert_eq!((way.count(Played::Lost), way.packets().len()), (2, 198));
}

#[test]
fn the_packet_after_a_lost_one_is_shown() {
    let mut buffer =
        JitterBuffer::new(Settings { initial: Duration::ZERO, minimum: Duration::ZERO, ..Settings::default() });
    let push = |buffer: &mut JitterBuffer, sequence: u64| {
        let payload = [sequence as u8; 160];
        let timestamp = sequence as u32 * 160;
        let packet = ReceivedPacket { sequence, timestamp, payload_type: 0, marker: false, payload: &payload };
        buffer.push(Time::from_millis(20 * sequence), &packet, 8_000);
    };
    for sequence in [1, 4] {
        push(&mut buffer, sequence);
    }
    let now = Time::from_millis(80);
    assert!(matches!(buffer.next(now), Next::Packet(_)));
    buffer.played(160);
    assert_eq!(buffer.next(now), Next::Lost { units: 160, after: None });
    buffer.filled(160);
    assert_eq!(buffer.next(now), Next::Lost { units: 160, after: Some((0, &[4; 160])) });
    buffer.filled(160);
    assert!(matches!(buffer.next(now), Next::Packet(Due { payload: [4, ..], is_cut: false, .. })));
}

#[test]
fn no_packets_in_a_pause_are_no_loss_and_the_next_spurt_has_the_wanted_delay() {
    let mut way = Way::new();
    let mut number = 0;
    for spurt in 0..20u64 {
        // Each begins with another lateness, and the timestamps go on with the time.
        for packet in 0..40 {
            let sent = spurt * 1_500 + packet * PTIME;
            way.send_as(number, sent + 30 + spurt % 7, 1_000 + number, sent as u32 * 8);
            number += 1;
        }
    }
    way.pass(31_000);
    let counts = way.buffer.counts();
    assert_eq!((counts.lost, counts.late, counts.overflowed), (0, 0, 0));
    way.assert_in_order(0..800);
    assert!(way.ages[400..].iter().all(|age| (10..36).contains(&age.as_millis())), "{:?}", &way.ages[400..]);
    assert_eq!(way.count(Played::Lost), 0);
    assert!(way.count(Played::Overdue) <= 20 * 4, "{}", way.count(Played::Overdue));
}

#[test]
fn packets_of_any_length_follow_each_other() {
    let mut way = Way::new();
    let (mut sent, mut count) = (0u64, 0);
    for (number, ptime) in [10, 20, 30, 40, 60].into_iter().cycle().take(500).enumerate() {
        // A packet leaves when its last sample was taken.
        way.on_the_way.insert(
            ((100_000 + sent + ptime + 30) * 1_000, number),
            (1_000 + number as u64, sent as u32 * 8, false, ptime as usize * 8),
        );
        (sent, count) = (sent + ptime, count + 1);
    }
    way.pass(sent + 200);
    way.assert_in_order(0..count);
    let counts = way.buffer.counts();
    assert_eq!((counts.late, counts.lost, counts.overflowed), (0, 0, 0));
    assert!(way.buffer.wanted_delay() >= Duration::from_millis(50));
    // While it learns that the longest packets come 50 ms later than the shortest, it runs dry a few times.
    assert!(way.played[60..way.played.len() - 10].iter().all(|played| matches!(played, Played::Packet(_))));
}

#[test]
fn timestamps_that_jump_cost_no_more_than_the_delay() {
    for jump in [0x8000_0000u32, 40_000, 7_000, 1_600, 0u32.wrapping_sub(1_600), 0u32.wrapping_sub(100_000)] {
        let mut way = Way::new();
        for number in 0..300u64 {
            let offset = if number < 150 { 0 } else { jump };
            let timestamp = (number as u32 * 160).wrapping_add(offset);
            way.send_as(number, number * PTIME + 30, 1_000 + number, timestamp);
        }
        way.pass(6_100);
        let packets = way.packets().len();
        let silent = way.played[5..300].iter().filter(|played| !matches!(played, Played::Packet(_))).count();
        assert!(packets >= 275 && silent <= 25, "{jump}: {packets} {silent}");
        let last = way.ages.last().unwrap();
        assert!((10..260).contains(&last.as_millis()), "{jump}: {last:?}");
        assert_eq!(way.buffer.counts().lost, 0, "{jump}");
    }
}

#[test]
fn a_way_that_becomes_longer_than_the_longest_delay_is_followed() {
    let mut way = Way::new();
    (0..200).for_each(|number| way.send(number, 30));
    (200..600).for_each(|number| way.send(number, 430));
    way.pass(12_600);
    let packets = way.packets();
    assert!(packets.len() > 575, "{}", packets.len());
    assert!(way.ages.last().unwrap() < &Duration::from_millis(100), "{:?}", way.ages.last());
}

#[test]
fn a_stall_ends_in_a_burst_of_which_the_newest_is_played() {
    let mut way = Way::new();
    for number in 0..400u64 {
        let delay = if (100..150).contains(&number) { 30 + (150 - number) * PTIME } else { 30 };
        way.send(number, delay);
    }
    way.pass(8_200);
    let counts = way.buffer.counts();
    assert_eq!((counts.lost, counts.duplicate), (0, 0));
    assert!(counts.late + counts.overflowed <= 50 && way.packets().len() >= 350, "{counts:?}");
    assert!(way.ages.iter().all(|age| age.as_millis() <= 300), "{:?}", way.ages.iter().max());
}

#[test]
fn numbers_that_begin_anew_are_followed() {
    for jump in [1u64 << 20, 500, 3_500] {
        let mut way = Way::new();
        for number in 0..200u64 {
            let sequence = if number < 100 { 5_000 + number } else { 5_000 + number - 100 + jump };
            way.send_as(number, number * PTIME + 30, sequence, number as u32 * 160);
        }
        way.pass(4_200);
        assert!(way.packets().len() >= 195, "{jump}: {}", way.packets().len());
    }
    let mut way = Way::new();
    for number in 0..200u64 {
        let sequence = if number < 100 { 9_000 + number } else { 1_000 + number };
        way.send_as(number, number * PTIME + 30, sequence, number as u32 * 160);
    }
    way.pass(4_200);
    assert!(way.packets().len() >= 190, "{}", way.packets().len());
}

#[test]
fn another_source_is_another_stream() {
    let mut way = Way::new();
    (0..100).for_each(|number| way.send(number, 30));
    way.pass(2_060);
    let before = way.packets().len();
    way.buffer.reset();
    for number in 100..200u64 {
        way.send_as(number, number * PTIME + 90, number, number as u32 * 160 + 77_777);
    }
    way.pass(4_200);
    assert_eq!(way.packets().len() - before, 100);
    let counts = way.buffer.counts();
    assert_eq!((counts.received, counts.lost, counts.late), (200, 0, 0));
}

#[test]
fn digits_among_the_packets_are_no_loss() {
    let mut way = Way::new();
    (0..100).for_each(|number| way.send(number, 30));
    way.pass(2_000);
    // While a key is down the phone sends no sound, and all packets of the digit have the timestamp of its begin.
    for number in 100..110 {
        let packet = ReceivedPacket {
            sequence: 1_000 + number,
            timestamp: 16_000,
            payload_type: 101,
            marker: false,
            payload: &[5, 0, 0, 0],
        };
        way.buffer.push(way.now, &packet, 0);
    }
    (110..200).for_each(|number| way.send(number, 30));
    way.pass(4_200);
    assert_eq!(way.buffer.counts().lost, 0);
    assert_eq!((way.packets().len(), way.count(Played::Lost)), (190, 0));
}

#[test]
fn what_nobody_fetches_is_bounded() {
    let mut buffer = JitterBuffer::new(Settings::default());
    for sequence in 0..10_000u64 {
        let payload = vec![1; (sequence * 37 % 1_500) as usize];
        let timestamp = sequence as u32 * 160;
        let packet = ReceivedPacket { sequence, timestamp, payload_type: 0, marker: false, payload: &payload };
        buffer.push(Time::from_millis(20 * sequence), &packet, 8_000);
    }
    assert!(buffer.waiting() <= 64);
    let now = Time::from_millis(20 * 9_999);
    let mut played = 0;
    while let Next::Packet(_) = buffer.next(now) {
        buffer.played(160);
        played += 1;
    }
    let counts = buffer.counts();
    assert!(played <= 11, "{played}");
    assert_eq!(played + counts.late + counts.overflowed + buffer.waiting() as u64, 10_000);
    assert_eq!(counts.lost, 0);
    let huge = [0; 9_000];
    buffer.push(
        now,
        &ReceivedPacket { sequence: 10_000, timestamp: 1_600_000, payload_type: 0, marker: false, payload: &huge },
        8_000,
    );
    assert_eq!(buffer.counts().overflowed, counts.overflowed + 1);
}

#[test]
fn gaps_are_counted_once_however_long() {
    let mut way = Way::new();
    for number in (0..300).filter(|number| ![50, 51, 52, 100, 150, 151].contains(number)) {
        way.send(number, 30);
    }
    way.pass(6_200);
    let counts = way.buffer.counts();
    assert_eq!((counts.lost, counts.gaps, counts.missing()), (6, 3, 6));
    let mut sum = counts;
    sum.add(&counts);
    assert_eq!((sum.received, sum.gaps), (2 * 294, 6));
}
