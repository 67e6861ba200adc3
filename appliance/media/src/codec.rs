//! What is done to the samples themselves: each codec, and the one face they have.

pub mod decoder;
pub mod encoder;
pub mod g711;
mod g722;
pub mod l16;
pub mod opus;

pub use decoder::{Decoder, Malformed};
pub use encoder::{Encoded, Encoder};

/// Why audio cannot be decoded or encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CodecError {
    /// The codec is only passed on from one phone to another.
    #[error("the codec is passed on, never decoded")]
    PassedOnOnly,
    /// So many samples are no packet of this codec.
    #[error("not a length the codec can encode")]
    FrameLength,
    /// The payload has no room for the packet.
    #[error("no room for the packet")]
    NoRoom,
    /// The codec's library refused.
    #[error("the codec's library refused")]
    Library,
}
