//! The rescue page: what the box shows at its HTTP port while the exchange cannot be kept running. It tells what is wrong to whoever
//! has the code that stands on the console, and lets them try again, write an update, start the other version, erase, restart or
//! switch off. Nothing else.
//!
//! tiny_http serves it, from a thread of its own: to the local network alone, one request a connection, with limits on time and size.
mod page;
mod upload;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use smol::channel::Sender;
use socket2::{Domain, Socket, Type};
use tiny_http::{Method, Request, Server, StatusCode};

use crate::console::{self, say};
use crate::exchange::Event;
use crate::update::{Trouble, Updater};
pub use page::Wish;
use page::{Answer, Desk, Situation};

/// A form is a code and a word.
const LONGEST_FORM: u64 = 512;
/// See [`Rescue`]'s.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(200);

/// The page: where it is shown, and to whom.
pub struct Rescue {
    at: SocketAddr,
    code: Code,
    why: String,
    /// How long a connection may take to say or to hear something.
    patience: Duration,
    updater: Updater,
    page: Option<Page>,
}

/// The page while it is shown. Dropping it frees the port.
struct Page {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The code that opens the page, drawn once for each start of the box.
#[derive(Clone)]
pub struct Code(String);

impl Code {
    /// Eight digits.
    pub fn draw() -> io::Result<Code> {
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        Ok(Code(format!("{:08}", u64::from_ne_bytes(random) % 100_000_000)))
    }
}

impl Rescue {
    /// Not shown yet.
    pub fn new(at: SocketAddr, code: Code, updater: Updater) -> Rescue {
        let why = "The exchange cannot be started.".to_owned();
        Rescue { at, code, why, patience: PATIENCE, updater, page: None }
    }

    /// How the exchange ended the last time.
    pub fn note_end(&mut self, status: ExitStatus) {
        self.why = format!("The exchange has ended again and again, at last with {status}.");
    }

    /// Shows the page at the port of the exchange, which must not hold it. Without a page the exchange is tried again all the same.
    pub fn open(&mut self, events: Sender<Event>) {
        let listener = listen(self.at, self.patience);
        let (why, updater) = (self.why.clone(), self.updater.clone());
        let opened = listener.and_then(|listener| Page::open(listener, &self.code, (why, updater), events));
        self.page = opened.inspect_err(|error| say(format_args!("there is no rescue page: {error}"))).ok();
    }

    /// Shows it no longer: its port is free.
    pub fn close(&mut self) {
        if self.page.take().is_none() {
            return;
        }
        // The thread of tiny_http that waits for connections lets go of the port a moment after it was told.
        for _ in 0..100 {
            if TcpListener::bind(self.at).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        say("the rescue page does not let go of its port");
    }
}

impl Page {
    fn open(
        listener: TcpListener,
        code: &Code,
        (why, updater): (String, Updater),
        events: Sender<Event>,
    ) -> io::Result<Page> {
        let mut server = Some(server(&listener)?);
        say(format_args!("the rescue page is at port {}, its code is {}", listener.local_addr()?.port(), code.0));
        defmt::warn!("the rescue page is open");
        let over = Arc::new(AtomicBool::new(false));
        let (desk, began, ended) = (Desk::new(code.0.clone()), Instant::now(), Arc::clone(&over));
        let mut counter = Counter { desk, began, why, updater, over: Arc::clone(&over), events };
        let thread = std::thread::Builder::new().name("rescue".to_owned()).stack_size(128 << 10).spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                match server.as_ref().map(|server| server.recv_timeout(LOOK)) {
                    Some(Ok(Some(request))) => counter.serve(request),
                    Some(Ok(None)) => {}
                    // What limits connections limits the waiting for one as well, and then tiny_http waits no more.
                    Some(Err(_)) | None => server = self::server(&listener).ok(),
                }
            }
        })?;
        Ok(Page { over, thread: Some(thread) })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A page that panicked is closed as well.
            let _ = thread.join();
        }
    }
}

fn server(listener: &TcpListener) -> io::Result<Server> {
    Server::from_listener(listener.try_clone()?, None).map_err(|error| io::Error::other(error.to_string()))
}

/// A listener whose connections have its limits of time.
fn listen(at: SocketAddr, patience: Duration) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_read_timeout(Some(patience))?;
    socket.set_write_timeout(Some(patience))?;
    socket.bind(&at.into())?;
    socket.listen(8)?;
    Ok(socket.into())
}

/// Where requests are answered.
struct Counter {
    desk: Desk,
    began: Instant,
    why: String,
    updater: Updater,
    /// Set when the page is about to be shown no longer.
    over: Arc<AtomicBool>,
    events: Sender<Event>,
}

impl Counter {
    fn serve(&mut self, mut request: Request) {
        let from = request.remote_addr().map(|from| from.ip().to_canonical());
        if !from.is_some_and(is_local) {
            return answer(request, Answer::plain(403, "This page is for the local network.\n"));
        }
        let form = match request.method() {
            Method::Post if request.url() == upload::PATH => {
                let reply = self.take_bundle(&mut request);
                return answer(request, reply);
            }
            Method::Post => {
                let mut form = Vec::new();
                let read = request.as_reader().take(LONGEST_FORM + 1).read_to_end(&mut form);
                if read.is_err() || form.len() as u64 > LONGEST_FORM {
                    return answer(request, Answer::plain(413, "That is more than a code and a word.\n"));
                }
                Some(form)
            }
            Method::Get => None,
            _ => return answer(request, Answer::plain(405, "Only GET and POST.\n")),
        };
        let recent = console::recent();
        let situation = Situation { why: &self.why, recent: &recent, other: self.other() };
        let now = self.began.elapsed();
        let (mut reply, mut wish) = self.desk.handle(now, request.url(), form.as_deref(), &situation);
        if let (Some(Wish::SwitchSlots), Err(trouble)) = (wish, self.switch(wish)) {
            (reply, wish) = (self.desk.tell(409, &trouble.sentence, &situation), None);
        }
        answer(request, reply);
        if let Some(wish) = wish {
            say(format_args!("the rescue page: {}", wish.name()));
            let _ = self.events.try_send(Event::Wish(wish));
        }
    }

    /// What the other slot holds.
    fn other(&self) -> Result<Option<String>, String> {
        let standing = self.updater.standing().map_err(|trouble| trouble.sentence)?;
        let content = standing.of(standing.running.other());
        Ok(content.map(|content| format!("{} (build {})", content.version, content.build)))
    }

    fn switch(&self, wish: Option<Wish>) -> Result<(), Trouble> {
        if wish == Some(Wish::SwitchSlots) { self.updater.switch().map(drop) } else { Ok(()) }
    }

    /// Writes a bundle while it comes.
    fn take_bundle(&mut self, request: &mut Request) -> Answer {
        let now = self.began.elapsed();
        let (desk, updater) = (&mut self.desk, &self.updater);
        let taken = upload::take(request, &self.over, |code| match desk.admit(now, code) {
            Ok(()) => updater.begin().map_err(upload::Refused::Trouble),
            Err(refused) => Err(upload::Refused::Code(refused)),
        });
        let (status, note) = match taken {
            Ok(content) => {
                say(format_args!("the rescue page: version {} (build {}) is written", content.version, content.build));
                defmt::info!("build {=u64} is written by the rescue page", content.build);
                (200, format!("Version {} is written. Now start it.", content.version))
            }
            Err(upload::Refused::Code(refused)) => return refused,
            Err(upload::Refused::Form) => return Answer::plain(400, "That is no form with a code and a file.\n"),
            Err(upload::Refused::Trouble(trouble)) => {
                say(format_args!("the rescue page: no update was written: {trouble}"));
                defmt::error!("no update was written by the rescue page: {=str}", trouble.reason);
                (400, trouble.sentence)
            }
        };
        let recent = console::recent();
        let situation = Situation { why: &self.why, recent: &recent, other: self.other() };
        self.desk.tell(status, &note, &situation)
    }
}

/// Written out here, because tiny_http itself keeps connections open as long as it is asked to.
fn answer(request: Request, answer: Answer) {
    let Answer { status, kind, body } = answer;
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: no-store\r\n\
         X-Frame-Options: DENY\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'\r\n\r\n",
        StatusCode(status).default_reason_phrase(),
        body.len()
    );
    let mut writer = request.into_writer();
    // Whoever asked may have gone.
    let _ = writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&body)).and_then(|()| writer.flush());
}

/// Whether an address can only be one of the local network (RFC 1918, RFC 3927, RFC 4193), or of this box.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.is_loopback() || v4 == Ipv4Addr::UNSPECIFIED,
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}

#[cfg(test)]
mod tests;
