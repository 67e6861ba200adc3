//! Stories of exchanges that live, hang, die and are switched off, in virtual time with a simulated watchdog.
use hal::board::simulated::SimulatedWatchdog;
use hal::watchdog::Watchdog;

use super::*;

const WATCHDOG: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(120);
const RESCUE: Duration = Duration::from_secs(3_600);

/// How the simulated exchange behaves from now on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behaviour {
    /// Answers its health check this long after it was started.
    Good { after: Duration },
    /// Ends as soon as it is started.
    Crashes,
    /// Neither answers nor obeys.
    Hangs,
}

struct Story {
    now: Time,
    keeper: Keeper,
    watchdog: SimulatedWatchdog,
    behaviour: Behaviour,
    started_at: Option<Time>,
    was_reset: bool,
    log: Vec<(Time, Order)>,
}

impl Story {
    fn new(behaviour: Behaviour) -> Story {
        let mut watchdog = SimulatedWatchdog::default();
        watchdog.set_timeout(WATCHDOG).expect("a simulated watchdog never refuses");
        let keeper = Keeper::new(Time::ZERO, WATCHDOG, PATIENCE, RESCUE);
        let (started_at, log) = (None, Vec::new());
        Story { now: Time::ZERO, keeper, watchdog, behaviour, started_at, was_reset: false, log }
    }

    fn run_for(&mut self, length: Duration) {
        let end = self.now + length;
        while self.now < end && !self.keeper.is_done() {
            self.drain();
            if self.keeper.is_done() {
                return;
            }
            let next = self.keeper.poll_timeout().min(end);
            self.was_reset |= self.watchdog.advance(next.saturating_sub(self.now));
            self.now = next.max(self.now);
            self.keeper.handle_timeout(self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(order) = self.keeper.poll_order() {
            self.log.push((self.now, order));
            self.carry_out(order);
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Pet => self.watchdog.pet().expect("a simulated watchdog never refuses"),
            Order::Start if self.behaviour == Behaviour::Crashes => self.keeper.handle_exit(self.now),
            Order::Start => self.started_at = Some(self.now),
            Order::Check => {
                let began = self.started_at.expect("only a started exchange is checked");
                let answers = matches!(self.behaviour, Behaviour::Good { after } if self.now >= began + after);
                self.keeper.handle_health(self.now, answers);
            }
            Order::Terminate if self.behaviour == Behaviour::Hangs => {}
            Order::Terminate | Order::Kill => {
                if self.started_at.take().is_some() {
                    self.keeper.handle_exit(self.now);
                }
            }
            Order::Tell(_) | Order::OpenRescue | Order::CloseRescue => {}
        }
    }

    fn times_of(&self, wanted: Order) -> Vec<Time> {
        self.log.iter().filter(|(_, order)| *order == wanted).map(|(at, _)| *at).collect()
    }

    fn die(&mut self) {
        self.started_at = None;
        self.keeper.handle_exit(self.now);
    }
}

fn secs(value: u64) -> Duration {
    Duration::from_secs(value)
}

const GOOD: Behaviour = Behaviour::Good { after: Duration::from_millis(300) };

#[test]
fn a_good_exchange_is_started_once_and_the_watchdog_sleeps() {
    let mut story = Story::new(GOOD);
    story.run_for(secs(86_400));
    assert_eq!(story.times_of(Order::Start), [Time::ZERO]);
    assert_eq!(story.times_of(Order::Tell(Notice::Answers)), [Duration::from_millis(300)]);
    assert_eq!(story.keeper.pattern(), Pattern::Running);
    assert!(!story.was_reset);
    let checks = story.times_of(Order::Check).len();
    assert!((43_000..43_300).contains(&checks), "{checks} checks in a day");
}

#[test]
fn a_dead_exchange_is_back_in_a_tenth_of_a_second() {
    let mut story = Story::new(GOOD);
    story.run_for(secs(600));
    story.die();
    story.run_for(secs(5));
    assert_eq!(story.times_of(Order::Start), [Time::ZERO, secs(600) + BACKOFF]);
    assert_eq!(story.keeper.pattern(), Pattern::Running);
}

#[test]
fn one_that_crashes_three_times_asks_for_help_and_at_last_the_watchdog() {
    let mut story = Story::new(Behaviour::Crashes);
    story.run_for(secs(60));
    assert_eq!(story.times_of(Order::Start), [Time::ZERO, BACKOFF, BACKOFF * 3]);
    assert_eq!(story.times_of(Order::OpenRescue), [BACKOFF * 3]);
    assert_eq!(story.keeper.pattern(), Pattern::Fault);
    story.run_for(secs(900));
    assert_eq!(story.times_of(Order::CloseRescue), story.times_of(Order::Start)[3..], "the port is free for each try");
    assert_eq!(story.times_of(Order::Start).len(), 6, "every five minutes");
    assert!(!story.was_reset, "people may still come");
    story.run_for(RESCUE);
    assert_eq!(story.times_of(Order::Tell(Notice::GivenUp)).len(), 1);
    assert!(story.was_reset);
    let last_pet = story.times_of(Order::Pet).pop().expect("it was petted before");
    assert!(last_pet < RESCUE + secs(1), "petted at {last_pet:?}");
}

#[test]
fn who_helps_need_not_wait() {
    let mut story = Story::new(Behaviour::Crashes);
    story.run_for(secs(10));
    story.behaviour = GOOD;
    story.keeper.handle_retry(story.now);
    story.run_for(secs(2));
    assert_eq!(story.times_of(Order::CloseRescue), [secs(10)]);
    assert_eq!(story.times_of(Order::Start).last(), Some(&secs(10)));
    assert_eq!(story.keeper.pattern(), Pattern::Running);
    story.keeper.handle_retry(story.now);
    story.run_for(secs(86_400));
    assert_eq!(story.times_of(Order::Start).len(), 4, "one that runs is not started");
    story.die();
    story.run_for(secs(5));
    assert_eq!(story.keeper.pattern(), Pattern::Running, "and one death is forgiven again");
    assert!(!story.was_reset);
}

#[test]
fn a_good_hour_earns_a_quick_restart_again() {
    let mut story = Story::new(Behaviour::Crashes);
    story.run_for(secs(20));
    story.behaviour = GOOD;
    story.run_for(secs(3600));
    let died_at = story.now;
    story.die();
    story.run_for(secs(1));
    assert_eq!(story.times_of(Order::Start).last(), Some(&(died_at + BACKOFF)));
}

#[test]
fn one_that_hangs_is_ended_and_replaced() {
    let mut story = Story::new(GOOD);
    story.run_for(secs(100));
    story.behaviour = Behaviour::Hangs;
    story.run_for(secs(12));
    assert_eq!(story.times_of(Order::Tell(Notice::Hangs)).len(), 1);
    let (asked, killed) = (story.times_of(Order::Terminate)[0], story.times_of(Order::Kill)[0]);
    assert!(asked <= secs(100) + CHECK_RUNNING * (CHECKS_MISSED + 1), "asked at {asked:?}");
    assert_eq!(killed, asked + HANG_GRACE);
    story.behaviour = GOOD;
    story.run_for(secs(60));
    assert_eq!(story.keeper.pattern(), Pattern::Running);
    assert!(!story.was_reset);
}

#[test]
fn one_that_never_answers_is_replaced_and_at_last_the_box_is() {
    let mut story = Story::new(Behaviour::Hangs);
    story.run_for(START_LIMIT + secs(1));
    assert_eq!(story.times_of(Order::Tell(Notice::NeverAnswered)).len(), 1);
    story.run_for(PATIENCE + WATCHDOG);
    assert_eq!(story.times_of(Order::OpenRescue).len(), 1, "three that hang are as bad as three that crash");
    story.run_for(RESCUE);
    assert!(story.was_reset);
}

#[test]
fn one_missed_check_is_forgiven() {
    let mut story = Story::new(GOOD);
    story.run_for(secs(10));
    story.behaviour = Behaviour::Hangs;
    story.run_for(CHECK_RUNNING);
    assert_eq!(story.keeper.pattern(), Pattern::Fault);
    story.behaviour = GOOD;
    story.run_for(secs(10));
    assert!(story.times_of(Order::Terminate).is_empty());
    assert_eq!(story.keeper.pattern(), Pattern::Running);
}

#[test]
fn switching_off_is_done_when_the_exchange_has_ended() {
    let mut story = Story::new(GOOD);
    story.run_for(secs(10));
    story.keeper.handle_stop(story.now);
    story.run_for(secs(1));
    assert!(story.keeper.is_done());
    assert_eq!(story.now, secs(10));
    assert!(story.times_of(Order::Kill).is_empty());
}

#[test]
fn switching_off_ends_even_one_that_does_not_obey() {
    let mut story = Story::new(GOOD);
    story.run_for(secs(10));
    story.behaviour = Behaviour::Hangs;
    story.keeper.handle_stop(story.now);
    assert_eq!(story.keeper.pattern(), Pattern::Stopping);
    story.run_for(secs(60));
    assert_eq!(story.times_of(Order::Terminate), [secs(10), secs(10) + DRAIN_LIMIT]);
    assert_eq!(story.times_of(Order::Kill), [secs(10) + DRAIN_LIMIT + STOP_LIMIT]);
    assert!(story.keeper.is_done());
    assert!(!story.was_reset);
}

#[test]
fn a_second_press_hurries() {
    let mut story = Story::new(GOOD);
    story.run_for(secs(10));
    story.behaviour = Behaviour::Hangs;
    story.keeper.handle_stop(story.now);
    story.run_for(secs(1));
    story.keeper.handle_stop(story.now);
    story.run_for(secs(60));
    assert_eq!(story.times_of(Order::Terminate), [secs(10), secs(11)]);
    assert_eq!(story.times_of(Order::Kill), [secs(11) + STOP_LIMIT]);
}

#[test]
fn switching_off_between_two_lives_starts_none() {
    let mut story = Story::new(Behaviour::Crashes);
    story.run_for(secs(15));
    let starts = story.times_of(Order::Start).len();
    story.keeper.handle_stop(story.now);
    story.run_for(secs(60));
    assert!(story.keeper.is_done());
    assert_eq!(story.times_of(Order::Start).len(), starts);
}

#[test]
fn a_late_answer_of_a_dead_exchange_is_nothing() {
    let mut story = Story::new(Behaviour::Crashes);
    story.run_for(secs(3));
    story.keeper.handle_health(story.now, true);
    assert_eq!(story.keeper.pattern(), Pattern::Fault);
    assert!(story.keeper.poll_order().is_none());
}
