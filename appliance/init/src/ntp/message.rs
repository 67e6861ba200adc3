//! NTP packets on the wire (RFC 5905 section 7.3): what a client writes and what it reads.
use std::time::Duration;

/// A packet without extensions, and the least that a server answers.
pub const LENGTH: usize = 48;
/// From 1900, where NTP counts from, to 1970.
const UNTIL_1970: u64 = 2_208_988_800;
const VERSION: u8 = 4;
const CLIENT: u8 = 3;
const SERVER: u8 = 4;
/// The leap indicator of a server that does not know the time itself.
const UNSYNCHRONIZED: u8 = 3;
/// A stratum from here on is no server's.
const TOO_FAR: u8 = 16;

/// A signed span of nanoseconds.
pub type Nanoseconds = i64;

/// Seconds since 1900 in the upper 32 bits, which begin anew in 2036, and a fraction in the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The timestamp of a time since 1970.
    pub fn of(unix: Duration) -> Timestamp {
        let seconds = unix.as_secs().wrapping_add(UNTIL_1970) << 32;
        Timestamp(seconds | ((u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000))
    }

    /// How much later this is than the other, taken as less than 68 years apart in whichever era (RFC 5905 section 6).
    pub fn since(self, other: Timestamp) -> Nanoseconds {
        nanoseconds(self.0.wrapping_sub(other.0) as i64)
    }
}

/// Of a difference in units of 2⁻³² s.
fn nanoseconds(difference: i64) -> Nanoseconds {
    ((i128::from(difference) * 1_000_000_000) >> 32) as i64
}

/// Of the short format: seconds in the upper 16 bits, a fraction in the lower.
fn short(octets: [u8; 4]) -> Nanoseconds {
    (i64::from(u32::from_be_bytes(octets)) * 1_000_000_000) >> 16
}

/// Asks for the time. The cookie stands where the client's own time would: it comes back in the answer, and tells nobody
/// what our clock shows.
pub fn write(cookie: u64) -> [u8; LENGTH] {
    let mut packet = [0; LENGTH];
    packet[0] = VERSION << 3 | CLIENT;
    packet[40..].copy_from_slice(&cookie.to_be_bytes());
    packet
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The time.
    Time(Answer),
    /// It will not tell, or not so often (RFC 5905 section 7.4): a code of four letters.
    Kiss { cookie: u64, code: [u8; 4] },
}

/// The time as a server has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Ours, repeated.
    pub cookie: u64,
    /// How far it is from a clock of its own, which has 1.
    pub stratum: u8,
    /// By how much that may be wrong: half the way to that clock and back, and what the clocks between may have lost.
    pub root_distance: Nanoseconds,
    /// When it got our packet.
    pub received: Timestamp,
    /// When it sent this one.
    pub sent: Timestamp,
}

/// Reads an answer; `None` is anything else, or a server that does not know the time.
pub fn read(packet: &[u8]) -> Option<Reply> {
    let packet = packet.first_chunk::<LENGTH>()?;
    let word = |at: usize| -> [u8; 4] { [packet[at], packet[at + 1], packet[at + 2], packet[at + 3]] };
    let long = |at: usize| u64::from(u32::from_be_bytes(word(at))) << 32 | u64::from(u32::from_be_bytes(word(at + 4)));
    let (leap, mode, stratum) = (packet[0] >> 6, packet[0] & 7, packet[1]);
    let cookie = long(24);
    if mode != SERVER {
        return None;
    }
    if stratum == 0 {
        return Some(Reply::Kiss { cookie, code: word(12) });
    }
    let (received, sent) = (Timestamp(long(32)), Timestamp(long(40)));
    if leap == UNSYNCHRONIZED || stratum >= TOO_FAR || sent.0 == 0 || sent.since(received) < 0 {
        return None;
    }
    let root_distance = short(word(4)) / 2 + short(word(8));
    Some(Reply::Time(Answer { cookie, stratum, root_distance, received, sent }))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The answer of a server whose clock shows `at`, and which took `busy` to answer.
    pub fn reply(request: &[u8], at: Duration, busy: Duration) -> Vec<u8> {
        let mut packet = vec![0; LENGTH];
        (packet[0], packet[1]) = (VERSION << 3 | SERVER, 2);
        packet[6..8].copy_from_slice(&[1, 0]);
        packet[24..32].copy_from_slice(&request[40..48]);
        packet[32..40].copy_from_slice(&Timestamp::of(at).0.to_be_bytes());
        packet[40..48].copy_from_slice(&Timestamp::of(at + busy).0.to_be_bytes());
        packet
    }

    #[test]
    fn a_request_tells_nothing_but_the_cookie() {
        let packet = write(0x0102_0304_0506_0708);
        assert_eq!(packet[0], 0x23, "version 4, client");
        assert!(packet[1..40].iter().all(|octet| *octet == 0));
        assert_eq!(packet[40..], [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn timestamps_are_those_of_the_standard() {
        // RFC 5905 figure 4: 1 Jan 1970 is 2,208,988,800; the era ends on 7 Feb 2036 at 06:28:16.
        assert_eq!(Timestamp::of(Duration::ZERO).0 >> 32, 2_208_988_800);
        assert_eq!(Timestamp::of(Duration::from_millis(500)).0 as u32, 1 << 31);
        let last = Duration::from_secs(2_085_978_495);
        assert_eq!(Timestamp::of(last).0 >> 32, u64::from(u32::MAX));
        let next = Timestamp::of(last + Duration::from_secs(2));
        assert_eq!(next.0 >> 32, 1, "a new era");
        assert_eq!(next.since(Timestamp::of(last)), 2_000_000_000);
        assert_eq!(Timestamp::of(last).since(next), -2_000_000_000);
    }

    #[test]
    fn an_answer_is_read() {
        let packet = reply(&write(7), Duration::from_secs(1_790_000_000), Duration::from_millis(1));
        let Some(Reply::Time(answer)) = read(&packet) else { panic!("it is an answer") };
        assert_eq!((answer.cookie, answer.stratum), (7, 2));
        assert_eq!(answer.root_distance, 1_000_000_000 / 256 / 2);
        assert!((answer.sent.since(answer.received) - 1_000_000).abs() < 10);
    }

    #[test]
    fn whatever_else_comes_is_no_time() {
        let good = reply(&write(7), Duration::from_secs(1_790_000_000), Duration::ZERO);
        assert!(read(&good[..47]).is_none() && read(&[]).is_none());
        let changed = |at: usize, octet: u8| {
            let mut packet = good.clone();
            packet[at] = octet;
            read(&packet)
        };
        assert!(changed(0, 0x23).is_none(), "a client");
        assert!(changed(0, 0xe4).is_none(), "it does not know the time");
        assert!(changed(1, 16).is_none(), "nor does this one");
        assert!(changed(32, 0xff).is_none(), "sent before it was received");
        let mut kiss = good.clone();
        kiss[1] = 0;
        kiss[12..16].copy_from_slice(b"RATE");
        assert_eq!(read(&kiss), Some(Reply::Kiss { cookie: 7, code: *b"RATE" }));
    }

    #[test]
    fn noise_is_no_panic() {
        let mut random = 1u64;
        for _ in 0..100_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise: Vec<u8> = (0..52).map(|at| (random >> (at % 57)) as u8).collect();
            let _ = read(&noise[..(random >> 60) as usize * 4 % 53]);
        }
    }
}
