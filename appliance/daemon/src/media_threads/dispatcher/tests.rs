//! Each order is found in the queue of one thread, or of every thread that has a part.

use std::collections::VecDeque;

use media::{Playable, PlaybackId, RecordingId, Statistics};
use mio::{Poll, Token, Waker};

use super::*;
use crate::queue::Bell;

struct Bench {
    dispatcher: Dispatcher,
    queues: Vec<Queue<Order>>,
    _poll: Poll,
}

const ROOM: ConferenceId = ConferenceId(5);

impl Bench {
    fn new(capacity: usize) -> Bench {
        let poll = Poll::new().expect("the kernel has epoll");
        let bell = Bell::new(Waker::new(poll.registry(), Token(0)).expect("the kernel has eventfd"));
        let queues: Vec<Queue<Order>> = (0..2).map(|_| Queue::new(capacity, bell.clone())).collect();
        let dispatcher = Dispatcher::new(queues.clone(), None, Owners::default());
        Bench { dispatcher, queues, _poll: poll }
    }

    /// What the threads were ordered, in short.
    fn taken(&mut self) -> [Vec<String>; 2] {
        [0, 1].map(|thread| {
            let mut orders = VecDeque::new();
            self.queues[thread].take(&mut orders);
            orders.iter().map(short).collect()
        })
    }

    /// Streams 0 to 3, by turns on the two threads.
    fn with_streams() -> Bench {
        let mut bench = Bench::new(100);
        for stream in 0..4 {
            assert!(bench.dispatcher.order_open(StreamId(stream), 30_000 + 2 * stream as u16));
        }
        assert_eq!(bench.taken(), [["Open", "Open"], ["Open", "Open"]]);
        bench
    }

    fn join(&mut self, stream: u32) {
        self.dispatcher.order(Command::Join { stream: StreamId(stream), conference: ROOM });
    }
}

fn short(order: &Order) -> String {
    let text = format!("{order:?}");
    let text = text.strip_prefix("Command(").unwrap_or(&text);
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn orders_for_a_stream_go_where_its_port_is() {
    let mut bench = Bench::with_streams();
    bench.dispatcher.order(Command::Disconnect { stream: StreamId(3) });
    bench.dispatcher.order(Command::Connect { a: StreamId(0), b: StreamId(2) });
    bench.dispatcher.order_port(PortOrder::Bind(30_006));
    assert_eq!(bench.taken(), [vec!["Connect".to_string()], vec!["Disconnect".into(), "Port".into()]]);
    bench.dispatcher.order(Command::Close { stream: StreamId(3) });
    bench.dispatcher.observe(&Event::Closed { stream: StreamId(3), statistics: Box::new(Statistics::default()) });
    assert_eq!(bench.dispatcher.streams.len(), 3);
    bench.taken();
    bench.dispatcher.order(Command::Close { stream: StreamId(3) });
    assert_eq!(bench.taken(), [vec!["Close".to_string()], none()], "who is not known is the first's");
}

#[test]
fn a_conference_is_opened_where_somebody_joins_it_and_linked_with_the_rest() {
    let mut bench = Bench::with_streams();
    bench.dispatcher.order(Command::OpenConference { conference: ROOM, loudest: None });
    assert_eq!(bench.taken(), [none(), none()]);
    bench.join(1);
    assert_eq!(bench.taken(), [none(), vec!["OpenConference".into(), "Join".into()]]);
    bench.join(3);
    bench.join(0);
    let first = ["OpenConference", "LinkConference", "Join"].map(str::to_owned).to_vec();
    assert_eq!(bench.taken(), [first, vec!["Join".into(), "LinkConference".into()]]);
    let (to, what) = (Target::Conference(ROOM), Playable::Music);
    bench.dispatcher.order(Command::Play { playback: PlaybackId(1), to, what });
    bench.dispatcher.order(Command::StopPlayback { playback: PlaybackId(1) });
    assert_eq!(bench.taken(), [none(), vec!["Play".into(), "StopPlayback".into()]], "it is announced at home");
    bench.dispatcher.order(Command::CloseConference { conference: ROOM });
    assert_eq!(bench.taken(), [vec!["CloseConference".to_string()], vec!["CloseConference".into()]]);
    assert!(bench.dispatcher.conferences.is_empty());
}

#[test]
fn what_is_played_is_delivered_where_it_is_heard_until_it_ends() {
    let mut bench = Bench::with_streams();
    let to = Target::Stream(StreamId(3));
    let playback = PlaybackId(9);
    bench.dispatcher.order(Command::Play { playback, to, what: Playable::Music });
    assert_eq!(bench.dispatcher.owners.of(Work::Playback(playback)), Lane(1));
    assert_eq!(bench.dispatcher.owners.of(Work::Recording(RecordingId(9))), Lane(0));
    bench.dispatcher.observe(&Event::PlaybackEnded { playback, to, reason: media::Ended::Finished });
    assert_eq!(bench.dispatcher.owners.of(Work::Playback(playback)), Lane(0));
}

#[test]
fn a_thread_that_is_behind_opens_no_more_streams_but_hears_everything_else() {
    let mut bench = Bench::new(1);
    assert!(bench.dispatcher.order_open(StreamId(0), 30_000));
    assert!(!bench.dispatcher.order_open(StreamId(2), 30_004));
    assert!(bench.dispatcher.order_open(StreamId(1), 30_002), "the other is not behind");
    bench.dispatcher.order(Command::Close { stream: StreamId(0) });
    assert_eq!(bench.taken(), [vec!["Open".to_string(), "Close".into()], vec!["Open".into()]]);
}

#[test]
fn streams_of_two_threads_are_bridged_by_a_conference_until_one_is_elsewhere() {
    let mut bench = Bench::with_streams();
    bench.taken();
    let (a, b) = (StreamId(0), StreamId(1));
    bench.dispatcher.order(Command::Connect { a, b });
    let conference = ConferenceId(BRIDGES + 1);
    let [first, second] = bench.taken();
    let joins = |orders: &[String]| orders.iter().filter(|order| order.contains("Join")).count();
    assert_eq!((joins(&first), joins(&second)), (1, 1), "{first:?} {second:?}");
    assert!(first.iter().chain(&second).filter(|order| order.contains("Link")).count() == 2, "{first:?} {second:?}");

    // Within one thread again: the conference is closed first.
    bench.dispatcher.order(Command::Connect { a, b: StreamId(2) });
    let [first, second] = bench.taken();
    assert!(first[0].contains("CloseConference") && first[1].contains("Connect"), "{first:?}");
    assert!(second.len() == 1 && second[0].contains("CloseConference"), "{second:?}");
    assert!(bench.dispatcher.bridges.is_empty() && !bench.dispatcher.conferences.contains_key(&conference));
    bench.dispatcher.order(Command::Connect { a, b });
    bench.taken();
    bench.dispatcher.order(Command::Close { stream: b });
    assert!(bench.dispatcher.bridges.is_empty());
}
