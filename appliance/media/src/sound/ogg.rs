//! The pages of an Ogg file (RFC 3533), and the packets on them.
//!
//! A page whose checksum is wrong is left out, and the next one is looked for. Of packets longer than
//! [`limits::OPUS_PACKET`] nothing is kept, so that no file can make us keep more.

use std::io::{Read, Seek};

use super::SoundError;
use super::input::Input;
use crate::limits;

/// The longest page: its head, its lacing, 255 segments of 255 octets.
const LONGEST: usize = HEAD + 255 + 255 * 255;
const HEAD: usize = 27;

/// One page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// Its first octets continue a packet of the page before.
    continues: bool,
    /// The first page of its stream.
    pub begins: bool,
    /// The last page of its stream.
    pub ends: bool,
    /// What the last packet that ends on it brings the stream to; `None` when none ends.
    pub granule: Option<u64>,
    /// Which stream it belongs to.
    pub serial: u32,
    /// Octets, all together.
    length: usize,
    segments: usize,
}

/// Goes from page to page, and on each from packet to packet. The page stays in the window of the input.
#[derive(Debug)]
pub(super) struct Pages {
    page: Option<Page>,
    // Where the next segment's length and the segment itself stand on the page.
    segment: usize,
    offset: usize,
    // The beginning of a packet that goes on on the next page.
    pending: Vec<u8>,
    // It is too long, or its beginning was on a page that is lost.
    is_unusable: bool,
}

impl Pages {
    /// Before the first page of `input`, whose window is made wide enough for any.
    pub fn new<R: Read + Seek>(input: &mut Input<R>) -> Pages {
        input.widen(LONGEST);
        Pages { page: None, segment: 0, offset: 0, pending: Vec::new(), is_unusable: false }
    }

    /// Goes to the next page. `None` at the end of the file; a page that is cut off is no page.
    pub fn next_page<R: Read + Seek>(&mut self, input: &mut Input<R>) -> Result<Option<Page>, SoundError> {
        if let Some(page) = self.page.take() {
            input.consume(page.length);
        }
        let begin = input.at();
        loop {
            if let Some(page) = parse(input.peek(LONGEST)?) {
                self.page = Some(page);
                (self.segment, self.offset) = (0, HEAD + page.segments);
                if page.begins || !page.continues {
                    self.forget();
                }
                if page.continues && self.pending.is_empty() && !self.is_unusable {
                    self.is_unusable = true;
                }
                return Ok(Some(page));
            }
            let window = input.peek(LONGEST)?;
            if window.is_empty() {
                return Ok(None);
            }
            let next = window[1..].iter().position(|octet| *octet == b'O').map_or(window.len(), |at| at + 1);
            input.consume(next);
            if input.at() - begin > limits::OGG_SEARCH {
                return Err(SoundError::malformed(begin, "no Ogg page with a correct checksum within 256 KiB"));
            }
        }
    }

    /// Puts the next packet that ends on this page into `packet`, or nothing if it is too long or has no beginning. `false`: no
    /// other one ends here.
    pub fn next_packet<R: Read + Seek>(
        &mut self,
        input: &mut Input<R>,
        packet: &mut Vec<u8>,
    ) -> Result<bool, SoundError> {
        packet.clear();
        let Some(page) = self.page else { return Ok(false) };
        let octets = input.peek(page.length)?;
        while self.segment < page.segments {
            let length = usize::from(octets[HEAD + self.segment]);
            self.is_unusable |= self.pending.len() + length > limits::OPUS_PACKET;
            if self.is_unusable {
                self.pending.clear();
            } else {
                self.pending.extend_from_slice(&octets[self.offset..self.offset + length]);
            }
            self.segment += 1;
            self.offset += length;
            if length < 255 {
                std::mem::swap(&mut self.pending, packet);
                self.is_unusable = false;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Shows the first octets of each packet that ends on this page and was not taken yet.
    pub fn look<R: Read + Seek>(&self, input: &mut Input<R>, mut each: impl FnMut(&[u8])) -> Result<(), SoundError> {
        let Some(page) = self.page else { return Ok(()) };
        let octets = input.peek(page.length)?;
        let (mut begin, mut offset, mut pending) = (self.offset, self.offset, !self.pending.is_empty());
        for segment in self.segment..page.segments {
            let length = usize::from(octets[HEAD + segment]);
            offset += length;
            if length < 255 {
                each(if pending { &self.pending } else { &octets[begin..offset] });
                (begin, pending) = (offset, false);
            }
        }
        Ok(())
    }

    /// Nothing on this page is wanted.
    pub fn leave_out(&mut self) {
        self.segment = self.page.map_or(0, |page| page.segments);
    }

    fn forget(&mut self) {
        self.pending.clear();
        self.is_unusable = false;
    }
}

/// The page that begins `octets`, if one does and is whole.
fn parse(octets: &[u8]) -> Option<Page> {
    let head = octets.first_chunk::<HEAD>().filter(|head| head.starts_with(b"OggS") && head[4] == 0)?;
    let segments = usize::from(head[26]);
    let lacing = octets.get(HEAD..HEAD + segments)?;
    let length = HEAD + segments + lacing.iter().map(|octet| usize::from(*octet)).sum::<usize>();
    let page = octets.get(..length)?;
    // The checksum is made as if it were not there itself.
    let sum = checksum(checksum(checksum(0, &page[..22]), &[0; 4]), &page[26..]);
    if head[22..26] != sum.to_le_bytes() {
        return None;
    }
    let granule = head[6..14].first_chunk().map(|octets| u64::from_le_bytes(*octets))?;
    Some(Page {
        continues: head[5] & 1 != 0,
        begins: head[5] & 2 != 0,
        ends: head[5] & 4 != 0,
        granule: (granule != u64::MAX).then_some(granule),
        serial: u32::from_le_bytes([head[14], head[15], head[16], head[17]]),
        length,
        segments,
    })
}

/// The remainder of the polynomial 0x04C11DB7, highest bit first, for each octet.
static REMAINDERS: [u32; 256] = remainders();

const fn remainders() -> [u32; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let mut remainder = (octet as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            remainder = (remainder << 1) ^ if remainder & 0x8000_0000 != 0 { 0x04C1_1DB7 } else { 0 };
            bit += 1;
        }
        table[octet] = remainder;
        octet += 1;
    }
    table
}

/// Goes on with a checksum.
pub(super) fn checksum(sum: u32, octets: &[u8]) -> u32 {
    octets.iter().fold(sum, |sum, octet| (sum << 8) ^ REMAINDERS[usize::from((sum >> 24) as u8 ^ octet)])
}
