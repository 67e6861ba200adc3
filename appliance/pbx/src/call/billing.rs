//! What the legs of a call cost: a leg is let in while there is money for its first minute, takes the next one as long as there
//! is, and is announced and ended when there is none.

use std::time::Duration;

use media::tone::Tone;
use media::{Playable, Target};
use uuid::Uuid;

use super::cause::Cause;
use super::{CALLER, Call, Ending, HangupReason, ladder};
use crate::Time;
use crate::billing::{Charge, CostType, Micros, Shortage, WhenSpent};
use crate::context::Context;
use crate::errand::Speech;
use crate::event::EventKind;
use crate::limits;
use crate::timers::{Timer, TimerId};

/// What one pays for.
const MINUTE: Duration = Duration::from_secs(60);

/// The money of a leg that is not free, from the moment it is let in until it ends.
#[derive(Debug)]
pub struct Meter {
    /// What is set aside for it.
    reserved: Micros,
    /// When it was answered.
    started: Option<Time>,
    /// Whether it was told that there is no money for the next minute.
    is_told: bool,
    /// Whether those who talk know that the call ends with this minute.
    is_warned: bool,
    timer: Option<TimerId>,
}

/// The first minute of a leg, paid for before there is a leg.
#[derive(Debug)]
pub struct Admission {
    meter: Meter,
    charge: Charge,
}

/// Sets the first minute aside. `Ok(None)`: it costs nothing. The error says what the balance does not suffice for.
fn admit(ctx: &mut Context, cost_type: CostType, call_id: Uuid) -> Result<Option<Admission>, Shortage> {
    let rate = ctx.billing.rate(cost_type);
    if rate.0 <= 0 {
        return Ok(None);
    }
    if !ctx.billing.suffices_for(rate) {
        let (made_by, balance) = (None, ctx.billing.left());
        return Err(Shortage { call_id, made_by, cost_type, rate, balance, ends: true });
    }
    ctx.billing.reserve(rate);
    let meter = Meter { reserved: rate, started: None, is_told: false, is_warned: false, timer: None };
    Ok(Some(Admission { meter, charge: Charge { cost_type, rate, duration: None } }))
}

impl Admission {
    /// There will be no leg.
    pub fn give_back(self, ctx: &mut Context) {
        ctx.billing.release(self.meter.reserved);
    }
}

impl Call {
    /// Whether there is money for what is about to be rung or answered; if not, that is told, and the cause says it to whoever
    /// called.
    pub(super) fn pay_in_advance(
        &mut self,
        ctx: &mut Context,
        cost_type: CostType,
    ) -> Result<Option<Admission>, Cause> {
        admit(ctx, cost_type, self.id()).map_err(|shortage| {
            ctx.totals.calls_unpaid += 1;
            let words = format!("{} costs more than is left", cost_type.name());
            self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::CALL), "the balance is spent", words);
            ctx.event(EventKind::BillingRefused(Box::new(shortage)));
            Cause::REJECTED
        })
    }

    /// A leg has what was paid for it.
    pub(super) fn meter(&mut self, place: usize, admission: Option<Admission>) {
        let Some(Admission { meter, charge }) = admission else { return };
        self.legs[place].record.charge = Some(charge);
        self.legs[place].meter = Some(Box::new(meter));
    }

    /// A leg was answered: it is paid for from now on.
    pub(super) fn start_meter(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        let Some(meter) = leg.meter.as_deref_mut().filter(|meter| meter.started.is_none()) else { return };
        meter.started = Some(ctx.now);
        meter.timer = Some(ctx.arm(MINUTE - limits::SPENT_WARNING, Timer::Balance(leg.key)));
    }

    /// A minute is about to end: the next one is set aside, or it is told that there is none.
    pub fn handle_balance(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        let (Some(meter), Some(charge)) = (leg.meter.as_deref_mut(), leg.record.charge) else { return };
        let (key, goes_on) = (leg.key, ctx.billing.account().data.when_spent == WhenSpent::Continue);
        let suffices = ctx.billing.suffices_for(charge.rate);
        let was_warned = std::mem::replace(&mut meter.is_warned, !suffices && !goes_on);
        let was_told = std::mem::replace(&mut meter.is_told, !suffices) && was_warned == meter.is_warned;
        if suffices || goes_on {
            // Who was warned is asked again at the very end of the minute.
            let rest = if was_warned { MINUTE - limits::SPENT_WARNING } else { MINUTE };
            meter.timer = Some(ctx.arm(rest, Timer::Balance(key)));
        } else if !was_warned {
            meter.timer = Some(ctx.arm(limits::SPENT_WARNING, Timer::Balance(key)));
        } else {
            meter.timer = None;
            let label = "the balance is spent";
            self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::CALL), label, "the call is ended".into());
            return self.end_all(ctx, place, Ending::local(HangupReason::Timeout, Cause::TIMER));
        }
        if !suffices && !was_told {
            let Charge { cost_type, rate, .. } = charge;
            let (call_id, balance) = (leg.record.id, ctx.billing.left());
            let shortage = Shortage { call_id, made_by: None, cost_type, rate, balance, ends: !goes_on };
            ctx.event(EventKind::BillingSpent(Box::new(shortage)));
            self.announce_spent(ctx, goes_on);
        }
        if suffices || goes_on {
            self.take_minute(ctx, place, charge.rate);
        }
    }

    /// Sets the next minute aside.
    fn take_minute(&mut self, ctx: &mut Context, place: usize, rate: Micros) {
        if let Some(meter) = self.legs[place].meter.as_deref_mut() {
            ctx.billing.reserve(rate);
            meter.reserved.0 = meter.reserved.0.saturating_add(rate.0);
        }
    }

    fn announce_spent(&mut self, ctx: &mut Context, goes_on: bool) {
        let seconds = limits::SPENT_WARNING.as_secs();
        let words = if goes_on { "the call goes on".into() } else { format!("the call ends in {seconds} s") };
        self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::CALL), "the balance is spent", words);
        if goes_on {
            return;
        }
        let text = ctx.billing.account().data.announcement.clone();
        for place in [Some(CALLER), self.bridged].into_iter().flatten() {
            // Who hears music has to go on hearing it, and would not after a tone.
            let leg = &self.legs[place];
            let hears = leg.is_up() && leg.playing.is_none();
            let Some(stream) = leg.audio.stream().filter(|_| hears) else { continue };
            let playback = ctx.index.new_playback();
            let what = Playable::Tone(Box::new(Tone::SPENT));
            ctx.media(media::Command::Play { playback, to: Target::Stream(stream), what });
            if !text.is_empty() {
                let speech = Speech { text: text.clone(), is_free: true, ..Speech::default() };
                // Whoever cannot be told in words has heard the beeps.
                let _ = self.talk_on_request(ctx, place, speech);
            }
        }
    }

    /// A leg ends: what it has cost is taken from the balance, and stands in its record.
    pub(super) fn stop_meter(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        let Some(mut meter) = leg.meter.take() else { return };
        ctx.cancel(&mut meter.timer);
        ctx.billing.release(meter.reserved);
        let started = meter.started.take();
        // Who was never answered is not charged.
        leg.record.charge = leg.record.charge.zip(started).map(|(charge, started)| {
            let charge = Charge { duration: Some(ctx.now.saturating_sub(started)), ..charge };
            ctx.billing.take(charge.amount());
            charge
        });
    }
}
