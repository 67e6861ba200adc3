//! Stories with phones, ending in a snapshot of the ladder.
