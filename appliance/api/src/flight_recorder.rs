//! `/v1.0/flight-recorder`: what the board has recorded of itself.

use std::fs;
use std::io;
use std::path::Path;

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;

/// Hands out what the board has recorded of itself: starts, ends and hangs of the exchange, addresses, the clock, buttons. It is
/// short because it has no texts: `make blackbox FILE` puts them in, where the image was built.
#[utoipa::path(
    get,
    path = "/v1.0/flight-recorder",
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "FLIGHT_RECORDER_NOT_FOUND: this is no board of ours"),
    ),
    tag = "box"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<Response, Failure> {
    let missing = || Failure::not_found("flight_recorder");
    let path = state.flight_recorder().ok_or_else(missing)?.to_owned();
    let read = tokio::task::spawn_blocking(move || read(&path)).await.map_err(|_| Failure::internal())?;
    let recorded = read.map_err(|error| {
        tracing::error!(%error, "cannot read the flight recorder");
        Failure::internal()
    })?;
    let name = "attachment; filename=\"flight-recorder\"";
    let head = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CONTENT_DISPOSITION, name)];
    Ok((head, recorded.ok_or_else(missing)?).into_response())
}

/// Both of its files, the older one first; each is bounded by who writes it.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut recorded = None;
    for file in [path.with_extension("old"), path.to_owned()] {
        match fs::read(file) {
            Ok(octets) => recorded.get_or_insert_with(Vec::new).extend(octets),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(recorded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_file_comes_first_and_none_is_none() {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let path = folder.path().join("flight-recorder");
        assert_eq!(read(&path).expect("it is not there"), None);
        fs::write(&path, "new").expect("it is writable");
        assert_eq!(read(&path).expect("it is there").as_deref(), Some(&b"new"[..]));
        fs::write(path.with_extension("old"), "old ").expect("it is writable");
        assert_eq!(read(&path).expect("they are there").as_deref(), Some(&b"old new"[..]));
        assert!(read(folder.path()).is_err(), "a folder is no file");
    }
}
