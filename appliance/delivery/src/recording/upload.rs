//! One file on its way to the bucket: what is there already is not sent again, and nothing counts as there that was not looked at.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use md5::{Digest, Md5};
use sha2::Sha256;
use store::recording::Step;

use super::bucket::{self, Bucket};
use crate::limits;

/// What is to be brought, and what is known of an earlier try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// What it is called in the bucket.
    pub object: String,
    /// The bucket's name of an upload that was begun, if one was.
    pub upload_id: Option<String>,
}

/// Why a file is not in the bucket.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bucket says no, or nothing.
    #[error(transparent)]
    Bucket(#[from] bucket::Error),
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    File(#[from] io::Error),
    /// What arrived is not what was sent.
    #[error("what arrived in the bucket is not what was sent")]
    Damaged,
    /// That it is on its way could not be written down.
    #[error("the database does not take it down at the moment")]
    NotWritten,
}

/// Writes a step down; false where that is not possible at the moment.
pub type Tell<'a> = &'a mut dyn FnMut(Step) -> bool;

/// What a file is, by its sums.
#[derive(Debug)]
struct Sums {
    octets: u64,
    sha256: String,
    /// The MD5 of each part.
    parts: Vec<[u8; 16]>,
}

/// Brings a file to the bucket. Returns the file's SHA-256 in hex once the bucket has it whole; `tell` is told what has to survive a restart
/// before anything relies on it.
pub fn upload(bucket: &Bucket, path: &Path, parcel: &Parcel, tell: Tell<'_>) -> Result<String, Error> {
    let mut file = File::open(path)?;
    let sums = Sums::of(&mut file)?;
    let object = parcel.object.as_str();
    // The answer to an earlier try may have been lost when all was there.
    if parcel.upload_id.is_some() && is_there(bucket, object, &sums)? {
        return Ok(sums.sha256);
    }
    if sums.parts.len() == 1 {
        note(tell, parcel, None)?;
        bucket.put(object, &piece(&mut file, 0, sums.octets)?, &sums.parts[0])?;
    } else {
        upload_parts(bucket, (&mut file, &sums), parcel, tell)?;
    }
    match is_there(bucket, object, &sums)? {
        true => Ok(sums.sha256),
        false => {
            // What is there is of no use; the next try begins anew.
            note(tell, parcel, None)?;
            Err(Error::Damaged)
        }
    }
}

fn note(tell: Tell<'_>, parcel: &Parcel, upload_id: Option<String>) -> Result<(), Error> {
    let begun = Step::Begun { object: parcel.object.clone(), upload_id };
    if tell(begun) { Ok(()) } else { Err(Error::NotWritten) }
}

fn upload_parts(
    bucket: &Bucket,
    (file, sums): (&mut File, &Sums),
    parcel: &Parcel,
    tell: Tell<'_>,
) -> Result<(), Error> {
    let object = parcel.object.as_str();
    let earlier = match &parcel.upload_id {
        None => None,
        Some(id) => match bucket.parts(object, id) {
            Ok(parts) => Some((id.clone(), parts)),
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(error.into()),
        },
    };
    let (upload_id, there) = match earlier {
        Some(earlier) => earlier,
        None => {
            let id = bucket.create_upload(object)?;
            note(tell, parcel, Some(id.clone()))?;
            (id, Vec::new())
        }
    };
    let mut etags = Vec::with_capacity(sums.parts.len());
    for (index, md5) in sums.parts.iter().enumerate() {
        let (number, at) = (index as u16 + 1, index as u64 * limits::PART_BYTES);
        let octets = limits::PART_BYTES.min(sums.octets - at);
        let is_it = |part: &&bucket::Part| {
            part.number == number && part.octets == octets && part.etag.eq_ignore_ascii_case(&hex::encode(md5))
        };
        match there.iter().find(is_it) {
            Some(part) => etags.push(part.etag.clone()),
            None => {
                let piece = piece(file, at, octets)?;
                etags.push(bucket.upload_part((object, &upload_id), number, (&piece, md5))?);
            }
        }
    }
    Ok(bucket.complete(object, &upload_id, &etags)?)
}

/// Whether the bucket has exactly this file. Its ETag says so where it is made of MD5s as usual; where it is not (a
/// bucket that encrypts), all of it is fetched and looked at.
fn is_there(bucket: &Bucket, object: &str, sums: &Sums) -> Result<bool, Error> {
    let Some(found) = bucket.look(object)? else { return Ok(false) };
    if found.octets != sums.octets {
        return Ok(false);
    }
    Ok(found.etag.eq_ignore_ascii_case(&sums.etag()) || bucket.hash(object)? == sums.sha256)
}

fn piece(file: &mut File, at: u64, octets: u64) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; octets as usize];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut piece)?;
    Ok(piece)
}

impl Sums {
    fn of(file: &mut File) -> io::Result<Sums> {
        let (mut whole, mut octets, mut parts) = (Sha256::new(), 0, Vec::new());
        let mut buffer = vec![0; 64 * 1_024];
        loop {
            let (mut part, mut part_octets) = (Md5::new(), 0);
            while part_octets < limits::PART_BYTES {
                let most = (buffer.len() as u64).min(limits::PART_BYTES - part_octets) as usize;
                let count = file.read(&mut buffer[..most])?;
                if count == 0 {
                    break;
                }
                whole.update(&buffer[..count]);
                part.update(&buffer[..count]);
                part_octets += count as u64;
            }
            octets += part_octets;
            if part_octets > 0 || parts.is_empty() {
                parts.push(part.finalize().into());
            }
            if part_octets < limits::PART_BYTES {
                return Ok(Sums { octets, sha256: hex::encode(whole.finalize()), parts });
            }
        }
    }

    /// What S3 calls it: the MD5 of one part, or that of all the parts' MD5s and how many they are.
    fn etag(&self) -> String {
        match self.parts.as_slice() {
            [one] => hex::encode(one),
            parts => format!("{}-{}", hex::encode(Md5::digest(parts.concat())), parts.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn sums(octets: u64) -> Sums {
        let mut file = tempfile::tempfile().expect("the temporary folder is writable");
        file.write_all(&vec![7; octets as usize]).expect("the disk has room");
        file.rewind().expect("a file can be read again");
        Sums::of(&mut file).expect("it can be read")
    }

    #[test]
    fn a_file_is_cut_into_parts_and_called_as_s3_calls_it() {
        let part = limits::PART_BYTES;
        for (octets, parts) in [(0, 1), (1, 1), (part, 1), (part + 1, 2), (2 * part, 2), (2 * part + 9, 3)] {
            let sums = sums(octets);
            assert_eq!((sums.octets, sums.parts.len()), (octets, parts), "{octets}");
            assert_eq!(sums.etag().ends_with(&format!("-{parts}")), parts > 1);
        }
        assert_eq!(sums(0).etag(), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
