//! A file seen through a small window.

use std::io::{self, Read, Seek, SeekFrom};

use super::SoundError;

/// Octets of the window unless it is widened: the most that can be looked at ahead, a few frames of MP3.
pub const WINDOW: usize = 16 * 1_024;

/// Reads ahead, and knows where it stands for those who complain.
#[derive(Debug)]
pub struct Input<R> {
    inner: R,
    window: Box<[u8]>,
    start: usize,
    end: usize,
    at: u64,
}

impl<R: Read + Seek> Input<R> {
    /// From where `inner` stands; this is octet 0.
    pub fn new(inner: R) -> Input<R> {
        Input { inner, window: vec![0; WINDOW].into_boxed_slice(), start: 0, end: 0, at: 0 }
    }

    /// The octet that comes next.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Makes the window at least `count` octets wide.
    pub fn widen(&mut self, count: usize) {
        if count > self.window.len() {
            let mut window = vec![0; count].into_boxed_slice();
            window[..self.end].copy_from_slice(&self.window[..self.end]);
            self.window = window;
        }
    }

    /// The next `count` octets, at most as many as the window has, without taking them; fewer only at the end of the file.
    pub fn peek(&mut self, count: usize) -> Result<&[u8], SoundError> {
        let count = count.min(self.window.len());
        while self.end - self.start < count {
            if self.start > 0 && self.window.len() - self.start < count {
                self.window.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            match self.inner.read(&mut self.window[self.end..]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(SoundError::Read { at: self.at, error }),
            }
        }
        Ok(&self.window[self.start..self.end.min(self.start + count)])
    }

    /// The next `N` octets, taken; `None` at the end of the file, where nothing is taken.
    pub fn take<const N: usize>(&mut self) -> Result<Option<[u8; N]>, SoundError> {
        let taken = self.peek(N)?.first_chunk::<N>().copied();
        if taken.is_some() {
            self.consume(N);
        }
        Ok(taken)
    }

    /// Takes octets that were looked at.
    pub fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start, "what is taken was looked at");
        let count = count.min(self.end - self.start);
        self.start += count;
        self.at += count as u64;
    }

    /// Leaves out so many octets, even beyond the end of the file.
    pub fn skip(&mut self, count: u64) -> Result<(), SoundError> {
        let here = count.min((self.end - self.start) as u64);
        self.consume(here as usize);
        let mut beyond = count - here;
        while beyond > 0 {
            let step = beyond.min(i64::MAX as u64);
            self.inner.seek(SeekFrom::Current(step as i64)).map_err(|error| SoundError::Read { at: self.at, error })?;
            self.at += step;
            beyond -= step;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Gives one octet at a time, and now and then none.
    struct Dripping(Cursor<Vec<u8>>, bool);

    impl Read for Dripping {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            match self.1 {
                true => Err(io::ErrorKind::Interrupted.into()),
                false => self.0.read(&mut buffer[..1]),
            }
        }
    }

    impl Seek for Dripping {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn it_shows_takes_and_skips() {
        let octets: Vec<u8> = (0..40_000_u32).map(|octet| octet as u8).collect();
        let mut input = Input::new(Dripping(Cursor::new(octets), false));
        assert_eq!(input.peek(3).unwrap(), [0, 1, 2]);
        assert_eq!(input.take::<2>().unwrap(), Some([0, 1]));
        input.skip(30_000).unwrap();
        assert_eq!((input.at(), input.take::<1>().unwrap()), (30_002, Some([30_002_u32 as u8])));
        assert_eq!(input.peek(20_000).unwrap().len(), 9_997);
        input.skip(9_996).unwrap();
        assert_eq!((input.take::<2>().unwrap(), input.at()), (None, 39_999));
        input.skip(u64::from(u32::MAX)).unwrap();
        assert_eq!(input.peek(1).unwrap(), []);
    }

    #[test]
    fn an_error_says_where() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("a scratch"))
            }
        }
        impl Seek for Broken {
            fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
                Ok(0)
            }
        }
        let mut input = Input::new(Broken);
        input.skip(7).unwrap();
        assert_eq!(input.peek(1).unwrap_err().to_string(), "cannot read at octet 7: a scratch");
    }
}
