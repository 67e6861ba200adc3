//! The piece: 24 bars in three verses of eight, in C, at 79 beats a minute.

/// A sixteenth, in milliseconds.
pub const STEP_MS: usize = 190;

/// Sixteenths in a bar.
pub const STEPS: usize = 16;

/// One bar. Notes are MIDI's: 69 is 440 Hz.
#[derive(Debug)]
pub struct Bar {
    /// What is broken into eighths, from the lowest.
    pub chord: [u8; 4],
    /// The root.
    pub bass: u8,
    /// Each note: the sixteenth it begins at, itself, how many sixteenths it is held.
    pub melody: &'static [(usize, u8, usize)],
}

const C9: ([u8; 4], u8) = ([64, 67, 71, 74], 48);
const AM7: ([u8; 4], u8) = ([64, 67, 69, 72], 45);
const F7: ([u8; 4], u8) = ([65, 69, 72, 76], 53);
const FM6: ([u8; 4], u8) = ([62, 65, 68, 72], 53);
const G6: ([u8; 4], u8) = ([62, 67, 71, 76], 43);
const G7: ([u8; 4], u8) = ([62, 65, 67, 71], 43);
const GSUS: ([u8; 4], u8) = ([62, 65, 67, 72], 43);
const EM7: ([u8; 4], u8) = ([64, 67, 71, 74], 52);
const DM7: ([u8; 4], u8) = ([62, 65, 69, 72], 50);

const fn bar((chord, bass): ([u8; 4], u8), melody: &'static [(usize, u8, usize)]) -> Bar {
    Bar { chord, bass, melody }
}

/// All of it.
pub static BARS: [Bar; 24] = [
    bar(C9, &[(0, 79, 6), (6, 76, 2), (8, 74, 8)]),
    bar(AM7, &[(0, 76, 12)]),
    bar(F7, &[(0, 77, 6), (6, 76, 2), (8, 72, 8)]),
    bar(G6, &[(0, 74, 12)]),
    bar(EM7, &[(0, 76, 6), (6, 79, 2), (8, 83, 8)]),
    bar(AM7, &[(0, 81, 8), (8, 79, 6)]),
    bar(DM7, &[(0, 77, 6), (6, 76, 2), (8, 74, 4), (12, 72, 4)]),
    bar(GSUS, &[(0, 74, 14)]),
    bar(C9, &[(0, 79, 6), (6, 76, 2), (8, 74, 8)]),
    bar(AM7, &[(0, 76, 6), (6, 79, 2), (8, 81, 8)]),
    bar(F7, &[(0, 84, 6), (6, 81, 2), (8, 79, 8)]),
    bar(G6, &[(0, 76, 4), (4, 74, 12)]),
    bar(EM7, &[(2, 74, 2), (4, 76, 2), (6, 79, 2), (8, 76, 8)]),
    bar(AM7, &[(0, 72, 4), (4, 76, 4), (8, 74, 8)]),
    bar(F7, &[(0, 72, 6), (6, 69, 2), (8, 72, 8)]),
    bar(FM6, &[(0, 72, 8), (8, 74, 6)]),
    bar(F7, &[(4, 69, 2), (6, 72, 2), (8, 76, 8)]),
    bar(G6, &[(0, 74, 4), (4, 71, 4), (8, 74, 8)]),
    bar(EM7, &[(4, 67, 2), (6, 71, 2), (8, 74, 8)]),
    bar(AM7, &[(0, 72, 12)]),
    bar(DM7, &[(4, 65, 2), (6, 69, 2), (8, 72, 8)]),
    bar(G7, &[(0, 71, 4), (4, 74, 4), (8, 77, 8)]),
    bar(C9, &[(0, 76, 16)]),
    bar(GSUS, &[(0, 74, 12)]),
];
