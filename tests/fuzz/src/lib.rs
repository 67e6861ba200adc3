//! Fuzz targets as plain functions, and their corpora.
//!
//! Each target takes any bytes and must return: a panic is a bug, and so is a broken promise that it checks on the way (what is read is
//! written as it came, what is sent can be read, an endpoint that is left alone becomes idle). `cargo test` replays the corpora and a bounded, seeded
//! mutation of them; `cargo-fuzz/` hands the same functions to libFuzzer.

mod bundle;
mod endpoint;
pub mod mutate;
mod page;
mod receiver;
mod rtcp;
mod rtp;
mod script;
mod sdp;
mod sip_message;
mod sound;
mod srtp;
mod webrtc;

use std::path::PathBuf;

pub use bundle::bundle;
pub use endpoint::{Played, endpoint, play};
pub use page::{Paged, page, play_page};
pub use receiver::{Received, format, receive, receiver};
pub use rtcp::rtcp;
pub use rtp::rtp_ingress;
pub use sdp::sdp;
pub use sip_message::sip_message;
pub use sound::{sound_mp3, sound_ogg, sound_wav};
pub use srtp::srtp;
pub use webrtc::webrtc;

/// A target: any bytes go in, nothing comes out.
pub type Target = fn(&[u8]);

/// All targets with the names of their corpus folders.
pub const TARGETS: [(&str, Target); 13] = [
    ("sip_message", sip_message),
    ("sdp", sdp),
    ("endpoint", endpoint),
    ("page", page),
    ("rtp_ingress", rtp_ingress),
    ("rtcp", rtcp),
    ("receiver", receiver),
    ("srtp", srtp),
    ("webrtc", webrtc),
    ("sound_wav", sound_wav),
    ("sound_mp3", sound_mp3),
    ("sound_ogg", sound_ogg),
    ("bundle", bundle),
];

/// The inputs in the corpus folder of a target, by file name, in the order of the names.
pub fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a corpus folder can be listed").path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes)
    };
    files.into_iter().map(read).collect()
}
