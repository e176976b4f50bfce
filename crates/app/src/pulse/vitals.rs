//! Everything known of the program's own health beyond its networks, and what is wrong with it.

use model::{UnixMillis, UnixSeconds};

use super::{Certificate, ClockReading, Disk, PeerState, PingState, Settings};
use crate::{
    snapshot::{Code, Reason, Verdict},
    words::{counted, grouped, seconds, span},
};

/// Most that clocks may differ: beyond it "seconds since the block", expiries and on-call hand-overs
/// are visibly wrong.
const SKEW_MS_MAX: i64 = 5_000;

/// Least validity that a certificate has left: two weeks, in which automatic renewal has failed for
/// two already.
const VALID_DAYS_MIN: u64 = 14;

/// Pings that may be refused in a row before people should know: the switch calls them itself soon.
const PINGS_REFUSED_MAX: u64 = 3;

/// The program's own health, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vitals {
    /// What other machines' clocks said, one of each.
    pub clocks: Vec<ClockReading>,
    /// Certificates of endpoints and of our own page.
    pub certificates: Vec<Certificate>,
    /// Where the store is.
    pub disk: Option<Disk>,
    /// Other installations.
    pub peers: Vec<PeerState>,
    /// The dead-man's switch.
    pub ping: PingState,
}

impl Vitals {
    /// What is wrong, for the snapshot.
    pub fn reasons(&self, settings: &Settings, now: UnixMillis) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut add = |code, text| {
            reasons.push(Reason { network: None, code, verdict: Verdict::Partly, text });
        };
        if let Some(text) = self.skew() {
            add(Code::ClockSkew, text);
        }
        for certificate in &self.certificates {
            if let Some(text) = expiring(certificate, seconds(now)) {
                add(Code::CertificateExpiring, text);
            }
        }
        if let Some(disk) = self.disk.filter(Disk::is_short) {
            let text = format!(
                "the store's disk has {} MB left of {} MB",
                grouped(disk.free_bytes >> 20),
                grouped(disk.total_bytes >> 20)
            );
            add(Code::DiskShort, text);
        }
        for peer in &self.peers {
            let configured = settings.peers.iter().find(|settings| settings.name == peer.name);
            let stale_after_ms = configured.map_or(0, |settings| settings.stale_after_ms);
            for (code, text) in of_peer(peer, stale_after_ms, now) {
                add(code, text);
            }
        }
        if let Some(ping) = &settings.ping
            && let Some(since) = self.ping.refused_since
        {
            let refused_ms = now.millis_since(since).max(0) as u64;
            if refused_ms >= PINGS_REFUSED_MAX * ping.every_ms {
                let error = self.ping.error.as_deref().unwrap_or("no answer");
                let refused = span(refused_ms / 1_000);
                let text = format!("the dead-man's switch takes no pings since {refused}: {error}");
                add(Code::SwitchUnreachable, text);
            }
        }
        reasons
    }

    /// The middle one of the differences decides: one wrong clock out there is not ours.
    fn skew(&self) -> Option<String> {
        let mut by_difference: Vec<&ClockReading> = self.clocks.iter().collect();
        by_difference.sort_by_key(|reading| reading.ahead_ms);
        let middle = by_difference.get(by_difference.len().checked_sub(1)? / 2)?;
        let sure_ms = middle.ahead_ms.abs() - middle.error_ms;
        (sure_ms > SKEW_MS_MAX).then(|| {
            let by = span(middle.ahead_ms.unsigned_abs() / 1_000);
            let way = if middle.ahead_ms > 0 { "ahead of" } else { "behind" };
            let clocks = counted(self.clocks.len() as u64, "other clock");
            format!("this machine's clock is {by} {way} the middle of {clocks}")
        })
    }
}

fn expiring(certificate: &Certificate, now: UnixSeconds) -> Option<String> {
    let host = &certificate.host;
    if certificate.not_after <= now {
        let ago = span(now.seconds_since(certificate.not_after));
        return Some(format!("the certificate of {host} ended {ago} ago"));
    }
    let left_s = certificate.not_after.seconds_since(now);
    (left_s < VALID_DAYS_MIN * 86_400)
        .then(|| format!("the certificate of {host} ends in {}", span(left_s)))
}

fn of_peer(peer: &PeerState, stale_after_ms: u64, now: UnixMillis) -> Vec<(Code, String)> {
    let mut found = Vec::new();
    let name = &peer.name;
    let silent_ms = now.millis_since(peer.heard_at()).max(0) as u64;
    if silent_ms > stale_after_ms {
        let why = peer.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        let silent = span(silent_ms / 1_000);
        let text = format!("nothing was heard from the other watcher {name} for {silent}{why}");
        found.push((Code::PeerSilent, text));
    } else if let Some((beat, _)) = &peer.newest
        && beat.verdict == Verdict::No.as_str()
    {
        let missing = beat.missing.join(", ");
        let text = format!("the other watcher {name} says that it cannot be trusted: {missing}");
        found.push((Code::PeerBlind, text));
    }
    for other in &peer.disagreements {
        let text = format!(
            "the other watcher {name} calls block {} of chain {} final with hash {}, we judged {}",
            grouped(other.theirs.number),
            other.chain_id,
            other.theirs.hash,
            other.ours.hash
        );
        found.push((Code::PeerDisagrees, text));
    }
    found
}
