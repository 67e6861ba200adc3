//! A piece of storage that is read and written at any place: a partition, or a file that stands for one.
use crate::Error;

/// Storage of a fixed length, in octets.
pub trait Storage {
    /// Fills `octets` from this place on.
    fn read_at(&mut self, offset: u64, octets: &mut [u8]) -> Result<(), Error>;

    /// Writes `octets` from this place on. They outlast a power cut only after [`Storage::flush`].
    fn write_at(&mut self, offset: u64, octets: &[u8]) -> Result<(), Error>;

    /// Returns when all that was written will outlast a power cut.
    fn flush(&mut self) -> Result<(), Error>;
}

#[cfg(feature = "linux")]
impl Storage for std::fs::File {
    fn read_at(&mut self, offset: u64, octets: &mut [u8]) -> Result<(), Error> {
        std::os::unix::fs::FileExt::read_exact_at(self, octets, offset).map_err(|error| refused(&error))
    }

    fn write_at(&mut self, offset: u64, octets: &[u8]) -> Result<(), Error> {
        std::os::unix::fs::FileExt::write_all_at(self, octets, offset).map_err(|error| refused(&error))
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.sync_all().map_err(|error| refused(&error))
    }
}

#[cfg(feature = "linux")]
fn refused(error: &std::io::Error) -> Error {
    Error::Refused("storage", error.raw_os_error().unwrap_or(0))
}
