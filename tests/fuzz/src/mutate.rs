//! A small seeded mutator, so that every test run tries many broken inputs, the same ones each time.

/// SplitMix64: enough randomness to break messages with.
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.roll() % bound as u64) as usize }
    }
}

/// Pieces that mean something to a parser of SIP or SDP.
const PIECES: [&[u8]; 40] = [
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"\r",
    b" ",
    b"\t",
    b"\r\n ",
    b":",
    b";",
    b",",
    b"=",
    b"\"",
    b"\\",
    b"<",
    b">",
    b"@",
    b"?",
    b"&",
    b"%",
    b"[",
    b"]",
    b"/",
    b"*",
    b"\0",
    b"\xff",
    b"\xc3",
    b"-1",
    b"0",
    b"4294967296",
    b"99999999999999999999999",
    b"SIP/2.0",
    b"sip:",
    b"tel:",
    b"Content-Length: 5\r\n",
    b"Via: SIP/2.0/UDP a;branch=z9hG4bKx\r\n",
    b";tag=",
    b";rport",
    b"0.0.0.0",
    b"[::1]",
    b"a=sendonly\r\n",
];

/// One to eight changes to a copy of one of the seeds.
pub fn mutated(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(8) {
        change(dice, &mut input, seeds);
    }
    input
}

fn change(dice: &mut Dice, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let at = dice.below(input.len() + 1);
    let end = (at + 1 + dice.below(24)).min(input.len());
    match dice.below(8) {
        0 if at < input.len() => input[at] ^= 1 << dice.below(8),
        1 if at < input.len() => input[at] = dice.roll() as u8,
        2 => drop(input.drain(at..end.max(at))),
        3 => input.truncate(at),
        4 => {
            let again = input[at..end.max(at)].to_vec();
            let times = 1 + dice.below(6);
            input.splice(at..at, again.repeat(times));
        }
        5 => {
            let other = &seeds[dice.below(seeds.len())];
            let start = dice.below(other.len() + 1);
            let length = dice.below(200).min(other.len() - start);
            input.splice(at..at, other[start..start + length].iter().copied());
        }
        6 => {
            let piece = PIECES[dice.below(PIECES.len())];
            input.splice(at..end.max(at), piece.iter().copied());
        }
        _ => {
            let piece = PIECES[dice.below(PIECES.len())];
            input.splice(at..at, piece.iter().copied());
        }
    }
}
