//! Datagrams on a stream: two octets of length before each (RFC 4571), as checks, handshakes and audio have it over TCP (RFC 6544).

use crate::limits;

/// Octets before each datagram.
pub const HEADER: usize = 2;

/// A frame says that it is longer than anything that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong(pub usize);

/// What came of a stream and is no whole datagram yet: never more than one of them.
#[derive(Debug, Default)]
pub struct Frames {
    partial: Vec<u8>,
}

impl Frames {
    /// Takes what came, and hands out each datagram that is whole by it; one without octets as well (RFC 4571 §2). After an error nothing can
    /// be told apart any more.
    pub fn take(&mut self, mut octets: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), TooLong> {
        while !octets.is_empty() {
            let wanted = HEADER + self.announced().unwrap_or(0);
            let (now, later) = octets.split_at(octets.len().min(wanted - self.partial.len()));
            self.partial.extend_from_slice(now);
            octets = later;
            let Some(len) = self.announced() else { continue };
            if len > limits::DATAGRAM {
                return Err(TooLong(len));
            }
            if self.partial.len() == HEADER + len {
                each(&self.partial[HEADER..]);
                self.partial.clear();
            }
        }
        Ok(())
    }

    fn announced(&self) -> Option<usize> {
        let header = self.partial.first_chunk::<HEADER>()?;
        Some(usize::from(u16::from_be_bytes(*header)))
    }
}

/// What stands before a datagram of this length. `None`: it is longer than a frame can be.
pub fn header(len: usize) -> Option<[u8; HEADER]> {
    u16::try_from(len).ok().map(u16::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(datagrams: &[Vec<u8>]) -> Vec<u8> {
        let framed = |datagram: &Vec<u8>| [&header(datagram.len()).expect("it is short")[..], datagram].concat();
        datagrams.iter().flat_map(framed).collect()
    }

    #[test]
    fn datagrams_come_whole_however_the_stream_is_cut() {
        let datagrams = [vec![1; 20], Vec::new(), vec![2], vec![3; limits::DATAGRAM], vec![4; 172]];
        let stream = stream(&datagrams);
        for size in (1..400).chain([stream.len()]) {
            let (mut frames, mut heard) = (Frames::default(), Vec::new());
            for part in stream.chunks(size) {
                frames.take(part, |datagram| heard.push(datagram.to_vec())).expect("none is too long");
                assert!(frames.partial.len() <= HEADER + limits::DATAGRAM);
            }
            assert_eq!(heard, datagrams, "in parts of {size}");
        }
    }

    #[test]
    fn one_that_is_too_long_ends_the_stream_at_its_header() {
        for len in [limits::DATAGRAM + 1, 65_535] {
            let (mut frames, mut heard) = (Frames::default(), 0);
            let octets = [&[0, 1, 9][..], &header(len).expect("a frame can be so long"), &[0; 64]].concat();
            assert_eq!(frames.take(&octets, |_| heard += 1), Err(TooLong(len)));
            assert_eq!((heard, frames.partial.len()), (1, HEADER));
        }
        assert_eq!(header(65_536), None);
    }
}
