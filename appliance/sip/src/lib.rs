//! SIP as a pure state machine: bytes in, events out.
