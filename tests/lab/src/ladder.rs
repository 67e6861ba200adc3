//! The ladder of a story as text: a column for each party, an arrow for each message, with its virtual time.

use std::fmt::Write as _;

use crate::Time;
use crate::wire::{Message, Start, reason_phrase};

/// Cells between two columns.
const GAP: usize = 42;

/// One message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// When it was sent.
    pub at: Time,
    /// The column of the phone.
    pub phone: usize,
    /// Whether the phone sent it.
    pub is_from_phone: bool,
    /// What stands on it.
    pub label: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrived.
    Arrived,
    /// It arrived twice.
    ArrivedTwice,
    /// The network lost it.
    Lost,
    /// There was nobody to take it.
    Unreachable,
}

/// All messages of a story.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    arrows: Vec<Arrow>,
    names: Vec<String>,
    from: Time,
}

impl Ladder {
    /// A party joins at the right.
    pub fn add_phone(&mut self, name: &str) {
        self.names.push(name.into());
    }

    /// Forgets what happened so far: the story begins now.
    pub fn begin(&mut self, now: Time) {
        self.arrows.clear();
        self.from = now;
    }

    /// A message was sent.
    pub fn push(&mut self, arrow: Arrow) {
        self.arrows.push(arrow);
    }

    /// The messages.
    pub fn arrows(&self) -> &[Arrow] {
        &self.arrows
    }

    /// What stands on an arrow: the start line without what differs from run to run, and what the body says.
    pub fn label(message: &[u8]) -> String {
        if message.first().is_some_and(|first| *first < 4) {
            return "STUN".into();
        }
        let Ok(message) = Message::read(message) else {
            let line = message.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
            return format!("unreadable: {}", String::from_utf8_lossy(line));
        };
        let mut label = match &message.start {
            Start::Request(method, uri) => match method.as_str() {
                "INVITE" if message.tag("To").is_none() => format!("INVITE {}", user_of(uri)),
                _ => method.clone(),
            },
            // rsip writes the phrases without their spaces.
            Start::Response(status, phrase) => match reason_phrase(*status) {
                "Whatever" => format!("{status} {phrase}"),
                known => format!("{status} {known}"),
            },
        };
        if let Some(reason) = message.header("Reason") {
            let (protocol, cause) = reason.split_once(";cause=").unwrap_or((reason, ""));
            let _ = write!(label, " [{protocol} {}]", cause.split(';').next().unwrap_or(cause));
        }
        if message.body.starts_with("v=0") {
            let direction = ["sendonly", "recvonly", "inactive"].iter().find(|name| message.body.contains(*name));
            let _ = write!(label, " ({})", direction.unwrap_or(&"sdp"));
        }
        label
    }
}

fn user_of(uri: &str) -> &str {
    let after = uri.split_once(':').map_or(uri, |(_, after)| after);
    after.split_once('@').map_or(after, |(user, _)| user)
}

impl std::fmt::Display for Ladder {
    /// The exchange stands at the left; each phone has a column to its right.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let used: Vec<usize> =
            (0..self.names.len()).filter(|phone| self.arrows.iter().any(|arrow| arrow.phone == *phone)).collect();
        write!(f, "{:>9}  tandem", "")?;
        for (column, phone) in used.iter().enumerate() {
            let width = if column == 0 { GAP - "tandem".len() } else { GAP };
            write!(f, "{:>width$}", self.names[*phone])?;
        }
        for arrow in &self.arrows {
            let column = used.iter().position(|phone| *phone == arrow.phone).expect("its phone was counted above");
            let width = GAP * (column + 1) - 1;
            let at = (arrow.at - self.from).as_secs_f64();
            write!(f, "\n{at:>9.3}  {}", draw(arrow, width))?;
        }
        Ok(())
    }
}

fn draw(arrow: &Arrow, width: usize) -> String {
    let fate = match arrow.fate {
        Fate::Arrived => "",
        Fate::ArrivedTwice => " ×2",
        Fate::Lost => " ✗ lost",
        Fate::Unreachable => " ✗ nobody",
    };
    let text = format!(" {}{fate} ", arrow.label);
    let dashes = width.saturating_sub(text.chars().count() + 1).max(2);
    let (left, right) = match arrow.is_from_phone {
        true => (dashes - dashes / 2, dashes / 2),
        false => (dashes / 2, dashes - dashes / 2),
    };
    let (left, right) = ("─".repeat(left), "─".repeat(right));
    match arrow.is_from_phone {
        true => format!("◀{left}{text}{right}"),
        false => format!("{left}{text}{right}▶"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ladder_is_drawn() {
        let mut ladder = Ladder::default();
        ladder.add_phone("1001");
        ladder.add_phone("1002");
        let arrow = |at, phone, is_from_phone, label: &str, fate| Arrow {
            at: Duration::from_millis(at),
            phone,
            is_from_phone,
            label: label.into(),
            fate,
        };
        ladder.push(arrow(0, 0, true, "INVITE 1002 (sdp)", Fate::Arrived));
        ladder.push(arrow(5, 1, false, "INVITE 1002 (sdp)", Fate::Lost));
        let text = ladder.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "    0.000  ◀─────────── INVITE 1002 (sdp) ──────────");
        assert!(lines[2].starts_with("    0.005  ──") && lines[2].contains("✗ lost") && lines[2].ends_with('▶'));
        assert_eq!(lines[0].find("1001").unwrap() + 4, 11 + GAP);
    }
}
