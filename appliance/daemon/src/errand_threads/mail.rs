//! E-mails that flows send, over the mail server that the administrator named, with recordings as attachments.

use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::response::Response;
use lettre::{Message, SmtpTransport, Transport};
use pbx::errand::Brought;
use pbx::flow::order::Email;
use store::Store;
use store::recording::{RecordingFormat, RecordingStatus};
use ureq::http::Uri;
use uuid::Uuid;

use super::Done;
use crate::{host_names, limits};

/// How the mail server is reached, and who writes.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// `smtps://user@host` or `smtp://user@host:587?tls=required`; where mail is taken without a user, `smtp://host`.
    pub url: String,
    /// Who writes, as `Reception <reception@example.com>`.
    pub from: String,
    /// The user's password.
    pub password: Option<String>,
}

/// The password is nobody's business.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("url", &self.url).field("from", &self.from).finish_non_exhaustive()
    }
}

/// Where recordings are.
#[derive(Debug)]
pub struct Recordings {
    /// Knows them.
    pub store: Store,
    /// Has their files.
    pub folder: PathBuf,
}

/// Sends e-mails.
#[derive(Debug)]
pub struct Mailer {
    /// Nobody, where no mail server was named.
    sender: Option<Sender>,
    recordings: Recordings,
}

/// Who writes, over which server.
#[derive(Debug)]
struct Sender {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    from: Mailbox,
}

/// Why an e-mail does not go out.
enum Trouble {
    /// It may later.
    Later(String),
    /// It never will.
    Never(String),
}

impl Mailer {
    /// One that writes as this account; the reason says what is wrong with it.
    pub fn new(account: Option<&Account>, recordings: Recordings) -> Result<Mailer, String> {
        Ok(Mailer { sender: account.map(Sender::new).transpose()?, recordings })
    }

    /// Sends one.
    pub fn send(&self, email: &Email, begun: Instant) -> Done {
        let missing = || Trouble::Never("no mail server is set up (--smtp-url)".into());
        let sender = self.sender.as_ref().ok_or_else(missing);
        let sent = sender.and_then(|sender| sender.send(&self.compose(email, &sender.from)?));
        let took = begun.elapsed().as_millis();
        match sent {
            Ok(response) => {
                let said = response.message().next().unwrap_or_default();
                Done { words: format!("{} {said} in {took} ms", response.code()), result: Ok(Brought::Nothing) }
            }
            Err(Trouble::Later(reason)) => Done { words: format!("not sent in {took} ms"), result: Err(reason) },
            Err(Trouble::Never(reason)) => Done { words: "refused".into(), result: Ok(Brought::Refused(reason)) },
        }
    }

    fn compose(&self, email: &Email, from: &Mailbox) -> Result<Message, Trouble> {
        let mut message = Message::builder().from(from.clone()).subject(&email.subject);
        for destination in &email.destinations {
            let to: Mailbox =
                destination.parse().map_err(|error| Trouble::Never(format!("{destination} is no address: {error}")))?;
            message = message.to(to);
        }
        let text = SinglePart::plain(email.content.clone());
        let built = if email.recordings.is_empty() {
            message.singlepart(text)
        } else {
            let mut parts = MultiPart::mixed().singlepart(text);
            let mut octets = 0;
            for id in &email.recordings {
                parts = parts.singlepart(self.attach(*id, &mut octets)?);
            }
            message.multipart(parts)
        };
        built.map_err(|error| Trouble::Never(error.to_string()))
    }

    /// A recording as it is attached; it may still have to be made ready.
    fn attach(&self, id: Uuid, octets: &mut u64) -> Result<SinglePart, Trouble> {
        let read = self.recordings.store.reader().and_then(|reader| reader.recording(id));
        let found = read.map_err(|error| Trouble::Later(format!("the recording cannot be looked up: {error}")))?;
        let Some(record) = found.filter(|record| record.tm_delete.is_none()) else {
            // What was begun a moment ago may not have been written down yet.
            return Err(Trouble::Later(format!("there is no recording {id}")));
        };
        if record.status != RecordingStatus::Ended {
            return Err(Trouble::Later(format!("the recording {id} is not ready")));
        }
        let Some(path) = record.path.as_deref().and_then(|path| self.place(path)) else {
            return Err(Trouble::Never(format!("the recording {id} has no file")));
        };
        let unreadable = |error| Trouble::Later(format!("the recording {id} cannot be read: {error}"));
        *octets += std::fs::metadata(&path).map_err(unreadable)?.len();
        if *octets > limits::EMAIL_ATTACHMENTS {
            let most = limits::EMAIL_ATTACHMENTS >> 20;
            return Err(Trouble::Never(format!("the recordings are longer than {most} MiB together")));
        }
        let (kind, extension) = match record.format {
            RecordingFormat::Wav => ("audio/wav", "wav"),
            RecordingFormat::Mp3 => ("audio/mpeg", "mp3"),
        };
        let kind = ContentType::parse(kind).map_err(|error| Trouble::Never(error.to_string()))?;
        let body = std::fs::read(&path).map_err(unreadable)?;
        // Short, since longer names are folded in a way that not every mail reader unfolds (RFC 2231 §3).
        let name: String = id.simple().to_string().chars().take(8).collect();
        Ok(Attachment::new(format!("recording-{name}.{extension}")).body(body, kind))
    }

    /// Where a file is; nothing leads out of the folder.
    fn place(&self, path: &str) -> Option<PathBuf> {
        let stays = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        stays.then(|| self.recordings.folder.join(path))
    }
}

impl Sender {
    fn new(account: &Account) -> Result<Sender, String> {
        let from =
            account.from.parse().map_err(|error| format!("--smtp-from: '{}' is no address: {error}", account.from))?;
        let user = user(&account.url)?;
        let url: Uri = account.url.parse().map_err(|error| format!("--smtp-url: {error}"))?;
        let host = url.host().unwrap_or_default().to_owned();
        let parameters = || TlsParameters::new(host.clone()).map_err(|error| format!("--smtp-url: {}", chain(&error)));
        // RFC 8314 §3.3; RFC 6409 §3.1; RFC 5321 §4.5.4.2.
        let (tls, usual) = match (url.scheme_str(), url.query()) {
            (Some("smtps"), None) => (Tls::Wrapper(parameters()?), 465),
            (Some("smtp"), Some("tls=required")) => (Tls::Required(parameters()?), 587),
            (Some("smtp"), None) => (Tls::None, 25),
            _ => return Err("--smtp-url is smtps://…, smtp://…?tls=required, or smtp://…".into()),
        };
        let credentials = match (user, &account.password) {
            ("", _) => None,
            _ if matches!(tls, Tls::None) => {
                return Err("--smtp-url: a password goes over smtps:// or with ?tls=required only".into());
            }
            (user, Some(password)) => Some(Credentials::new(user.replace("%40", "@"), password.clone())),
            (_, None) => return Err("--smtp-url names a user: say the password in TANDEM_SMTP_PASSWORD, once".into()),
        };
        Ok(Sender { port: url.port_u16().unwrap_or(usual), host, tls, credentials, from })
    }

    /// Brings it to the first address of the server that can be reached. The image has no names but what we look up.
    fn send(&self, message: &Message) -> Result<Response, Trouble> {
        let addresses = host_names::addresses(&self.host, limits::FETCH_CONNECT)
            .map_err(|error| Trouble::Later(format!("{} is not found: {error}", self.host)))?;
        let mut last = Trouble::Later(format!("{} has no address", self.host));
        for address in addresses {
            let builder = SmtpTransport::builder_dangerous(address.to_string()).port(self.port).tls(self.tls.clone());
            let builder = match &self.credentials {
                Some(credentials) => builder.credentials(credentials.clone()),
                None => builder,
            };
            match builder.timeout(Some(limits::MAIL_SERVER)).build().send(message) {
                Ok(response) => return Ok(response),
                Err(error) if error.is_permanent() => return Err(Trouble::Never(chain(&error))),
                Err(error) if error.status().is_some() => return Err(Trouble::Later(chain(&error))),
                Err(error) => last = Trouble::Later(chain(&error)),
            }
        }
        Err(last)
    }
}

/// The user of a URL, who may be nobody.
fn user(url: &str) -> Result<&str, String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        None => Ok(""),
        Some((user, _)) if user.contains(':') => {
            Err("--smtp-url: the password belongs in TANDEM_SMTP_PASSWORD, which is kept encrypted".into())
        }
        Some((user, _)) => Ok(user),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words += &format!(": {cause}");
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(url: &str, password: Option<&str>) -> Account {
        let (url, from, password) = (url.into(), "Box <box@example.com>".into(), password.map(String::from));
        Account { url, from, password }
    }

    #[test]
    fn a_password_goes_encrypted_only_and_never_stands_in_the_url() {
        for (url, password, wrong) in [
            ("smtp://mail.example.com", None, None),
            ("smtps://box@mail.example.com", Some("x"), None),
            ("smtp://box%40example.com@mail.example.com:587?tls=required", Some("x"), None),
            ("smtp://box@mail.example.com", Some("x"), Some("tls=required")),
            ("smtps://box@mail.example.com", None, Some("TANDEM_SMTP_PASSWORD")),
            ("smtps://box:secret@mail.example.com", Some("x"), Some("TANDEM_SMTP_PASSWORD")),
            ("http://mail.example.com", None, Some("--smtp-url")),
        ] {
            match (Sender::new(&account(url, password)), wrong) {
                (Ok(_), None) => {}
                (Err(reason), Some(wrong)) => assert!(reason.contains(wrong), "{url}: {reason}"),
                (made, _) => panic!("{url}: {:?}", made.map(drop)),
            }
        }
        let nobody = Account { from: "nobody".into(), ..account("smtp://mail.example.com", None) };
        assert!(Sender::new(&nobody).expect_err("that is no address").contains("--smtp-from"));
        assert!(!format!("{:?}", account("smtp://mail.example.com", Some("secret"))).contains("secret"));
    }
}
