//! A flow that runs: a stack of lists of actions, and where it is in them.

use std::collections::VecDeque;
use std::sync::Arc;

use uuid::Uuid;

use crate::flow::action::{Action, Catalogue, EMPTY, FINISH, Info, NEXT, START, Step, Work};
use crate::flow::digits::Digits;
use crate::flow::options::{Fault, Options};
use crate::flow::order::{Order, Outcome};
use crate::flow::scope::{Scope, Surroundings};
use crate::flow::value::Value;
use crate::flow::variables::{DIGITS, Variables};
use crate::limits;

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Advance {
    /// Somebody has to carry this out, and to say what came of it.
    Do(Order),
    /// Nothing: it is over.
    Finished(End),
}

/// Why a flow is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// There are no more actions.
    Finished,
    /// An action failed that the flow cannot go on without.
    Failed {
        /// The action.
        action: Uuid,
        /// Its name.
        name: String,
        /// Why, in words.
        reason: String,
    },
    /// It has run as many actions as it may.
    Exhausted {
        /// The action that would have been one too many.
        action: Uuid,
        /// Its name.
        name: String,
    },
}

/// An action that ran, for those who watch.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    /// The action, with its options as they were after variables were filled in.
    pub action: Action,
    /// What came of it, where that is not what always comes of it.
    pub note: String,
}

/// A list of actions, and how far it is.
#[derive(Debug, Clone, PartialEq)]
struct Frame {
    actions: Arc<[Action]>,
    /// The action that runs or ran last.
    at: Option<usize>,
    /// Where it goes on, if that is not behind `at`.
    next: Option<usize>,
    /// The `goto`s that have run, and how often each may still jump.
    jumps: Vec<(usize, u32)>,
}

/// A flow that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Activeflow {
    frames: Vec<Frame>,
    /// Its variables.
    pub variables: Variables,
    /// What its phone pressed.
    pub digits: Digits,
    /// The action to go on at, whatever the list says: set from outside.
    forward: Option<Uuid>,
    spent: usize,
    executed: VecDeque<Executed>,
}

impl Activeflow {
    /// A flow before its first action.
    pub fn new(actions: Arc<[Action]>, variables: Variables) -> Activeflow {
        Activeflow {
            frames: vec![Frame::new(actions)],
            variables,
            digits: Digits::default(),
            forward: None,
            spent: 0,
            executed: VecDeque::new(),
        }
    }

    /// The action that runs.
    pub fn current(&self) -> Option<&Action> {
        let frame = self.frames.last()?;
        frame.actions.get(frame.at?)
    }

    /// The actions that ran since they were asked for last, the latest [`limits::EXECUTED_ACTIONS`].
    pub fn poll_executed(&mut self) -> Option<Executed> {
        self.executed.pop_front()
    }

    /// Goes on at this action instead of the next one.
    pub fn forward(&mut self, action: Uuid) {
        self.forward = Some(action);
    }

    /// Runs actions until one needs somebody, or none is left.
    pub fn advance(&mut self, around: Surroundings) -> Advance {
        loop {
            let picked = match self.pick() {
                Ok(picked) => picked,
                Err(end) => return Advance::Finished(end),
            };
            let Some(action) = picked else { return Advance::Finished(End::Finished) };
            self.spent += 1;
            if self.spent > around.actions {
                return Advance::Finished(End::Exhausted { action: action.id, name: action.name });
            }
            match self.run(&action, around) {
                Ok(Ran::Step(Step::Next)) => {}
                Ok(Ran::Step(Step::Stop)) => return Advance::Finished(End::Finished),
                Ok(Ran::Step(Step::Goto(target))) => self.forward = Some(target),
                Ok(Ran::Order(order)) => return Advance::Do(order),
                Err(end) => return Advance::Finished(end),
            }
        }
    }

    /// Takes what came of the order that was given last. `Some`: the flow cannot go on.
    pub fn resume(&mut self, outcome: Outcome) -> Option<End> {
        match outcome {
            Outcome::Done => None,
            Outcome::Told(variables) => {
                variables.into_iter().for_each(|(name, text)| self.variables.tell(name, text));
                None
            }
            Outcome::Actions(actions) if self.frames.len() >= limits::FLOW_DEPTH => {
                let reason = format!("{} flows are within each other, and no more may be", self.frames.len());
                drop(actions);
                self.fail(reason)
            }
            Outcome::Actions(actions) => {
                self.frames.push(Frame::new(actions.into()));
                None
            }
            Outcome::Failed(reason) => self.fail(reason),
        }
    }

    /// The action that was given out failed.
    fn fail(&mut self, reason: String) -> Option<End> {
        let action = self.current()?;
        let info = Catalogue::find(&action.name);
        let (id, name) = (action.id, action.name.clone());
        if let Some(last) = self.executed.back_mut() {
            last.note = reason.clone();
        }
        info.is_none_or(|info| info.ends_flow).then_some(End::Failed { action: id, name, reason })
    }

    /// Moves on to the action that comes next.
    fn pick(&mut self) -> Result<Option<Action>, End> {
        let wanted = match self.forward.take() {
            None => self.current().and_then(|action| action.next_id),
            forward => forward,
        };
        match wanted {
            None | Some(EMPTY | NEXT) => {}
            Some(FINISH) => return Ok(None),
            Some(target) => self.jump(target)?,
        }
        while let Some(frame) = self.frames.last_mut() {
            if let Some(action) = frame.step() {
                return Ok(Some(action));
            }
            if self.frames.len() == 1 {
                return Ok(None);
            }
            self.frames.pop();
            // The list below goes on behind the action that brought the other one, or where that says.
            if let Some(next_id) = self.current().and_then(|action| action.next_id) {
                self.forward = Some(next_id);
                return self.pick();
            }
        }
        Ok(None)
    }

    /// Goes to an action of this list, or of one below it.
    fn jump(&mut self, target: Uuid) -> Result<(), End> {
        if target == START {
            if let Some(frame) = self.frames.last_mut() {
                frame.next = Some(0);
            }
            return Ok(());
        }
        let found = self.frames.iter().enumerate().rev().find_map(|(depth, frame)| {
            frame.actions.iter().position(|action| action.id == target).map(|index| (depth, index))
        });
        let Some((depth, index)) = found else {
            let (action, name) = self.current().map_or((EMPTY, String::new()), |a| (a.id, a.name.clone()));
            return Err(End::Failed { action, name, reason: format!("there is no action {target} to go on at") });
        };
        self.frames.truncate(depth + 1);
        self.frames[depth].next = Some(index);
        Ok(())
    }

    fn run(&mut self, action: &Action, around: Surroundings) -> Result<Ran, End> {
        self.variables.tell(DIGITS, self.digits.shown());
        let filled = self.variables.fill_all(&action.option);
        let Some(info) = Catalogue::find(&action.name) else {
            self.note(action, filled, "there is no such action");
            return Err(failed(action, "there is no such action"));
        };
        if info.needs_call && around.call.is_none() {
            self.note(action, filled, "passed over: there is no call");
            return Ok(Ran::Step(Step::Next));
        }
        let options = Options::new(&action.option, &filled);
        match self.work(info, &options, around) {
            Ok(ran) => {
                let words = self.words(&ran);
                self.note(action, filled, &words);
                Ok(ran)
            }
            Err(fault) => {
                self.note(action, filled, &fault.to_string());
                if info.ends_flow { Err(failed(action, &fault.to_string())) } else { Ok(Ran::Step(Step::Next)) }
            }
        }
    }

    fn work(&mut self, info: &Info, options: &Options, around: Surroundings) -> Result<Ran, Fault> {
        match info.work {
            Work::Order(order) => order(options).map(Ran::Order),
            Work::Step { run, .. } => {
                let Some(frame) = self.frames.last_mut() else { return Ok(Ran::Step(Step::Stop)) };
                let at = frame.at.unwrap_or_default();
                let mut jumps = frame.jumps.iter().find(|(index, _)| *index == at).map(|(_, left)| *left);
                let mut scope =
                    Scope { around, variables: &mut self.variables, digits: &mut self.digits, jumps: &mut jumps };
                let step = run(options, &mut scope)?;
                if let Some(left) = jumps {
                    frame.jumps.retain(|(index, _)| *index != at);
                    frame.jumps.push((at, left));
                }
                Ok(Ran::Step(step))
            }
        }
    }

    /// Where an action leads, if not to the next one.
    fn words(&self, ran: &Ran) -> String {
        let target = match ran {
            Ran::Step(Step::Goto(FINISH)) => return "on to the end".into(),
            Ran::Step(Step::Goto(target)) if *target != NEXT => *target,
            _ => return String::new(),
        };
        let mut known = self.frames.iter().rev().flat_map(|frame| frame.actions.iter());
        let name = known.find(|action| action.id == target).map_or("", |action| &action.name);
        format!("on to {name} {target}")
    }

    fn note(&mut self, action: &Action, filled: Value, words: &str) {
        if self.executed.len() >= limits::EXECUTED_ACTIONS {
            self.executed.pop_front();
        }
        let action = Action { option: filled, ..action.clone() };
        self.executed.push_back(Executed { action, note: words.into() });
    }
}

/// What an action that ran leaves to be done.
enum Ran {
    Step(Step),
    Order(Order),
}

impl Frame {
    fn new(actions: Arc<[Action]>) -> Frame {
        Frame { actions, at: None, next: None, jumps: Vec::new() }
    }

    /// Moves on by one.
    fn step(&mut self) -> Option<Action> {
        let next = self.next.take().unwrap_or_else(|| self.at.map_or(0, |at| at + 1));
        let action = self.actions.get(next)?;
        self.at = Some(next);
        Some(action.clone())
    }
}

fn failed(action: &Action, reason: &str) -> End {
    End::Failed { action: action.id, name: action.name.clone(), reason: reason.into() }
}
