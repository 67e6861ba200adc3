//! What the exchange counts, for `/metrics`.

/// Totals since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Totals {
    pub calls: u64,
    pub calls_made: u64,
    pub calls_answered: u64,
    pub calls_refused: u64,
    pub calls_unpaid: u64,
    pub registrations: u64,
    pub challenges: u64,
    pub wrong_digests: u64,
    pub dropped_from_blocked: u64,
    pub sequences_omitted: u64,
    pub rtp_timeouts: u64,
    pub browsers_lost: u64,
    pub port_exhaustions: u64,
    pub ports_held: u64,
    pub recordings: u64,
    pub recordings_failed: u64,
    pub flows_failed: u64,
    pub digits_omitted: u64,
    pub errands: u64,
    pub errands_failed: u64,
    pub errands_refused: u64,
    pub stun_failures: u64,
    pub messages_sent: u64,
    pub messages_failed: u64,
}

impl Totals {
    /// Each with its metric name and its meaning.
    pub fn list(&self) -> Vec<(&'static str, &'static str, u64)> {
        vec![
            ("calls_total", "Calls that came in", self.calls),
            ("calls_made_total", "Calls that began with us", self.calls_made),
            ("calls_answered_total", "Calls that were answered", self.calls_answered),
            ("calls_refused_total", "Calls refused before any phone rang", self.calls_refused),
            ("calls_unpaid_total", "Calls refused because the balance was spent", self.calls_unpaid),
            ("registrations_total", "REGISTER requests accepted", self.registrations),
            ("digest_challenges_total", "Requests challenged for a digest", self.challenges),
            ("digest_wrong_total", "Wrong digests", self.wrong_digests),
            ("dropped_from_blocked_total", "Messages dropped from blocked sources", self.dropped_from_blocked),
            ("sequences_omitted_total", "Ladders not kept, under load", self.sequences_omitted),
            ("rtp_timeouts_total", "Calls ended because no audio came", self.rtp_timeouts),
            ("browsers_lost_total", "Calls ended because there was no way to a browser", self.browsers_lost),
            ("rtp_port_exhaustions_total", "Legs refused because no RTP port was free", self.port_exhaustions),
            ("rtp_ports_held_total", "RTP port pairs found in the hands of another process", self.ports_held),
            ("recordings_total", "Recordings begun", self.recordings),
            ("recordings_failed_total", "Recordings that could not begin or go on", self.recordings_failed),
            ("digits_omitted_total", "Keys that were pressed faster than is told", self.digits_omitted),
            ("flows_failed_total", "Flows that could not go on", self.flows_failed),
            ("errands_total", "Errands of flows: what web servers were asked and told", self.errands),
            ("errands_failed_total", "Errands that brought nothing", self.errands_failed),
            ("messages_sent_total", "Texts sent by SIP", self.messages_sent),
            ("messages_failed_total", "Texts sent by SIP that were not taken", self.messages_failed),
            ("errands_refused_total", "Errands refused because too many waited", self.errands_refused),
            ("stun_failures_total", "Times that the STUN server did not answer", self.stun_failures),
        ]
    }
}
