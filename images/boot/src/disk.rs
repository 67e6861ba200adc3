//! The disk this program came from, and the partitions on it, as the firmware shows them.
use core::ptr::NonNull;

use hal::partition_table::{Geometry, Partition, find, is_named};
use hal::storage::Storage;
use uefi::Handle;
use uefi::boot::{self, AllocateType, MemoryType, OpenProtocolAttributes, OpenProtocolParams, ScopedProtocol};
use uefi::proto::ProtocolPointer;
use uefi::proto::device_path::{DevicePath, DevicePathNodeEnum, media::PartitionSignature};
use uefi::proto::loaded_image::LoadedImage;
use uefi::proto::media::block::BlockIO;

/// Reads and writes so much at a time; a multiple of every block.
const CHUNK: usize = 256 << 10;
const PAGE: usize = 4096;

/// A whole disk.
pub struct Disk {
    block_io: ScopedProtocol<BlockIO>,
    /// Pages, since disks may ask for memory that is aligned.
    buffer: NonNull<[u8]>,
    geometry: Geometry,
}

impl Disk {
    /// The disk with the partition that this program was loaded from.
    pub fn own() -> Result<Disk, &'static str> {
        let own = own_partition().ok_or("the firmware does not tell which partition this program is from")?;
        let handles = boot::find_handles::<BlockIO>().map_err(|_| "the firmware knows no disk")?;
        let mut disks = handles.into_iter().filter_map(Disk::open);
        disks
            .find_map(|mut disk| disk.holds(&own).then_some(disk))
            .ok_or("no disk has a partition table that can be read")
    }

    fn open(handle: Handle) -> Option<Disk> {
        let block_io = shared::<BlockIO>(handle)?;
        let media = block_io.media();
        let geometry = Geometry { block: u64::from(media.block_size()), blocks: media.last_block().checked_add(1)? };
        let is_whole = media.is_media_present() && !media.is_logical_partition();
        if !is_whole || !(512..=PAGE as u64).contains(&geometry.block) {
            return None;
        }
        let pages = boot::allocate_pages(AllocateType::AnyPages, MemoryType::LOADER_DATA, CHUNK / PAGE).ok()?;
        Some(Disk { block_io, buffer: NonNull::slice_from_raw_parts(pages, CHUNK), geometry })
    }

    fn holds(&mut self, own: &[u8; 16]) -> bool {
        let geometry = self.geometry;
        find(self, geometry, |_, partition| partition.id == *own).is_ok()
    }

    /// Finds a partition by its name.
    pub fn partition(&mut self, name: &str) -> Result<Partition, hal::Error> {
        let geometry = self.geometry;
        find(self, geometry, |found, _| is_named(found, name))
    }

    /// The blocks around some octets: the first one's number, how far into it the octets begin, and the length of them all.
    fn around(&self, offset: u64, length: usize) -> Result<(u64, usize, usize), hal::Error> {
        let end = offset.checked_add(length as u64).ok_or(REFUSED)?;
        let (first, last) = (offset / self.geometry.block, end.div_ceil(self.geometry.block));
        if last > self.geometry.blocks {
            return Err(REFUSED);
        }
        Ok((first, (offset % self.geometry.block) as usize, ((last - first) * self.geometry.block) as usize))
    }

    /// Reads blocks into the buffer and returns them.
    fn read_blocks(&mut self, first: u64, length: usize) -> Result<&mut [u8], hal::Error> {
        // SAFETY: the pages are this disk's own, initialised by what is read, and borrowed as long as the disk is.
        let buffer = unsafe { self.buffer.as_mut() };
        let blocks = buffer.get_mut(..length).ok_or(REFUSED)?;
        let media = self.block_io.media().media_id();
        self.block_io.read_blocks(media, first, blocks).map_err(|_| REFUSED)?;
        Ok(blocks)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // SAFETY: they were allocated as so many pages, and nobody borrows them any more. Pages not given back are lost, no more.
        let _ = unsafe { boot::free_pages(self.buffer.cast(), CHUNK / PAGE) };
    }
}

/// The firmware's error numbers tell nobody anything.
const REFUSED: hal::Error = hal::Error::Refused("disk", 0);

impl Storage for Disk {
    fn read_at(&mut self, offset: u64, octets: &mut [u8]) -> Result<(), hal::Error> {
        let mut at = offset;
        // A piece may begin within a block and then touches one more of them.
        for piece in octets.chunks_mut(CHUNK - PAGE) {
            let (first, skip, length) = self.around(at, piece.len())?;
            piece.copy_from_slice(&self.read_blocks(first, length)?[skip..skip + piece.len()]);
            at += piece.len() as u64;
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, octets: &[u8]) -> Result<(), hal::Error> {
        let (first, skip, length) = self.around(offset, octets.len())?;
        self.read_blocks(first, length)?[skip..skip + octets.len()].copy_from_slice(octets);
        // SAFETY: as in `read_blocks`, which has filled as many.
        let blocks = unsafe { &self.buffer.as_ref()[..length] };
        let media = self.block_io.media().media_id();
        self.block_io.write_blocks(media, first, blocks).map_err(|_| REFUSED)
    }

    fn flush(&mut self) -> Result<(), hal::Error> {
        self.block_io.flush_blocks().map_err(|_| REFUSED)
    }
}

/// A partition as storage of its own.
pub struct Window<'a> {
    pub disk: &'a mut Disk,
    pub partition: Partition,
}

impl Window<'_> {
    fn place(&self, offset: u64, length: usize) -> Result<u64, hal::Error> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.partition.length);
        end.map(|_| self.partition.start + offset).ok_or(REFUSED)
    }
}

impl Storage for Window<'_> {
    fn read_at(&mut self, offset: u64, octets: &mut [u8]) -> Result<(), hal::Error> {
        self.disk.read_at(self.place(offset, octets.len())?, octets)
    }

    fn write_at(&mut self, offset: u64, octets: &[u8]) -> Result<(), hal::Error> {
        self.disk.write_at(self.place(offset, octets.len())?, octets)
    }

    fn flush(&mut self) -> Result<(), hal::Error> {
        self.disk.flush()
    }
}

/// Opens a protocol beside those who have it open already, such as the firmware's own file system.
fn shared<P: ProtocolPointer + ?Sized>(handle: Handle) -> Option<ScopedProtocol<P>> {
    let params = OpenProtocolParams { handle, agent: boot::image_handle(), controller: None };
    // SAFETY: nobody closes disks while this program runs, and the firmware runs nothing beside it.
    unsafe { boot::open_protocol(params, OpenProtocolAttributes::GetProtocol) }.ok()
}

/// What tells the partition this program came from, as it stands in the partition table.
fn own_partition() -> Option<[u8; 16]> {
    let image = shared::<LoadedImage>(boot::image_handle())?;
    let path = shared::<DevicePath>(image.device()?)?;
    path.node_iter().find_map(|node| match node.as_enum() {
        Ok(DevicePathNodeEnum::MediaHardDrive(drive)) => match drive.partition_signature() {
            PartitionSignature::Guid(id) => Some(id.to_bytes()),
            _ => None,
        },
        _ => None,
    })
}
