//! Keys that the phone of a leg pressed, as the world is told of them, and digits that it is sent by order.

use std::time::Duration;

use uuid::Uuid;

use super::{Call, ladder};
use crate::command::{Rejection, Reply};
use crate::context::Context;
use crate::event::EventKind;
use crate::{UnixMicros, limits};

/// A key that a phone pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtmf {
    /// Its id.
    pub id: Uuid,
    /// The leg.
    pub call_id: Uuid,
    /// Which.
    pub digit: char,
    /// When.
    pub at: UnixMicros,
}

/// How a phone tells a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWay {
    /// Telephone events in its audio (RFC 4733).
    Events,
    /// INFO.
    Info,
    /// Tones in its sound (ITU-T Q.23).
    Tones,
}

impl KeyWay {
    /// As the ladder says it; how most phones do it needs no words.
    pub fn words(self) -> &'static str {
        match self {
            KeyWay::Events => "",
            KeyWay::Info => "by INFO",
            KeyWay::Tones => "heard as tones",
        }
    }
}

impl Call {
    /// Tells the world of a key, unless there are more of them than anybody can press.
    pub(super) fn tell_digit(&mut self, ctx: &mut Context, place: usize, digit: char) {
        let at = ctx.unix();
        let second = at.0 / 1_000_000;
        self.digits_told = match self.digits_told {
            (told, count) if told == second => (second, count + 1),
            _ => (second, 1),
        };
        if self.digits_told.1 > limits::DIGITS_TOLD {
            ctx.totals.digits_omitted += 1;
            return;
        }
        let dtmf = Dtmf { id: ctx.uuid(), call_id: self.legs[place].record.id, digit, at };
        ctx.event(EventKind::DtmfReceived(Box::new(dtmf)));
    }

    /// Sends digits to the phone, because somebody asked for it.
    pub fn send_digits(
        &mut self,
        ctx: &mut Context,
        place: usize,
        (digits, duration): (String, Duration),
    ) -> Result<Reply, Rejection> {
        let is_digit = |digit: char| digit.is_ascii_digit() || matches!(digit, 'A'..='D' | '*' | '#');
        if digits.is_empty() || digits.len() > limits::DIGITS_SENT || !digits.chars().all(is_digit) {
            return Err(Rejection::Invalid { field: "digits", reason: "must be 1 to 100 of 0-9, A-D, * and #" });
        }
        if !(Duration::from_millis(100)..=Duration::from_secs(1)).contains(&duration) {
            return Err(Rejection::Invalid { field: "duration", reason: "must be 100 to 1000 ms" });
        }
        let leg = &self.legs[place];
        if !leg.is_live() {
            return Err(Rejection::AlreadyHungUp);
        }
        let stream = leg.audio.stream().filter(|_| leg.is_up() && leg.audio.is_negotiated());
        let Some(stream) = stream else { return Err(Rejection::NotAnswered) };
        let label = format!("send digits {digits}");
        self.ladder.media(ctx.unix(), (ladder::MEDIA, Call::column(place)), label, "was asked for".into());
        let duration_ms = duration.as_millis() as u32;
        ctx.media(media::Command::SendDigits { stream, digits, duration_ms });
        Ok(Reply::Call(Box::new(self.legs[place].record.clone())))
    }
}
