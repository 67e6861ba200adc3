//! Reads a bundle as it streams.

use sha2::{Digest, Sha256};

use crate::{Fault, MAGIC, Manifest, PartName, Trusted, limits};

/// Octets before the manifest.
const START: usize = MAGIC.len() + 4;
/// Octets of a signature with the id of its key.
const SIGNATURE: usize = 8 + 64;

/// What a bundle has to be for this box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The board that this is.
    pub board: String,
    /// The lowest build that is taken.
    pub floor: u64,
    /// Octets that there are for the parts.
    pub room: u64,
}

/// What the octets that were taken are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Of the head, which is not whole yet.
    Head,
    /// The end of the head. It is good, and [`Reader::manifest`] has it.
    Manifest,
    /// Of this part; to be written.
    Part(PartName),
}

/// Takes a bundle, however it is cut into pieces, and keeps no more of it than its head.
///
/// ```
/// use bundle::{Expected, Piece, Reader, Trusted};
///
/// fn read(mut octets: &[u8], trusted: Trusted, expected: Expected) -> Result<Vec<u8>, bundle::Fault> {
///     let (mut reader, mut parts) = (Reader::new(trusted, expected), Vec::new());
///     while !octets.is_empty() {
///         let (taken, piece) = reader.handle(octets)?;
///         if let Piece::Part(_) = piece {
///             parts.extend_from_slice(&octets[..taken]);
///         }
///         octets = &octets[taken..];
///     }
///     reader.finish()?;
///     Ok(parts)
/// }
/// # let expected = Expected { board: "b".into(), floor: 0, room: 0 };
/// # assert_eq!(read(b"a shopping list", Trusted::default(), expected), Err(bundle::Fault::NoBundle));
/// ```
#[derive(Debug)]
pub struct Reader {
    trusted: Trusted,
    expected: Expected,
    state: State,
}

#[derive(Debug)]
enum State {
    /// What has come of the head.
    Head(Vec<u8>),
    /// In this part, of which so many octets have come.
    Part {
        manifest: Manifest,
        index: usize,
        come: u64,
        digest: Sha256,
    },
    Whole(Manifest),
    /// A fault was found, and nothing is taken any more.
    Failed(Fault),
}

impl Reader {
    /// A reader that has seen nothing yet.
    pub fn new(trusted: Trusted, expected: Expected) -> Reader {
        Reader { trusted, expected, state: State::Head(Vec::new()) }
    }

    /// Takes some of the octets, at least one where there are any, and says how many and what they are.
    ///
    /// # Errors
    /// A fault is final: it is told again from then on. A part whose octets were given away before may turn out wrong at its end.
    pub fn handle(&mut self, octets: &[u8]) -> Result<(usize, Piece), Fault> {
        let taken = match std::mem::replace(&mut self.state, State::Head(Vec::new())) {
            State::Head(head) => self.take_head(head, octets),
            State::Part { manifest, index, come, mut digest } => {
                let part = &manifest.parts[index];
                let (name, left) = (part.name, part.size - come);
                let taken = octets.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                digest.update(&octets[..taken]);
                let come = come + taken as u64;
                self.go_on(manifest, (index, come), digest).map(|()| (taken, Piece::Part(name)))
            }
            State::Whole(manifest) if octets.is_empty() => {
                self.state = State::Whole(manifest);
                Ok((0, Piece::Part(PartName::Kernel)))
            }
            State::Whole(_) => Err(Fault::TooLong),
            State::Failed(fault) => Err(fault),
        };
        taken.inspect_err(|fault| self.state = State::Failed(fault.clone()))
    }

    /// What the bundle says of itself, once its head is good.
    pub fn manifest(&self) -> Option<&Manifest> {
        match &self.state {
            State::Part { manifest, .. } | State::Whole(manifest) => Some(manifest),
            State::Head(_) | State::Failed(_) => None,
        }
    }

    /// Nothing more will come: whether that was all.
    ///
    /// # Errors
    /// [`Fault::Truncated`], or the fault that was found before.
    pub fn finish(&self) -> Result<&Manifest, Fault> {
        match &self.state {
            State::Whole(manifest) => Ok(manifest),
            State::Failed(fault) => Err(fault.clone()),
            State::Head(head) => {
                Err(Fault::Truncated { missing: wanted(head)?.saturating_sub(head.len()).max(1) as u64 })
            }
            State::Part { manifest, index, come, .. } => {
                let left: u64 = manifest.parts[*index..].iter().map(|part| part.size).sum();
                Err(Fault::Truncated { missing: left - come })
            }
        }
    }

    fn take_head(&mut self, mut head: Vec<u8>, octets: &[u8]) -> Result<(usize, Piece), Fault> {
        let missing = wanted(&head)? - head.len();
        let taken = octets.len().min(missing);
        head.extend_from_slice(&octets[..taken]);
        let known = head.len().min(MAGIC.len());
        if head[..known] != MAGIC[..known] {
            return Err(Fault::NoBundle);
        }
        if wanted(&head)? > head.len() {
            self.state = State::Head(head);
            return Ok((taken, Piece::Head));
        }
        let manifest = self.admit(&head)?;
        self.state = State::Part { manifest, index: 0, come: 0, digest: Sha256::new() };
        Ok((taken, Piece::Manifest))
    }

    /// The manifest of a whole head, if it is signed and for this box.
    fn admit(&self, head: &[u8]) -> Result<Manifest, Fault> {
        let end = START + manifest_length(head).ok_or(Fault::Head)?;
        let (signed, signatures) = head.split_at(end);
        let known = signatures[1..].chunks_exact(SIGNATURE).filter_map(|signature| {
            let (id, signature) = signature.split_at(8);
            Some((self.trusted.find(id)?, signature))
        });
        let known: Vec<_> = known.collect();
        if known.is_empty() {
            return Err(Fault::UnknownKey);
        }
        if !known.iter().any(|(key, signature)| key.has_signed(signed, signature)) {
            return Err(Fault::WrongSignature);
        }
        let manifest = Manifest::parse(&signed[START..])?;
        let Expected { board, floor, room } = &self.expected;
        if manifest.board != *board {
            return Err(Fault::WrongBoard { wanted: manifest.board, here: board.clone() });
        }
        if manifest.build < *floor {
            return Err(Fault::BelowFloor { version: manifest.version, build: manifest.build, floor: *floor });
        }
        if manifest.room() > *room {
            return Err(Fault::TooLarge { needed: manifest.room(), room: *room });
        }
        Ok(manifest)
    }

    /// After octets of a part: the same part, the next one, or the end.
    fn go_on(&mut self, manifest: Manifest, (index, come): (usize, u64), digest: Sha256) -> Result<(), Fault> {
        let part = &manifest.parts[index];
        if come < part.size {
            self.state = State::Part { manifest, index, come, digest };
            return Ok(());
        }
        if digest.finalize()[..] != part.sha256 {
            return Err(Fault::WrongHash(part.name));
        }
        self.state = if index + 1 < manifest.parts.len() {
            State::Part { manifest, index: index + 1, come: 0, digest: Sha256::new() }
        } else {
            State::Whole(manifest)
        };
        Ok(())
    }
}

fn manifest_length(head: &[u8]) -> Option<usize> {
    Some(u32::from_be_bytes(*head.get(MAGIC.len()..START)?.first_chunk()?) as usize)
}

/// How long a head has to be, as far as that can be said of its beginning.
fn wanted(head: &[u8]) -> Result<usize, Fault> {
    let Some(length) = manifest_length(head) else { return Ok(START) };
    if length == 0 || length > limits::MANIFEST {
        return Err(Fault::Head);
    }
    match head.get(START + length) {
        None => Ok(START + length + 1),
        Some(&count) if (1..=limits::SIGNATURES).contains(&usize::from(count)) => {
            Ok(START + length + 1 + usize::from(count) * SIGNATURE)
        }
        Some(_) => Err(Fault::Head),
    }
}

#[cfg(test)]
mod tests;
