//! A bucket in the shape of S3: Amazon's, that of Google Cloud Storage by its interoperable door, MinIO and others.

use std::io::Read;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp as Moment;
use rusty_s3::actions::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, DeleteObject, GetObject, HeadObject,
    ListParts, PutObject, UploadPart,
};
use rusty_s3::{Credentials, S3Action, UrlStyle};
use sha2::{Digest, Sha256};
use store::Timestamp;
use ureq::http::Response;
use ureq::typestate::WithBody;
use ureq::{Agent, Body, RequestBuilder};

use crate::{Pace, limits};

/// Where recordings go.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The service: `https://s3.eu-central-1.amazonaws.com`, `https://storage.googleapis.com`.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket's name.
    pub name: String,
    /// The name of the key.
    pub key_id: String,
    /// The key.
    pub secret: String,
}

/// Reads the wall clock, which signatures need.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A bucket that can be asked.
#[derive(Clone)]
pub struct Bucket {
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
    agent: Agent,
    clock: Clock,
    pace: Arc<Pace>,
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no answer, or half of one.
    #[error("the bucket cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is no.
    #[error("the bucket answers {status} {code}: {message}")]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// The word of S3 for it; empty where there is none.
        code: String,
        /// What it says.
        message: String,
    },
    /// The answer makes no sense.
    #[error("the bucket answers what cannot be understood: {0}")]
    Odd(String),
}

/// A part of an upload that the bucket has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which one, from 1 on.
    pub number: u16,
    /// Its name for what is in it.
    pub etag: String,
    /// Octets of it.
    pub octets: u64,
}

/// An upload of several parts that was begun, and neither completed nor given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// What it is to become.
    pub object: String,
    /// The bucket's name of it.
    pub upload_id: String,
}

/// What the bucket says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Octets of it.
    pub octets: u64,
    /// Its name for what is in it, without quotes.
    pub etag: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Account { endpoint, region, name, key_id, .. } = self;
        write!(f, "Account({endpoint} {region} {name} {key_id})")
    }
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bucket({})", self.bucket.base_url())
    }
}

impl Part {
    /// What stands behind the tag of a part in a list of them; services differ in all that is around it.
    fn read(text: &str) -> Option<Part> {
        let number = word(text, "PartNumber")?.parse().ok()?;
        let etag = bare(&word(text, "ETag")?.replace("&quot;", "\""));
        Some(Part { number, etag, octets: word(text, "Size")?.parse().ok()? })
    }
}

impl Upload {
    /// What stands behind the tag of an upload in a list of them.
    fn read(text: &str) -> Option<Upload> {
        Some(Upload { object: word(text, "Key")?.to_owned(), upload_id: word(text, "UploadId")?.to_owned() })
    }
}

impl Error {
    /// Whether the bucket would say the same however often it is asked.
    pub fn is_final(&self) -> bool {
        matches!(self, Error::Refused { status: 400 | 401 | 403 | 405 | 501, .. })
    }

    /// Whether the bucket says that there is no such thing.
    pub fn is_missing(&self) -> bool {
        matches!(self, Error::Refused { status: 404, code, .. } if code != "NoSuchBucket")
    }
}

impl Bucket {
    /// The bucket of an account; why not, where the address is none.
    pub fn new(account: &Account, agent: Agent, clock: Clock) -> Result<Bucket, String> {
        let wrong = |error: String| format!("“{}” is no address of a bucket's service: {error}", account.endpoint);
        let endpoint = account.endpoint.parse().map_err(|_| wrong("it must begin with https:// or http://".into()))?;
        // A name in the path works with every service, also with one that has no names of its own.
        let (name, region) = (account.name.clone(), account.region.clone());
        let bucket = rusty_s3::Bucket::new(endpoint, UrlStyle::Path, name, region);
        let bucket = bucket.map_err(|error| wrong(error.to_string()))?;
        let credentials = Credentials::new(account.key_id.clone(), account.secret.clone());
        Ok(Bucket { bucket, credentials, agent, clock, pace: Arc::new(Pace::new(None)) })
    }

    /// The same, sending no faster than this.
    pub fn paced(self, pace: Arc<Pace>) -> Bucket {
        Bucket { pace, ..self }
    }

    /// Puts a whole object there. The bucket refuses it where what arrives has another MD5.
    pub fn put(&self, object: &str, octets: &[u8], md5: &[u8; 16]) -> Result<(), Error> {
        let md5 = STANDARD.encode(md5);
        let mut action = PutObject::new(&self.bucket, Some(&self.credentials), object);
        action.headers_mut().insert("content-md5", md5.clone());
        let request = self.agent.put(self.sign(&action)).header("content-md5", &md5);
        answer(self.send(request, octets)).map(drop)
    }

    /// Begins an upload of several parts, and gives its name.
    pub fn create_upload(&self, object: &str) -> Result<String, Error> {
        let action = CreateMultipartUpload::new(&self.bucket, Some(&self.credentials), object);
        let text = text(answer(self.agent.post(self.sign(&action)).send_empty())?)?;
        word(&text, "UploadId").map(str::to_owned).ok_or_else(|| Error::Odd("an upload without a name".into()))
    }

    /// Puts one part there, and gives the bucket's name for what is in it.
    pub fn upload_part(
        &self,
        (object, upload_id): (&str, &str),
        number: u16,
        (octets, md5): (&[u8], &[u8; 16]),
    ) -> Result<String, Error> {
        let md5 = STANDARD.encode(md5);
        let mut action = UploadPart::new(&self.bucket, Some(&self.credentials), object, number, upload_id);
        action.headers_mut().insert("content-md5", md5.clone());
        let request = self.agent.put(self.sign(&action)).header("content-md5", &md5);
        let response = answer(self.send(request, octets))?;
        etag(&response).ok_or_else(|| Error::Odd("a part without an ETag".into()))
    }

    /// The parts of an upload that are there, in order.
    pub fn parts(&self, object: &str, upload_id: &str) -> Result<Vec<Part>, Error> {
        let (mut parts, mut marker) = (Vec::new(), None);
        loop {
            let mut action = ListParts::new(&self.bucket, Some(&self.credentials), object, upload_id);
            if let Some(marker) = marker {
                action.set_part_number_marker(marker);
            }
            let text = text(answer(self.agent.get(self.sign(&action)).call())?)?;
            parts.extend(text.split("<Part>").skip(1).filter_map(Part::read));
            let is_all = word(&text, "IsTruncated") != Some("true");
            let next = word(&text, "NextPartNumberMarker").and_then(|next| next.parse().ok());
            match next.filter(|_| !is_all) {
                Some(next) if marker.is_none_or(|marker| next > marker) => marker = Some(next),
                _ => return Ok(parts),
            }
        }
    }

    /// The uploads that were begun and not ended: the first [`limits::UPLOADS`], by their names.
    pub fn uploads(&self) -> Result<Vec<Upload>, Error> {
        let (mut uploads, mut after) = (Vec::new(), None::<(String, String)>);
        loop {
            let mut action = GetObject::new(&self.bucket, Some(&self.credentials), "");
            action.query_mut().insert("uploads", "");
            if let Some((key, upload_id)) = after.take() {
                action.query_mut().insert("key-marker", key);
                action.query_mut().insert("upload-id-marker", upload_id);
            }
            let text = text(answer(self.agent.get(self.sign(&action)).call())?)?;
            let before = uploads.len();
            uploads.extend(text.split("<Upload>").skip(1).filter_map(Upload::read));
            let is_all = word(&text, "IsTruncated") != Some("true") || uploads.len() == before;
            let next = word(&text, "NextKeyMarker").zip(word(&text, "NextUploadIdMarker"));
            match next.filter(|_| !is_all && uploads.len() < limits::UPLOADS) {
                Some((key, upload_id)) => after = Some((key.to_owned(), upload_id.to_owned())),
                None => return Ok(uploads),
            }
        }
    }

    /// Makes an object of the parts.
    pub fn complete(&self, object: &str, upload_id: &str, etags: &[String]) -> Result<(), Error> {
        let etags = etags.iter().map(String::as_str);
        let action = CompleteMultipartUpload::new(&self.bucket, Some(&self.credentials), object, upload_id, etags);
        let url = self.sign(&action);
        let text = text(answer(self.agent.post(url).send(action.body()))?)?;
        // It may answer 200 and say only then that it failed.
        match word(&text, "Code") {
            Some(_) => Err(refused(200, &text)),
            None if text.contains("<ETag>") => Ok(()),
            None => Err(Error::Odd("an upload that is neither complete nor refused".into())),
        }
    }

    /// Gives an upload up, and what is there of it.
    pub fn abort(&self, object: &str, upload_id: &str) -> Result<(), Error> {
        let action = AbortMultipartUpload::new(&self.bucket, Some(&self.credentials), object, upload_id);
        gone(answer(self.agent.delete(self.sign(&action)).call()))
    }

    /// What is said of an object; `None` where there is none.
    pub fn look(&self, object: &str) -> Result<Option<Object>, Error> {
        let action = HeadObject::new(&self.bucket, Some(&self.credentials), object);
        let response = match answer(self.agent.head(self.sign(&action)).call()) {
            Err(error) if error.is_missing() => return Ok(None),
            response => response?,
        };
        let length = response.headers().get("content-length").and_then(|length| length.to_str().ok());
        let octets = length.and_then(|length| length.parse().ok());
        let octets = octets.ok_or_else(|| Error::Odd("an object without a length".into()))?;
        Ok(Some(Object { octets, etag: etag(&response).unwrap_or_default() }))
    }

    /// Fetches a whole object and gives its SHA-256 in hex.
    pub fn hash(&self, object: &str) -> Result<String, Error> {
        let action = GetObject::new(&self.bucket, Some(&self.credentials), object);
        let mut response = answer(self.agent.get(self.sign(&action)).call())?;
        let (mut hash, mut reader, mut buffer) = (Sha256::new(), response.body_mut().as_reader(), vec![0; 64 * 1_024]);
        loop {
            match reader.read(&mut buffer).map_err(|error| Error::Unreachable(error.to_string()))? {
                0 => return Ok(hex::encode(hash.finalize())),
                count => hash.update(&buffer[..count]),
            }
        }
    }

    /// Takes an object away; it is no error that it is away already.
    pub fn delete(&self, object: &str) -> Result<(), Error> {
        let action = DeleteObject::new(&self.bucket, Some(&self.credentials), object);
        gone(answer(self.agent.delete(self.sign(&action)).call()))
    }

    /// A link to an object, which counts for [`limits::LINK_AGE`] for whoever has it.
    pub fn link(&self, object: &str) -> String {
        let action = GetObject::new(&self.bucket, Some(&self.credentials), object);
        action.sign_with_time(limits::LINK_AGE, &self.now()).into()
    }

    fn send(&self, request: RequestBuilder<WithBody>, octets: &[u8]) -> Result<Response<Body>, ureq::Error> {
        self.pace.send(octets, |body| request.header("content-length", octets.len().to_string()).send(body))
    }

    fn sign<'a>(&self, action: &impl S3Action<'a>) -> String {
        action.sign_with_time(limits::REQUEST_AGE, &self.now()).into()
    }

    fn now(&self) -> Moment {
        // A clock outside of the calendar signs nothing that counts; the bucket says so.
        Moment::from_microsecond((self.clock)().0).unwrap_or(Moment::UNIX_EPOCH)
    }
}

/// What asks buckets, made of what the process asks web servers with: nothing may take longer than a moment without
/// anything moving, but a part may be long on its way.
pub fn patient(builder: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>) -> ureq::config::Config {
    builder
        .timeout_global(Some(limits::PART))
        .timeout_per_read(Some(limits::STILL))
        .timeout_per_write(Some(limits::STILL))
        .timeout_recv_response(Some(limits::STILL))
        // A signature counts for one address only.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
}

fn answer(sent: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Error> {
    let response = sent.map_err(|error| Error::Unreachable(error.to_string()))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let said = text(response).unwrap_or_default();
    Err(refused(status.as_u16(), &said))
}

fn refused(status: u16, said: &str) -> Error {
    let in_brief = |name| word(said, name).unwrap_or_default().chars().take(limits::REASON).collect();
    Error::Refused { status, code: in_brief("Code"), message: in_brief("Message") }
}

fn gone(answered: Result<Response<Body>, Error>) -> Result<(), Error> {
    match answered {
        Err(error) if error.is_missing() => Ok(()),
        answered => answered.map(drop),
    }
}

fn text(mut response: Response<Body>) -> Result<String, Error> {
    let body = response.body_mut().with_config().limit(limits::ANSWER).read_to_string();
    body.map_err(|error| Error::Unreachable(error.to_string()))
}

fn etag(response: &Response<Body>) -> Option<String> {
    Some(bare(response.headers().get("etag")?.to_str().ok()?))
}

fn bare(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

/// What stands between the tags of a name in an error.
fn word<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(endpoint: &str) -> Account {
        let [region, name, key_id, secret] = ["eu-central-1", "recordings-1", "AKID", "hush"].map(str::to_owned);
        Account { endpoint: endpoint.into(), region, name, key_id, secret }
    }

    fn bucket(endpoint: &str) -> Result<Bucket, String> {
        let agent = patient(Agent::config_builder()).into();
        Bucket::new(&account(endpoint), agent, Arc::new(|| Timestamp(1_795_342_560_000_000)))
    }

    #[test]
    fn a_link_names_bucket_object_and_hour_and_no_secret() {
        let link = bucket("https://s3.example.org").expect("an address").link("2026-11-22/a.mp3");
        assert!(link.starts_with("https://s3.example.org/recordings-1/2026-11-22/a.mp3?X-Amz-Algorithm="), "{link}");
        assert!(link.contains("X-Amz-Expires=3600") && link.contains("X-Amz-Date=20261122T"), "{link}");
        assert!(!link.contains("hush") && !format!("{:?}", account("x")).contains("hush"));
    }

    #[test]
    fn an_address_that_is_none_is_said() {
        for wrong in ["", "s3.example.org", "ftp://s3.example.org", "https://"] {
            let reason = bucket(wrong).expect_err("it is none");
            assert!(reason.contains(&format!("“{wrong}”")), "{reason}");
        }
    }

    #[test]
    fn parts_are_read_whatever_is_around_them() {
        let text = "<PartNumber>2</PartNumber><LastModified>now</LastModified><ETag>&quot;ab&quot;</ETag><Size>9</Size></Part>";
        assert_eq!(Part::read(text), Some(Part { number: 2, etag: "ab".into(), octets: 9 }));
        for wrong in ["", "<PartNumber>x</PartNumber><ETag>a</ETag><Size>9</Size>", "<PartNumber>2</PartNumber>"] {
            assert_eq!(Part::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_error_says_what_the_bucket_said() {
        let said = "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>";
        let error = refused(404, said);
        assert_eq!(error.to_string(), "the bucket answers 404 NoSuchBucket: The bucket does not exist");
        assert!(!error.is_missing(), "an object is not missing where there is no bucket");
        assert!(refused(404, "").is_missing());
        assert_eq!(refused(500, "<Code>").to_string(), "the bucket answers 500 : ");
    }
}
