//! Audio as a pure state machine: packets in, packets out.
