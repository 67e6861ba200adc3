//! Every bound of the engine, with the reason for its value.

use std::time::Duration;

/// Streams at once, unless the configuration says less: two for each of 8,000 calls.
pub const STREAMS: usize = 16_384;

/// Audio codecs that a phone may switch between without asking: more than five are never offered to it.
pub const RECEIVE_FORMATS: usize = 5;

/// Milliseconds of audio in one packet that are decoded or encoded: the most Opus allows (RFC 6716 §3.2.5).
pub const PACKET_AUDIO_MS: usize = 120;

/// Events that wait to be fetched. Beyond it those that packets cause are counted as lost.
pub const EVENTS: usize = 1_024;

/// Packets of our own that wait to be fetched.
pub const TRANSMITS: usize = 256;

/// Buffers of sound that wait to be fetched, before their list grows.
pub const PARCELS: usize = 64;

/// Octets of the payload of a packet of audio that we make: 20 ms of L16 at 48 kHz, or what an Ethernet frame carries.
pub const PAYLOAD: usize = 1_920;

/// Octets that [`Engine::poll_audio`](crate::Engine::poll_audio) needs room for: header, payload, authentication tag.
pub const AUDIO_PACKET: usize = 12 + PAYLOAD + 16;

/// Other engines that a conference may have parts in: a machine with more cores has them for other calls.
pub const LANES: usize = 32;

/// Rooms whose tick one call of `handle_timeout` serves; the rest is due at once again.
pub const ROOMS_A_TURN: usize = 16;

/// A tick that is later than this is not caught up with.
pub const TICKS_BEHIND: Duration = Duration::from_millis(100);

/// Timers that one call of `handle_timeout` serves; the rest is due at once again. Bounds the time until the next packet.
pub const TIMERS_A_TURN: usize = 64;

/// Octets of a packet of our own: sender report with one block, CNAME of [`CNAME`] octets, BYE, and what protects them.
pub const TRANSMIT: usize = 160;

/// Octets of our CNAME (RFC 7022 names have 16).
pub const CNAME: usize = 64;

/// Octets of an RTP or RTCP packet: what one Ethernet jumbo frame carries.
pub const PACKET: usize = 9_000;

/// Sources of one direction whose encrypted packets are counted: a phone has one, and a new one after a transfer behind it.
pub const SOURCES: usize = 8;

/// How long the latched source must have been silent before another address with another SSRC may take its place.
pub const RELATCH_SILENCE: Duration = Duration::from_millis(1_000);

/// How long after the SDP named a new address the old source may still be replaced by any first comer.
pub const MOVE_WINDOW: Duration = Duration::from_secs(5);

/// The least time between two `Relatched` events of one stream.
pub const RELATCHED_INTERVAL: Duration = Duration::from_secs(1);

/// Without a packet to the phone for this long, a keepalive is sent (RFC 6263 §6: 15 s).
pub const KEEPALIVE: Duration = Duration::from_secs(15);

/// The greatest step forward of a sequence number that is still loss (RFC 3550 A.1).
pub const MAX_DROPOUT: u16 = 3_000;

/// The greatest step back of a sequence number that is still reordering (RFC 3550 A.1).
pub const MAX_MISORDER: u16 = 100;

/// A timestamp that is this far from where the time that passed puts it is a jump, and smoothed out.
pub const TIMESTAMP_JUMP: Duration = Duration::from_secs(10);

/// A digit whose end never came counts as ended this long after its last packet (RFC 4733 §2.6.1.3: a few packets).
pub const DIGIT_SILENCE: Duration = Duration::from_millis(200);

/// The longest round trip that is believed.
pub const ROUND_TRIP: Duration = Duration::from_secs(10);

/// The longest mean time between two reports.
pub const INTERVAL: Duration = Duration::from_secs(3_600);

/// Segments of a tone: the longest cadence of ITU-T E.180's list has twelve.
pub const TONE_SEGMENTS: usize = 16;

/// The longest segment of a tone that ends.
pub const TONE_SEGMENT: Duration = Duration::from_secs(3_600);

/// The silence behind a digit, before the next may come (ITU-T Q.24: receivers need 30–70 ms).
pub const DIGIT_PAUSE: Duration = Duration::from_millis(70);

/// Channels of a sound file.
pub const SOUND_CHANNELS: usize = 8;

/// Samples a second of a sound file.
pub const SOUND_HZ: std::ops::RangeInclusive<u32> = 1_000..=384_000;

/// Chunks of a WAV file before the sound: writers have a handful.
pub const WAV_CHUNKS: usize = 256;

/// Octets of an MP3 file that are searched for its first frame, tags aside.
pub const MP3_SEARCH: usize = 64 * 1_024;

/// Tags before the first frame of an MP3 file.
pub const MP3_TAGS: usize = 8;

/// Octets of an Opus packet: 48 frames of 1,275 (RFC 6716 §3.4), and what says how long they are.
pub const OPUS_PACKET: usize = 61_440 + 100;

/// Octets of an Ogg file that are searched for the beginning of the next page.
pub const OGG_SEARCH: u64 = 256 * 1_024;

/// Weights of a rate converter that are kept; beyond it they are made anew for each sample. Every pair of the usual rates
/// needs fewer: 44,100 to 8,000 Hz 17,920.
pub const SOUND_BANK: usize = 32_768;
