//! Every limit of the crate by name: what a peer may make us hold or look at.

/// The longest message in bytes, start line to body, on every transport (a UDP datagram cannot be longer).
pub const MESSAGE_BYTES: usize = 65_535;
/// The most header lines of one message.
pub const HEADERS: usize = 128;
/// The longest single header in bytes, folded lines together.
pub const HEADER_BYTES: usize = 8_192;
/// The longest start line in bytes.
pub const START_LINE_BYTES: usize = 4_096;
/// The most elements that are read out of one comma-separated header (Via, Contact, Route, …).
pub const LIST_ELEMENTS: usize = 64;
