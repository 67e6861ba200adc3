//! A bundle: one file with a new version of the box, signed. Pure: octets in, octets of parts out; who writes them where is not
//! said here.
//!
//! ```text
//! TANDEM-BUNDLE 1\n                 16 octets
//! length of the manifest            4 octets, the highest first
//! manifest                          JSON, 64 KiB at most
//! number of signatures              1 octet, 1 to 4
//!   id of the key, signature        8 and 64 octets, so many times
//! root, kernel                      raw, as long as the manifest says
//! ```
//!
//! A signature (Ed25519, RFC 8032) is over everything before the number of signatures. The manifest names the SHA-256 of each
//! part, so that the signature vouches for all of the file. [`Reader`] takes a bundle piece by piece and gives nothing of a part
//! away before a signature was found good; [`sign`] makes the head of one.

mod fault;
mod key;
pub mod limits;
mod manifest;
mod reader;
mod writer;

pub use fault::Fault;
pub use key::{KeyError, KeyId, PrivateKey, PublicKey, Trusted};
pub use manifest::{Manifest, Part, PartName};
pub use reader::{Expected, Piece, Reader};
pub use writer::sign;

/// What each bundle begins with.
pub const MAGIC: &[u8; 16] = b"TANDEM-BUNDLE 1\n";
