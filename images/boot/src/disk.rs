//! The disk this program came from, and the partitions on it, as the firmware shows them.
use alloc::vec;

use hal::partition_table::{Geometry, Partition, find, is_named};
use hal::storage::Storage;
use uefi::Handle;
use uefi::boot::{self, OpenProtocolAttributes, OpenProtocolParams, ScopedProtocol};
use uefi::proto::ProtocolPointer;
use uefi::proto::device_path::{DevicePath, DevicePathNodeEnum, media::PartitionSignature};
use uefi::proto::loaded_image::LoadedImage;
use uefi::proto::media::block::BlockIO;

/// Reads so much at a time; a multiple of every block.
const CHUNK: usize = 256 << 10;

/// A whole disk.
pub struct Disk {
    block_io: ScopedProtocol<BlockIO>,
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
        (is_whole && (512..=4096).contains(&geometry.block)).then_some(Disk { block_io, geometry })
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

    /// The blocks around some octets: the first one's number and offset, and how many there are.
    fn around(&self, offset: u64, length: usize) -> Result<(u64, usize, usize), hal::Error> {
        let end = offset.checked_add(length as u64).ok_or(REFUSED)?;
        let (first, last) = (offset / self.geometry.block, end.div_ceil(self.geometry.block));
        if last > self.geometry.blocks {
            return Err(REFUSED);
        }
        Ok((first, (offset % self.geometry.block) as usize, ((last - first) * self.geometry.block) as usize))
    }
}

/// The firmware's error numbers tell nobody anything.
const REFUSED: hal::Error = hal::Error::Refused("disk", 0);

impl Storage for Disk {
    fn read_at(&mut self, offset: u64, octets: &mut [u8]) -> Result<(), hal::Error> {
        let media = self.block_io.media().media_id();
        // Large pieces whose blocks are whole go straight to their place.
        let mut done = 0;
        for piece in octets.chunks_mut(CHUNK) {
            let at = offset + done;
            done += piece.len() as u64;
            let (first, skip, length) = self.around(at, piece.len())?;
            if skip == 0 && length == piece.len() {
                self.block_io.read_blocks(media, first, piece).map_err(|_| REFUSED)?;
                continue;
            }
            let mut blocks = vec![0; length];
            self.block_io.read_blocks(media, first, &mut blocks).map_err(|_| REFUSED)?;
            piece.copy_from_slice(&blocks[skip..skip + piece.len()]);
        }
        Ok(())
    }

    fn write_at(&mut self, offset: u64, octets: &[u8]) -> Result<(), hal::Error> {
        let media = self.block_io.media().media_id();
        let (first, skip, length) = self.around(offset, octets.len())?;
        let mut blocks = vec![0; length];
        self.block_io.read_blocks(media, first, &mut blocks).map_err(|_| REFUSED)?;
        blocks[skip..skip + octets.len()].copy_from_slice(octets);
        self.block_io.write_blocks(media, first, &blocks).map_err(|_| REFUSED)
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
