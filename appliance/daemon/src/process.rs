//! Puts the threads together, waits for the end, and takes them apart again.

use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use api::system::logs::Ring;
use api::webrtc::ice::{IceServers, TurnAccess, is_relay};
use delivery::WebhookThreads;
use media::Sound;
use pbx::errand::ErrandReport;
use pbx::settings::is_time_zone;
use pbx::{Input, Pbx, Settings};
use rustls::ServerConfig;
use sip::sdp::Encryption;
use store::backup::place;
use store::event_log::LogLimits;
use store::journal::{Hooks, Journal};
use store::sealed::BoxKey;
use store::{Store, Timestamp, Writer};
use tokio::sync::watch;

use crate::board::ControlSocket;
use crate::certificates::Certificates;
use crate::clock::{self, Clock};
use crate::data_folder::DataFolder;
use crate::errand_threads::mail::{self, Mailer};
use crate::errand_threads::speech::Speakers;
use crate::errand_threads::speech::service::{Account, Service};
use crate::errand_threads::spoken::Spoken;
use crate::errand_threads::{self, ErrandThreads};
use crate::http::{self, Door, Doors, Http};
use crate::ledger::Ledger;
use crate::media_threads::{self, MediaThreads, Waitings};
use crate::memory::{self, Trimmer};
use crate::name_thread::{self, NameThread};
use crate::options::{MailServer, MusicOnHold, Options, RtpPorts, SpeechService};
use crate::queue::Queue;
use crate::recording_thread::converter::Program;
use crate::recording_thread::{self, RecordingThread};
use crate::reserve::{self, Reserve};
use crate::signalling::counters::Counters;
use crate::signalling::{Request, SignallingThread, Sockets, Surroundings};
use crate::signals::Signals;
use crate::sip_sockets::SipSockets;
use crate::sound_thread::library::Library;
use crate::sound_thread::{self, SoundThread};
use crate::time_zone::TimeZone;
use crate::upstream::Upstream;
use crate::web::{self, Reach};
use crate::webrtc_thread::Knocking;
use crate::{administrator, confinement, filing, host_names, limits, log, media_thread, sip_sockets, webhook};

/// What the waiting main thread is told.
#[derive(Debug)]
enum Notice {
    /// SIGTERM or SIGINT.
    Signal,
    /// It is to start anew.
    Restart,
    /// The last call is over.
    Drained,
    /// The database can never be written again.
    StoreFailed(String),
}

/// Runs the exchange until it is told to end.
pub fn run(options: &Options) -> Result<()> {
    memory::configure();
    let signals = Signals::hold()?;
    let log = log::start()?;
    raise_descriptor_limit();
    let (notices, noticed) = mpsc::channel();
    let notify = notices.clone();
    signals.forward(move || drop(notify.send(Notice::Signal)))?;

    host_names::use_servers(&options.nameservers);
    let folder = DataFolder::take(&options.data)?;
    if options.board.confine {
        confinement::enter(folder.path())?;
    }
    if place::complete(folder.path()).context("a backup that is to be restored cannot be put in its place")? {
        tracing::warn!("a backup was restored");
    }
    let ended = serve((options, &folder), (&notices, log), &noticed);
    match ended {
        Ok(End::Over) => Ok(()),
        Ok(End::Anew) => anew(folder),
        Err(error) if place::take_back(folder.path())? => {
            tracing::error!(
                "the exchange does not run with the backup that was restored: {error:#}; what was before it is back"
            );
            anew(folder)
        }
        Err(error) => Err(error),
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// For good.
    Over,
    /// To start anew.
    Anew,
}

/// The same program with the same arguments in the place of this one: whoever watches the process sees it go on.
fn anew(folder: DataFolder) -> Result<()> {
    // The next one takes it.
    drop(folder);
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    Err(command.args(arguments).exec()).context("cannot start anew")
}

/// Runs the exchange on what the folder holds.
fn serve(
    (options, folder): (&Options, &DataFolder),
    (notices, log): (&mpsc::Sender<Notice>, Arc<Ring>),
    noticed: &mpsc::Receiver<Notice>,
) -> Result<End> {
    let certificates = Certificates::of(&options.tls, folder)?.map(Arc::new);
    let sockets = Sockets::bind(options.sip, tls_for_sip(options, certificates.as_deref())?)?;
    let doors = Doors::open(options, certificates)?;
    check_rtp(options.rtp.address)?;
    if let MusicOnHold::File(path) = &options.music_on_hold {
        Library::check_music(path).map_err(|reason| anyhow!("the music on hold cannot be played: {reason}"))?;
    }
    let addresses = Addresses::of(&sockets, &doors)?;
    let reserve = Reserve::in_folder(folder.path());
    let opened = open_store_even_if_full(folder, options, &reserve)?;
    check_database(opened.0.clone())?;
    let running = Running::start((options, folder), (sockets, doors), opened, (notices, log))?;
    if let Err(error) = place::confirm(folder.path()) {
        tracing::warn!(%error, "what was before the backup stays on the disk until the next start");
    }
    addresses.announce(&options.rtp);
    let result = running.supervise(noticed, &reserve);
    let stopped = running.stop();
    let end = result?;
    stopped.map(|()| end)
}

/// The threads.
struct Running {
    requests: Queue<Request>,
    counters: Arc<Counters>,
    signalling: SignallingThread,
    media: MediaThreads,
    recording: RecordingThread,
    sound: SoundThread,
    upstream: Upstream,
    webhooks: WebhookThreads,
    journal: Journal,
    http: Http,
}

/// An exchange that takes up what the store remembers.
fn exchange(settings: Settings, clock: Clock, store: &Store) -> Result<Pbx> {
    let restored = store.reader().and_then(|reader| reader.restore()).context("cannot read the database")?;
    let mut pbx = Pbx::new(settings, clock::seed().context("the kernel gives no randomness")?);
    pbx.handle(clock.now(), Input::Clock(clock::unix()));
    let (extensions, bindings) = (restored.extensions.len(), restored.bindings.len());
    pbx.handle(clock.now(), Input::Restore(restored.extensions, restored.bindings));
    pbx.handle(clock.now(), Input::RestoreConferences(restored.conferences));
    pbx.handle(clock.now(), Input::RestoreFlows(restored.flows, restored.numbers));
    pbx.handle(clock.now(), Input::RestoreAgents(restored.agents, restored.tags));
    let (trunks, providers, routes) = (restored.trunks, restored.providers, restored.routes);
    pbx.handle(clock.now(), Input::RestoreTrunks(trunks, providers, routes));
    pbx.handle(clock.now(), Input::RestoreBilling(Box::new(restored.billing)));
    pbx.handle(clock.now(), Input::RestoreOutboundConfig(Box::new(restored.outbound_config)));
    pbx.handle(clock.now(), Input::RestoreDirectHashes(restored.direct_hashes));
    tracing::info!(extensions, bindings, "restored");
    Ok(pbx)
}

/// What ends the process for another to take its place.
fn restart(notices: mpsc::Sender<Notice>) -> Arc<dyn Fn() + Send + Sync> {
    // Where nobody listens any more, the process ends anyway.
    Arc::new(move || drop(notices.send(Notice::Restart)))
}

/// What is done once the last call is over.
fn drained(notices: mpsc::Sender<Notice>) -> Box<dyn Fn() + Send> {
    // Where nobody listens any more, the process ends anyway.
    Box::new(move || drop(notices.send(Notice::Drained)))
}

impl Running {
    fn start(
        (options, folder): (&Options, &DataFolder),
        (sockets, doors): (Sockets, Doors),
        (store, writer): (Store, Writer),
        (notices, log): (&mpsc::Sender<Notice>, Arc<Ring>),
    ) -> Result<Running> {
        let (clock, sip) = (Clock::start(), sockets.address());
        let (journal, events, bell) = start_journal(writer, notices)?;
        let setup_code = administrator::make_first((&store, &journal), options.board.setup_code.as_deref(), now())?;
        let (requests, errand_reports) = (sockets.queue(limits::COMMANDS), sockets.queue(pbx::limits::ERRANDS));
        let (media_reports, names) = (sockets.queue(limits::MEDIA_EVENTS), sockets.queue(limits::QUESTIONS));
        // What waits there is bounded by the sockets, and what each may have said.
        let (websockets, websocket_counters) = (sockets.queue(0), Arc::<sip_sockets::Counters>::default());
        let (settings, own, knock) = settings((options, &store, doors.https()?), &sockets, clock)?;
        let waiting = (Waitings::new(settings.media_threads)?, knock);
        let (recording, sound, recording_reports) = start_workers((options, folder), clock, &waiting.0, &sockets)?;
        let media = start_media((options, &settings), (clock, &media_reports), waiting, (&recording, &sound))?;

        let (counters, pbx) = (Arc::new(Counters::default()), exchange(settings, clock, &store)?);
        let around = Surroundings {
            clock,
            counters: counters.clone(),
            requests: requests.clone(),
            media_reports,
            media_orders: media.dispatcher(),
            recording_reports,
            questions: NameThread::start(own, names.clone())?.questions,
            names,
            websockets: websockets.clone(),
            websocket_counters: websocket_counters.clone(),
            recording_orders: recording.orders.clone(),
            errands: start_errands((options, folder), store.clone(), errand_reports.clone())?,
            errand_reports,
            drained: drained(notices.clone()),
        };
        let webhooks = webhook::start(options, folder, (&store, &journal))?;
        let webhooks = bell.get_or_init(|| webhooks).clone();
        let ledger = Ledger::new(journal.clone(), counters.clone());
        let signalling = SignallingThread::start(sockets, pbx, ledger, around)?;
        let upstream = Upstream::start((options, folder), (&store, &journal), &events)?;
        let counts = counts((&counters, &websocket_counters), &media, (&recording, &sound), (&upstream, &webhooks));
        let api = api::Options {
            exchange: Arc::new(Door::new(requests.clone())),
            store,
            journal: journal.clone(),
            events,
            clock: Arc::new(now),
            steady_clock: Arc::new(clock::steady),
            entropy: Arc::new(clock::entropy),
            counters: http::counters(counts),
            sip,
            files: files(options, folder),
            bucket: upstream.links.clone(),
            cloud: upstream.cloud_view.clone(),
            certificates: doors.certificates(),
            webhooks: webhook::for_the_api(options, folder, &webhooks)?,
            sip_sockets: Arc::new(SipSockets::new(websockets, websocket_counters)),
            webrtc: webrtc(options, folder)?,
            restart: restart(notices.clone()),
            log,
            board: options.board.socket.clone().map(|socket| Arc::new(ControlSocket(socket)) as Arc<dyn api::Board>),
            download: download(options),
            setup_code,
            https_port: options.tls.redirect.then(|| doors.https_port()).flatten(),
        };
        let http = Http::start(doors.with_browsers(media.tcp_door()), api)?;
        let upstream = upstream.configure((options, folder), (&http.state, &journal))?;
        Ok(Running { requests, counters, signalling, media, recording, sound, upstream, webhooks, journal, http })
    }

    /// Waits: the first signal drains, the second hangs up, the third and every deadline end it.
    fn supervise(&self, noticed: &mpsc::Receiver<Notice>, reserve: &Reserve) -> Result<End> {
        let mut trimmer = Trimmer::default();
        let mut signals = 0;
        let mut end = End::Over;
        let mut until: Option<Instant> = None;
        loop {
            reserve.keep();
            self.http.tend_certificates();
            let left = until.map_or(Trimmer::INTERVAL, |until| until.saturating_duration_since(Instant::now()));
            match noticed.recv_timeout(left.min(Trimmer::INTERVAL)) {
                Ok(Notice::Drained) => return Ok(end),
                Ok(Notice::StoreFailed(reason)) => bail!("the database cannot be written any more: {reason}"),
                Ok(Notice::Signal) => {
                    signals += 1;
                    let (request, limit) = match signals {
                        1 => (Request::Drain, limits::DRAIN),
                        2 => (Request::Stop, limits::STOP),
                        _ => return Ok(end),
                    };
                    tracing::info!(limit_s = limit.as_secs(), "{request:?} as a signal asked");
                    until = Some(Instant::now() + limit);
                    self.requests.push_always(request);
                    self.requests.ring();
                }
                Ok(Notice::Restart) => {
                    end = End::Anew;
                    until = Some(Instant::now() + limits::STOP);
                    self.requests.push_always(Request::Stop);
                    self.requests.ring();
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(end),
                Err(RecvTimeoutError::Timeout) => {
                    if until.is_some_and(|until| until <= Instant::now()) {
                        tracing::warn!("calls were still up at the end");
                        return Ok(end);
                    }
                    if trimmer.observe(self.counters.inputs.load(Ordering::Relaxed)) {
                        memory::trim();
                        // What becomes free by this goes back the next time.
                        self.requests.push_always(Request::Rest);
                        self.requests.ring();
                    }
                }
            }
        }
    }

    /// In the order in which they feed each other. What the database did not take is said.
    fn stop(self) -> Result<()> {
        self.http.stop();
        self.signalling.quit();
        self.media.stop();
        self.recording.stop();
        self.sound.stop();
        self.upstream.stop();
        self.webhooks.stop();
        self.journal.close();
        tracing::info!("ended");
        match self.counters.facts_lost.load(Ordering::Relaxed) + self.journal.statistics().lost {
            0 => Ok(()),
            lost => bail!("{lost} facts could not be written to the database and are lost"),
        }
    }
}

/// What pages are told before they call. What opens TURN servers is given once, and kept.
fn webrtc(options: &Options, folder: &DataFolder) -> Result<api::webrtc::Settings> {
    let shared = secret(folder, ("TANDEM_TURN_SECRET", "turn-secret"))?.map(TurnAccess::Secret);
    let account = secret(folder, ("TANDEM_TURN_ACCOUNT", "turn-account"))?.and_then(|account| {
        let (username, password) = account.split_once(':')?;
        Some(TurnAccess::Account(username.to_owned(), password.to_owned()))
    });
    let turn = shared.or(account);
    let urls = options.ice_servers.0.clone();
    if turn.is_none() && urls.iter().any(|url| is_relay(url)) {
        bail!("--ice-servers: a TURN server needs TANDEM_TURN_SECRET, or TANDEM_TURN_ACCOUNT as USER:PASSWORD");
    }
    let codecs = options.codecs.codecs().iter().map(|codec| codec.name().to_owned()).collect();
    Ok(api::webrtc::Settings { ice: IceServers { urls, turn }, codecs })
}

/// What the threads count.
fn counts(
    (signalling, websockets): (&Arc<Counters>, &Arc<sip_sockets::Counters>),
    media: &MediaThreads,
    (recording, sound): (&RecordingThread, &SoundThread),
    (upstream, webhooks): (&Upstream, &WebhookThreads),
) -> http::Counts {
    http::Counts {
        signalling: signalling.clone(),
        websockets: websockets.clone(),
        media: media.totals(),
        recording: recording.counters.clone(),
        courier: upstream.courier.counters.clone(),
        sound: sound.counters.clone(),
        webhooks: webhooks.counters(),
    }
}

/// The thread that writes, what tells how far it has come, and whom else it wakes.
fn start_journal(
    writer: Writer,
    notices: &mpsc::Sender<Notice>,
) -> Result<(Journal, watch::Receiver<i64>, Arc<OnceLock<WebhookThreads>>)> {
    let (committed, events) = watch::channel(writer.latest_seq());
    let bell = Arc::new(OnceLock::new());
    let hooks = hooks(notices.clone(), committed, Arc::clone(&bell));
    Ok((Journal::start(writer, hooks).context("cannot start the store thread")?, events, bell))
}

/// The threads that carry audio, with whom they read and write it by.
fn start_media(
    (options, settings): (&Options, &Settings),
    (clock, reports): (Clock, &Queue<media_thread::Report>),
    waiting: (Waitings, Option<Knocking>),
    (recording, sound): (&RecordingThread, &SoundThread),
) -> Result<MediaThreads> {
    let config = media::Config { rtp_timeout: settings.rtp_timeout, ..media::Config::default() };
    let shared = media_threads::Shared {
        address: options.rtp.address,
        clock,
        reports: reports.clone(),
        sound: sound.orders.clone(),
        recording: recording.orders.clone(),
        music: music(options),
    };
    MediaThreads::start(waiting, &config, &shared)
}

/// The threads that read and write sound for the media threads, and what the recording thread has to tell the exchange.
fn start_workers(
    (options, folder): (&Options, &DataFolder),
    clock: Clock,
    media: &Waitings,
    signalling: &Sockets,
) -> Result<(RecordingThread, SoundThread, Queue<recording_thread::Report>)> {
    let reports = signalling.queue(limits::RECORDINGS);
    let recording = RecordingThread::start(recording_thread::Surroundings {
        folder: folder.recordings(),
        reserve: limits::RECORDING_RESERVE,
        program: Program::ourselves(),
        clock,
        deliveries: media.emptied(),
        reports: reports.clone(),
    })?;
    let file = match &options.music_on_hold {
        MusicOnHold::File(path) => Some(path.clone()),
        MusicOnHold::Ours | MusicOnHold::Off => None,
    };
    let sound = SoundThread::start(sound_thread::Surroundings {
        sounds: folder.sounds(),
        music: file,
        cache: folder.fetched_sounds(),
        spoken: folder.spoken(),
        reach: reach(options),
        deliveries: media.decoded(),
    })?;
    Ok((recording, sound, reports))
}

/// Those who ask and tell web servers, and speak.
fn start_errands(
    (options, folder): (&Options, &DataFolder),
    store: Store,
    reports: Queue<ErrandReport>,
) -> Result<ErrandThreads> {
    let speakers = speakers(options, folder)?;
    let mailer = mailer((options, folder), store)?;
    Ok(ErrandThreads::new(errand_threads::Surroundings { reach: reach(options), speakers, mailer, reports }))
}

/// Who sends e-mails. The password of a mail server is given once, and kept.
fn mailer((options, folder): (&Options, &DataFolder), store: Store) -> Result<Mailer> {
    let recordings = mail::Recordings { store, folder: folder.recordings() };
    let account = match &options.mail {
        None => None,
        Some(MailServer { url, from }) => {
            let password = secret(folder, ("TANDEM_SMTP_PASSWORD", "smtp"))?;
            Some(mail::Account { url: url.clone(), from: from.clone(), password })
        }
    };
    Mailer::new(account.as_ref(), recordings).map_err(anyhow::Error::msg)
}

/// A secret that a variable says once, and that is kept under a name.
fn secret(folder: &DataFolder, (variable, name): (&str, &str)) -> Result<Option<String>> {
    let own = BoxKey::open(folder.path())?;
    if let Some(said) = std::env::var(variable).ok().filter(|said| !said.is_empty()) {
        own.seal(name, &said)?;
    }
    Ok(own.open_secret(name)?)
}

/// Who speaks. The key of a service is given once, and kept.
fn speakers(options: &Options, folder: &DataFolder) -> Result<Speakers> {
    let spoken = Spoken::open(&folder.spoken())?;
    let service = match &options.speech {
        None => None,
        Some(SpeechService { url, model, voice }) => {
            let key = secret(folder, ("TANDEM_SPEECH_KEY", "speech"))?;
            let (url, model, voice) = (url.clone(), model.clone(), voice.clone());
            Some(Service::new(Account { url, model, voice, key }))
        }
    };
    Ok(Speakers::new(spoken, options.flite.clone(), service))
}

/// How updates are downloaded: from where an administrator says, and not from this box.
fn download(options: &Options) -> api::state::Download {
    let reach = reach(options);
    Arc::new(move |url| {
        let answer = web::agent(reach.clone(), limits::UPDATE).get(url).call().map_err(web::in_words)?;
        match answer.status().as_u16() {
            200 => Ok(Box::new(answer.into_body().into_reader()) as Box<dyn std::io::Read + Send>),
            status => Err(format!("the server answers {status}")),
        }
    })
}

/// Which web servers flows and webhooks may reach.
pub fn reach(options: &Options) -> Reach {
    Reach::Others(options.own_web_servers.0.as_slice().into())
}

/// What is played where the exchange wants music, if it is not our own piece.
fn music(options: &Options) -> Option<Arc<[Sound]>> {
    match &options.music_on_hold {
        MusicOnHold::File(path) => Some([Sound::File(path.to_string_lossy().into_owned())].into()),
        MusicOnHold::Ours | MusicOnHold::Off => None,
    }
}

fn hooks(notices: mpsc::Sender<Notice>, committed: watch::Sender<i64>, bell: Arc<OnceLock<WebhookThreads>>) -> Hooks {
    Hooks {
        clock: Box::new(now),
        committed: Box::new(move |latest| {
            committed.send_replace(latest);
            // Until there is somebody who hears it, nobody has missed anything: those who start look at the log.
            if let Some(webhooks) = bell.get() {
                webhooks.ring();
            }
        }),
        failed: Box::new(move |error| drop(notices.send(Notice::StoreFailed(error.to_string())))),
    }
}

/// Opens the database; where that fails for lack of room, once more without the reserve.
fn open_store_even_if_full(folder: &DataFolder, options: &Options, reserve: &Reserve) -> Result<(Store, Writer)> {
    let entropy = clock::entropy().context("the kernel gives no randomness")?;
    let opened = match open_store(folder, options, &entropy) {
        Err(error) if error.is_transient() && reserve.spend() => {
            tracing::error!(%error, "the disk seems to be full: the room kept for this start is used up now");
            open_store(folder, options, &entropy)
        }
        opened => opened,
    };
    opened.context("cannot open the database")
}

fn open_store(
    folder: &DataFolder,
    options: &Options,
    entropy: &store::Entropy,
) -> Result<(Store, Writer), store::Error> {
    let (store, mut writer) = Store::open(&folder.path().join("tandem.db"), &options.realm, entropy)?;
    writer.begin_boot(clock::boot())?;
    let octets = reserve::size_of_disk(folder.path()).unwrap_or(u64::MAX) / store::limits::DISK_SHARE;
    writer.limit_log(LogLimits { octets, ..LogLimits::default() });
    let interrupted = writer.close_interrupted_calls(now())?;
    if interrupted > 0 {
        tracing::warn!(interrupted, "calls were up when the process ended the last time");
    }
    let unfinished = store.reader()?.unfinished_recordings()?;
    if !unfinished.is_empty() {
        let found = filing::find(&folder.recordings(), &unfinished);
        writer.close_interrupted_recordings(now(), &found)?;
        let (interrupted, found) = (unfinished.len(), found.len());
        tracing::warn!(interrupted, found, "recordings ran when the process ended the last time");
    }
    Ok((store, writer))
}

/// Reads the whole database while calls go on: a disk that has forgotten something may not show it for months.
fn check_database(store: Store) -> Result<()> {
    let check = move || {
        if let Err(error) = store.check() {
            tracing::error!(%error, "the database was checked; if it is damaged, the next start restores it");
        }
    };
    std::thread::Builder::new().name("check".into()).spawn(check).context("cannot start a thread")?;
    Ok(())
}

/// The time of the wall clock, as the store counts it.
pub fn now() -> Timestamp {
    Timestamp(clock::unix().as_micros() as i64)
}

/// What the options say of the exchange, and where it speaks SIP itself.
fn settings(
    (options, store, https): (&Options, &Store, Option<SocketAddr>),
    sockets: &Sockets,
    clock: Clock,
) -> Result<(Settings, name_thread::Own, Option<Knocking>)> {
    let (sip, sips) = (sockets.address(), sockets.tls_address());
    let set = store.reader().and_then(|reader| reader.time_zone()).context("cannot read the database")?;
    let time_zone = options.time_zone.clone().map(|zone| zone.0).or(set.filter(|name| is_time_zone(name)));
    let settings = Settings {
        realm: options.realm.clone(),
        digest: options.digest.0.clone(),
        sip,
        sips,
        advertise: options.advertise.0.clone(),
        rtp: options.rtp.address,
        rtp_ports: (options.rtp.first, options.rtp.last),
        media_threads: options.media_threads(),
        seats_a_thread: options.conference_seats_per_thread,
        codecs: options.codecs.codecs().to_vec(),
        encryption: options.encryption.map_or(Encryption::Off, |wish| wish.0),
        encryption_over_tls: options.encryption.map_or(Encryption::Optional, |wish| wish.0),
        music_on_hold: options.music_on_hold != MusicOnHold::Off,
        time_zone: time_zone.unwrap_or_else(|| TimeZone::of_machine().0),
        flow_actions: options.flow_actions,
        ..Settings::default()
    };
    let own = name_thread::Own { sip, sips: settings.own(sip::Transport::Tls) };
    let (settings, knocking) = Knocking::prepare((options.webrtc, https), settings, clock)?;
    Ok((settings, own, knocking))
}

/// Ports of audio are bound as calls come, and those in other hands are passed over; here it shows whether the address
/// is ours.
fn check_rtp(address: IpAddr) -> Result<()> {
    UdpSocket::bind((address, 0)).with_context(|| format!("cannot bind UDP {address} for audio"))?;
    Ok(())
}

/// Each call needs four sockets.
fn raise_descriptor_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure outlives both calls.
    let raised = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 && {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit) == 0
        }
    };
    tracing::debug!(raised, limit = limit.rlim_cur, "file descriptors");
}

/// What the API hands out from the disk.
fn files(options: &Options, folder: &DataFolder) -> api::state::Files {
    api::state::Files {
        data: folder.path().to_owned(),
        recordings: folder.recordings(),
        flight_recorder: options.flight_recorder.clone(),
    }
}

/// Where SIP is spoken over TLS, and by which certificate.
fn tls_for_sip(
    options: &Options,
    certificates: Option<&Certificates>,
) -> Result<Option<(SocketAddr, Arc<ServerConfig>)>> {
    let Some((address, certificates)) = options.tls.sips.zip(certificates) else { return Ok(None) };
    Ok(Some((address, certificates.server(&[])?)))
}

/// Where the box is found.
struct Addresses {
    sip: SocketAddr,
    sips: Option<SocketAddr>,
    http: SocketAddr,
    https: Option<SocketAddr>,
}

impl Addresses {
    fn of(sockets: &Sockets, doors: &Doors) -> Result<Addresses> {
        let address = |listener: &std::net::TcpListener| listener.local_addr().context("a listener has an address");
        let https = doors.https()?;
        Ok(Addresses { sip: sockets.address(), sips: sockets.tls_address(), http: address(&doors.plain)?, https })
    }

    /// The one line that says that everything is bound and restored.
    fn announce(&self, rtp: &RtpPorts) {
        let Addresses { sip, sips, http, https } = self;
        let sips = sips.map(|sips| format!(" and {sips} (TLS)")).unwrap_or_default();
        let https = https.map(|https| format!(" and https://{https}")).unwrap_or_default();
        // Whoever reads may have gone: that is no reason to end.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "tandem is ready: SIP {sip} (UDP, TCP){sips}, HTTP http://{http}{https}, RTP {rtp}")
            .and_then(|()| out.flush());
    }
}
