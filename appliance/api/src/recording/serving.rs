//! Gives out a file, whole or a range of it (RFC 9110 §14), without ever having more than a piece of it in memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use store::recording::{Record, RecordingFormat};

use crate::failure::{Failure, Status};
use crate::limits;
use crate::state::State;

/// Where the file of a recording is, if it has one.
pub(super) fn place(state: &State, record: &Record) -> Option<PathBuf> {
    let path = Path::new(record.path.as_deref()?);
    // The path is one of our own; still nothing leads out of the folder.
    let stays = path.components().all(|part| matches!(part, Component::Normal(_)));
    stays.then(|| state.recordings().join(path))
}

/// The file, or the range of it that `headers` ask for.
pub(super) async fn serve(state: &State, record: &Record, headers: &HeaderMap) -> Result<Response, Failure> {
    let missing = || Failure::not_found("recordingfile");
    let path = place(state, record).ok_or_else(missing)?;
    let opened = tokio::task::spawn_blocking(move || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        std::io::Result::Ok((file, length))
    });
    let (file, length) = match opened.await.map_err(|_| Failure::internal())? {
        Ok(opened) => opened,
        Err(error) => {
            tracing::warn!(%error, id = %record.id, "the file of a recording cannot be read");
            return Err(missing());
        }
    };
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let (status, range) = match asked.map_or(Asked::All, |text| Asked::parse(text, length)) {
        Asked::All => (StatusCode::OK, (0, length)),
        Asked::Part(from, to) => (StatusCode::PARTIAL_CONTENT, (from, to)),
        Asked::Nothing => return Ok(unsatisfiable(length)),
    };
    let (kind, extension) = match record.format {
        RecordingFormat::Wav => ("audio/wav", "wav"),
        RecordingFormat::Mp3 => ("audio/mpeg", "mp3"),
    };
    let (from, to) = range;
    let mut response = (status, Body::from_stream(pieces(file, from, to))).into_response();
    let named = format!("inline; filename=\"{}.{extension}\"", record.id);
    let out = response.headers_mut();
    let mut put = |name, value: String| {
        out.insert(name, HeaderValue::try_from(value).expect("numbers, ids and words of ours are ASCII"));
    };
    put(header::CONTENT_TYPE, kind.to_owned());
    put(header::CONTENT_LENGTH, (to - from).to_string());
    put(header::ACCEPT_RANGES, "bytes".to_owned());
    put(header::CONTENT_DISPOSITION, named);
    if status == StatusCode::PARTIAL_CONTENT {
        put(header::CONTENT_RANGE, format!("bytes {from}-{}/{length}", to - 1));
    }
    Ok(response)
}

fn unsatisfiable(length: u64) -> Response {
    let failure = Failure::new(Status::InvalidArgument, "RANGE_NOT_SATISFIABLE", "the file has no such range");
    let mut response = failure.with_http(416).into_response();
    let range = HeaderValue::try_from(format!("bytes */{length}")).expect("a number is ASCII");
    response.headers_mut().insert(header::CONTENT_RANGE, range);
    response
}

/// What a request wants of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The whole of it. Also where several ranges are asked for, or it cannot be understood: RFC 9110 §14.2 lets us.
    All,
    /// From this octet up to, and without, that one.
    Part(u64, u64),
    /// Nothing that there is.
    Nothing,
}

impl Asked {
    fn parse(range: &str, length: u64) -> Asked {
        let Some((from, to)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
            return Asked::All;
        };
        let last = length.saturating_sub(1);
        let (from, to) = match (from.parse::<u64>(), to.parse::<u64>()) {
            (Ok(from), Ok(to)) if from <= to => (from, to.min(last)),
            (Ok(from), _) if to.is_empty() => (from, last),
            (_, Ok(0)) if from.is_empty() => return Asked::Nothing,
            (_, Ok(count)) if from.is_empty() => (length.saturating_sub(count), last),
            _ => return Asked::All,
        };
        if from >= length { Asked::Nothing } else { Asked::Part(from, to + 1) }
    }
}

/// The octets of a file between two places, a piece at a time; each is read where waiting for a disk holds up nobody.
fn pieces(file: File, from: u64, to: u64) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((file, from), move |(mut file, at)| async move {
        let count = (to - at).min(limits::FILE_PIECE as u64) as usize;
        if count == 0 {
            return Ok(None);
        }
        let reading = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; count];
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut piece)?;
            std::io::Result::Ok((piece, file))
        });
        let (piece, file) = reading.await.map_err(std::io::Error::other)??;
        Ok(Some((Bytes::from(piece), (file, at + count as u64))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        for (range, asked) in [
            ("bytes=0-499", Asked::Part(0, 500)),
            ("bytes=500-999", Asked::Part(500, 1_000)),
            ("bytes=9500-", Asked::Part(9_500, 10_000)),
            ("bytes=-500", Asked::Part(9_500, 10_000)),
            ("bytes=-20000", Asked::Part(0, 10_000)),
            ("bytes=0-0", Asked::Part(0, 1)),
            ("bytes=9999-20000", Asked::Part(9_999, 10_000)),
            ("bytes=10000-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-4", Asked::All),
            ("bytes=0-1,5-6", Asked::All),
            ("bytes=a-b", Asked::All),
            ("bytes=-", Asked::All),
            ("items=0-1", Asked::All),
        ] {
            assert_eq!(Asked::parse(range, 10_000), asked, "{range}");
        }
        assert_eq!((Asked::parse("bytes=0-", 0), Asked::parse("bytes=-5", 0)), (Asked::Nothing, Asked::Nothing));
    }
}
