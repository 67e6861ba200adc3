//! The two copies of the state on its partition: written one after the other, so that a power cut leaves one of them whole.
use super::boot_state::{BootState, LENGTH};
use crate::Error;
use crate::storage::Storage;

/// Where the copies begin, in octets: far enough apart that no block of any flash memory holds both.
pub const COPIES: [u64; 2] = [0, 512 << 10];

/// Reads the newer copy; `None` if neither can be believed. A copy that cannot be read counts as none, for the other may do.
pub fn load(storage: &mut impl Storage) -> Option<BootState> {
    let states = COPIES.map(|at| read(storage, at).ok());
    states.into_iter().flatten().max_by_key(BootState::generation)
}

/// Writes both copies, the older one first, each flushed before the next is touched. Who is cut off in between has the state of
/// before or this one.
pub fn save(storage: &mut impl Storage, state: &BootState) -> Result<(), Error> {
    let generations = COPIES.map(|at| read(storage, at).map_or(0, |state| state.generation()));
    let order = if generations[0] > generations[1] { [1, 0] } else { [0, 1] };
    // One copy that cannot be written leaves the other, which is then worth all the more.
    let written = order.map(|copy| {
        storage.write_at(COPIES[copy], &state.encode())?;
        storage.flush()?;
        match read(storage, COPIES[copy])? {
            found if found == *state => Ok(()),
            _ => Err(Error::Nonsense("storage")),
        }
    });
    written[0].or(written[1])
}

fn read(storage: &mut impl Storage, at: u64) -> Result<BootState, Error> {
    let mut octets = [0; LENGTH];
    storage.read_at(at, &mut octets)?;
    BootState::decode(&octets).map_err(|_| Error::Nonsense("boot state"))
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::slot::{Reason, Slot};

    /// A disk that loses power after so many octets written; the one being written is then anything.
    struct Disk {
        octets: Vec<u8>,
        power: usize,
        is_off: bool,
        /// Reading here fails, as on a worn-out card.
        unreadable: Option<u64>,
    }

    impl Disk {
        fn new(power: usize) -> Disk {
            Disk { octets: vec![0; 1 << 20], power, is_off: false, unreadable: None }
        }
    }

    impl Disk {
        fn switch_on(&mut self) {
            (self.power, self.is_off) = (usize::MAX, false);
        }
    }

    impl Storage for Disk {
        fn read_at(&mut self, offset: u64, octets: &mut [u8]) -> Result<(), Error> {
            if self.unreadable == Some(offset) {
                return Err(Error::Refused("disk", 5));
            }
            octets.copy_from_slice(&self.octets[offset as usize..][..octets.len()]);
            Ok(())
        }

        fn write_at(&mut self, offset: u64, octets: &[u8]) -> Result<(), Error> {
            if self.is_off {
                return Err(Error::Refused("disk", 5));
            }
            let length = octets.len().min(self.power);
            self.octets[offset as usize..][..length].copy_from_slice(&octets[..length]);
            if length < octets.len() {
                self.octets[offset as usize + length] = 0xa5;
                self.is_off = true;
                return Err(Error::Refused("disk", 5));
            }
            self.power -= length;
            Ok(())
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn a_power_cut_at_any_octet_leaves_the_state_of_before_or_the_new_one() {
        for power in 0..=2 * LENGTH {
            let mut disk = Disk::new(usize::MAX);
            let before = BootState::new(Slot::A);
            save(&mut disk, &before).expect("the power is on");
            let mut after = before;
            after.begin_trial(1);
            disk.power = power;
            let saved = save(&mut disk, &after);
            disk.switch_on();
            let found = load(&mut disk).expect("one copy is always whole");
            assert!(found == before || found == after, "cut after {power} octets");
            if saved.is_ok() {
                assert_eq!(found, after, "what was acknowledged is there: cut after {power} octets");
            }
        }
    }

    #[test]
    fn many_changes_with_power_cuts_lose_only_the_last() {
        for seed in 0..200 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut disk = Disk::new(usize::MAX);
            let mut known = BootState::new(Slot::A);
            save(&mut disk, &known).expect("the power is on");
            for _ in 0..30 {
                let mut wanted = known;
                match random.next_u32() % 3 {
                    0 => wanted.begin_trial(1),
                    1 => _ = wanted.start(),
                    _ => wanted.make_permanent(1),
                }
                disk.power = random.next_u32() as usize % (3 * LENGTH);
                let _ = save(&mut disk, &wanted);
                disk.switch_on();
                let found = load(&mut disk).expect("one copy is always whole");
                assert!(found == known || found == wanted, "seed {seed}");
                known = found;
            }
        }
    }

    #[test]
    fn one_copy_is_enough_whichever_it_is() {
        for (broken, whole) in [(0, 1), (1, 0)] {
            let mut disk = Disk::new(usize::MAX);
            let mut state = BootState::new(Slot::A);
            state.begin_trial(1);
            state.start();
            state.make_permanent(4);
            save(&mut disk, &state).expect("the power is on");
            disk.octets[COPIES[broken] as usize + 9] ^= 0x40;
            assert_eq!(load(&mut disk), Some(state));
            state.swap(Reason::Ordered);
            save(&mut disk, &state).expect("the power is on");
            disk.octets[COPIES[whole] as usize] = 0;
            assert_eq!(load(&mut disk), Some(state), "the broken one was made good");
        }
    }

    #[test]
    fn a_copy_that_cannot_be_read_is_done_without() {
        let mut disk = Disk::new(usize::MAX);
        let state = BootState::new(Slot::B);
        save(&mut disk, &state).expect("the power is on");
        disk.unreadable = Some(COPIES[0]);
        assert_eq!(load(&mut disk), Some(state));
        let mut later = state;
        later.begin_trial(1);
        save(&mut disk, &later).expect("one copy is written");
        assert_eq!(load(&mut disk), Some(later));
    }

    #[test]
    fn no_state_is_none() {
        assert_eq!(load(&mut Disk::new(0)), None);
    }
}
