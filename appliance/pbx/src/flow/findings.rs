//! What is wrong with a flow, found before anybody runs it.

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::flow::action::{Action, Catalogue, EMPTY, FINISH, Info, NEXT, START};
use crate::flow::options::Options;
use crate::flow::value::Value;

/// Something that is wrong with an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The action.
    pub action: Uuid,
    /// Where it stands: `actions[3].option.target_id`.
    pub at: String,
    /// What is wrong.
    pub reason: String,
    /// Whether the flow cannot be saved with it.
    pub grave: bool,
}

/// Everything that is wrong with a flow, from its beginning to its end.
pub fn findings(actions: &[Action]) -> Vec<Finding> {
    let mut places = Places::default();
    for (index, action) in actions.iter().enumerate().filter(|(_, action)| !action.id.is_nil()) {
        places.entry(action.id).or_insert(index);
    }
    let mut findings: Vec<Finding> = (0..actions.len()).flat_map(|index| of_action(actions, &places, index)).collect();
    let graph = Graph::new(actions, &places);
    for index in graph.unreachable() {
        findings.push(finding(actions, index, "", "is never reached", false));
    }
    if let Some(index) = graph.endless() {
        let reason = "goes round for ever: nothing in this loop waits or counts";
        findings.push(finding(actions, index, "", reason, true));
    }
    findings
}

/// What is wrong with actions that run within another flow, and may go on at actions of that one.
pub fn findings_within(actions: &[Action]) -> Vec<Finding> {
    findings(actions).into_iter().filter(|finding| finding.reason != ELSEWHERE).collect()
}

const ELSEWHERE: &str = "names no action of this flow";

fn of_action(actions: &[Action], places: &Places, index: usize) -> Vec<Finding> {
    let action = &actions[index];
    let at = |path: &str, reason: &str, grave: bool| finding(actions, index, path, reason, grave);
    let Some(info) = Catalogue::find(&action.name) else {
        return vec![at("type", &format!("there is no action {:?}", action.name), true)];
    };
    let mut findings = Vec::new();
    if places.get(&action.id).is_some_and(|first| *first != index) {
        findings.push(at("id", "is the id of an earlier action too", true));
    }
    if action.next_id.is_some_and(|next| !is_there(places, next)) {
        findings.push(at("next_id", ELSEWHERE, true));
    }
    let options = Options::draft(&action.option);
    if let Err(fault) = info.check(&options) {
        findings.push(at(&format!("option.{}", fault.at), &fault.reason, true));
    }
    for target in (info.targets)(&options).into_iter().filter(|target| !is_there(places, target.id)) {
        findings.push(at(&format!("option.{}", target.at), ELSEWHERE, true));
    }
    if let Value::Map(entries) = &action.option {
        let known = |name: &str| info.options.iter().any(|field| field.name == name);
        let strange = entries.iter().filter(|(name, _)| !known(name));
        findings.extend(strange.map(|(name, _)| at(&format!("option.{name}"), "is no option of this action", false)));
    }
    findings
}

fn finding(actions: &[Action], index: usize, path: &str, reason: &str, grave: bool) -> Finding {
    let dot = if path.is_empty() { "" } else { "." };
    Finding { action: actions[index].id, at: format!("actions[{index}]{dot}{path}"), reason: reason.into(), grave }
}

fn is_there(places: &Places, id: Uuid) -> bool {
    [EMPTY, START, FINISH, NEXT].contains(&id) || places.contains_key(&id)
}

/// Where each action stands: the first of those that share an id.
type Places = FxHashMap<Uuid, usize>;

/// Which action may follow which.
struct Graph {
    /// Of each action, those that may come after it.
    next: Vec<Vec<usize>>,
    /// Of each action, whether going on to one of those can happen without end: it neither waits nor counts.
    hurries: Vec<Vec<usize>>,
}

impl Graph {
    fn new(actions: &[Action], places: &Places) -> Graph {
        let (mut next, mut hurries) = (Vec::new(), Vec::new());
        for (index, action) in actions.iter().enumerate() {
            let info = Catalogue::find(&action.name);
            let mut following = Vec::new();
            if info.is_none_or(|info| info.goes_on) {
                following.extend(resolve((actions.len(), places), index, action.next_id.unwrap_or(NEXT)));
            }
            let jumps = jumps((actions.len(), places), (index, action), info);
            let rests = info.is_none_or(|info| info.rests);
            // A `goto` counts its jumps; what it falls through to does not count.
            let counts = info.is_some_and(|info| info.name == "goto");
            let mut hurrying = if rests { Vec::new() } else { following.clone() };
            if !rests && !counts {
                hurrying.extend(&jumps);
            }
            following.extend(jumps);
            next.push(following);
            hurries.push(hurrying);
        }
        Graph { next, hurries }
    }

    fn unreachable(&self) -> Vec<usize> {
        let reached = reached_from(&self.next, (0..self.next.len().min(1)).collect());
        (0..reached.len()).filter(|index| !reached[*index]).collect()
    }

    /// An action that comes round again without anything in between that waits or counts: one that is met while those that
    /// lead away from it are still being walked.
    fn endless(&self) -> Option<usize> {
        let (mut entered, mut left) = (vec![false; self.hurries.len()], vec![false; self.hurries.len()]);
        for start in 0..self.hurries.len() {
            let mut path = vec![(start, 0)];
            while let Some((index, walked)) = path.pop() {
                entered[index] = true;
                match self.hurries[index].get(walked) {
                    None => left[index] = true,
                    Some(&next) => {
                        path.push((index, walked + 1));
                        if entered[next] && !left[next] {
                            return Some(next);
                        }
                        if !entered[next] {
                            path.push((next, 0));
                        }
                    }
                }
            }
        }
        None
    }
}

/// Which actions come after these, by and by.
fn reached_from(next: &[Vec<usize>], mut waiting: Vec<usize>) -> Vec<bool> {
    let mut reached = vec![false; next.len()];
    while let Some(index) = waiting.pop() {
        if !std::mem::replace(&mut reached[index], true) {
            waiting.extend(&next[index]);
        }
    }
    reached
}

fn jumps(flow: (usize, &Places), (index, action): (usize, &Action), info: Option<&'static Info>) -> Vec<usize> {
    let Some(info) = info else { return Vec::new() };
    let targets = (info.targets)(&Options::draft(&action.option));
    targets.into_iter().filter_map(|target| resolve(flow, index, target.id)).collect()
}

fn resolve((count, places): (usize, &Places), index: usize, id: Uuid) -> Option<usize> {
    match id {
        EMPTY | NEXT => Some(index + 1).filter(|next| *next < count),
        START => Some(0),
        FINISH => None,
        id => places.get(&id).copied(),
    }
}
