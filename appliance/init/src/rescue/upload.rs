//! An update that is uploaded to the rescue page: a form (RFC 7578) with the code in its first field and the file in its second,
//! which is written while it comes.
use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use tiny_http::Request;

use super::page::Answer;
use crate::update::{Content, Running, Trouble};

/// Where it is uploaded to.
pub const PATH: &str = "/update";
/// Octets of a line in a form before the file, and how many of them there may be.
const LINE: u64 = 1_024;
const LINES: usize = 16;
/// Octets that are taken at a time.
const PIECE: usize = 16 << 10;

/// Why nothing was written, or not all of it.
pub enum Refused {
    /// It is not the code.
    Code(Answer),
    /// It is no such form.
    Form,
    /// The update is none, or cannot be written.
    Trouble(Trouble),
}

/// Reads the form of a request; `admit` is given the code before anything of the file is read. Nothing is taken any more once it is `over`.
pub fn take(
    request: &mut Request,
    over: &AtomicBool,
    admit: impl FnOnce(&[u8]) -> Result<Running, Refused>,
) -> Result<Content, Refused> {
    let length = request.body_length().ok_or(Refused::Form)? as u64;
    let kind = request.headers().iter().find(|header| header.field.equiv("Content-Type")).ok_or(Refused::Form)?;
    let boundary = boundary(kind.value.as_str()).ok_or(Refused::Form)?;
    let form = Form { body: BufReader::with_capacity(PIECE, request.as_reader()), left: length, boundary };
    form.take(over, admit)
}

/// What separates the fields, as the content type says.
fn boundary(kind: &str) -> Option<String> {
    let boundary =
        kind.strip_prefix("multipart/form-data")?.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    // RFC 2046 §5.1.1.
    (1..=70).contains(&boundary.len()).then(|| format!("--{boundary}"))
}

struct Form<R> {
    body: R,
    /// Octets that are still to come.
    left: u64,
    boundary: String,
}

impl<R: BufRead> Form<R> {
    fn take(
        mut self,
        over: &AtomicBool,
        admit: impl FnOnce(&[u8]) -> Result<Running, Refused>,
    ) -> Result<Content, Refused> {
        self.expect_boundary()?;
        if self.head()? != "code" {
            return Err(Refused::Form);
        }
        let code = self.line()?;
        self.expect_boundary()?;
        let is_file = self.head()? == "bundle";
        let mut running = admit(code.trim_ascii())?;
        // The file is the last field: it is as long as what is left but for the mark of the end, which need not be looked for.
        let end = format!("\r\n{}--\r\n", self.boundary);
        let length = self.left.checked_sub(end.len() as u64).filter(|_| is_file).ok_or(Refused::Form)?;
        self.pass(length, |octets| {
            if over.load(Ordering::Relaxed) { Err(Trouble::lost()) } else { running.installation.handle(octets) }
        })?;
        if self.left > 0 && self.rest()? != end.as_bytes() {
            return Err(Refused::Form);
        }
        running.finish(|_| {}).map_err(Refused::Trouble)
    }

    /// Where the connection breaks off, the update is not whole, which the reader of bundles finds.
    fn pass(&mut self, length: u64, mut to: impl FnMut(&[u8]) -> Result<(), Trouble>) -> Result<(), Refused> {
        let (mut piece, mut come) = (vec![0; PIECE], 0);
        while come < length {
            let wanted = (length - come).min(PIECE as u64) as usize;
            let read = self.body.read(&mut piece[..wanted]).unwrap_or(0);
            if read == 0 {
                self.left = 0;
                return Ok(());
            }
            come += read as u64;
            self.left -= read as u64;
            to(&piece[..read]).map_err(Refused::Trouble)?;
        }
        Ok(())
    }

    fn rest(&mut self) -> Result<Vec<u8>, Refused> {
        let mut rest = Vec::new();
        (&mut self.body).take(self.left).read_to_end(&mut rest).map_err(|_| Refused::Form)?;
        Ok(rest)
    }

    fn expect_boundary(&mut self) -> Result<(), Refused> {
        if self.line()?.trim_ascii_end() == self.boundary.as_bytes() { Ok(()) } else { Err(Refused::Form) }
    }

    /// The name of a field, behind whose head we are then.
    fn head(&mut self) -> Result<String, Refused> {
        let mut name = None;
        for _ in 0..LINES {
            let line = String::from_utf8(self.line()?).map_err(|_| Refused::Form)?;
            if line.trim_ascii().is_empty() {
                return name.ok_or(Refused::Form);
            }
            if line.to_ascii_lowercase().starts_with("content-disposition:") {
                let quoted = line.split(';').find_map(|part| part.trim().strip_prefix("name=\""));
                name = quoted.and_then(|name| name.split('"').next()).map(str::to_owned);
            }
        }
        Err(Refused::Form)
    }

    fn line(&mut self) -> Result<Vec<u8>, Refused> {
        let mut line = Vec::new();
        let most = LINE.min(self.left);
        let read = (&mut self.body).take(most).read_until(b'\n', &mut line).map_err(|_| Refused::Form)?;
        self.left -= read as u64;
        if line.ends_with(b"\n") { Ok(line) } else { Err(Refused::Form) }
    }
}
