//! Can what is seen be trusted? Blind is never green.
//!
//! Pure: the verdict follows from one snapshot's numbers alone. Every reason that makes it less
//! than "yes" is a sentence a person can act on, with a code that a program can.

use std::cmp::Ordering;

use model::{BlindReason, Name};

use super::{NetworkState, OutboxState};
use crate::words::{counted, grouped, span};

/// When lag and silence are too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustLimits {
    /// Chain time between head and judged, in seconds: five blocks of mainnet.
    pub lag_s_max: u64,
    /// Time without a new block, in seconds. Mainnet has missed a few slots in a row, never five
    /// minutes of them.
    pub silence_s_max: u64,
    /// Time a message may wait, in seconds: what the first retries of a healthy receiver take.
    pub undelivered_s_max: u64,
}

impl Default for TrustLimits {
    fn default() -> Self {
        Self { lag_s_max: 60, silence_s_max: 300, undelivered_s_max: 120 }
    }
}

/// Whether what is seen can be trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Everything is judged, recently, by every monitor.
    Yes,
    /// Something is missing, and the reasons say what.
    Partly,
    /// Silence means nothing at the moment.
    #[default]
    No,
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
        }
    }
}

/// A verdict with its reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// Verdict.
    pub verdict: Verdict,
    /// What makes it less than yes, gravest first.
    pub reasons: Vec<Reason>,
}

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Network it is about; `None` for the program as a whole.
    pub network: Option<Name>,
    /// What kind of thing.
    pub code: Code,
    /// How bad it is for the network (or the program) alone: never [`Verdict::Yes`].
    pub verdict: Verdict,
    /// In a sentence, without the network's name.
    pub text: String,
}

/// Kinds of things that can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// No network is configured.
    NoNetwork,
    /// A stage on the way from blocks to people stands still.
    Stalled,
    /// A canary does not come through the stages.
    CanaryLate,
    /// The network is not followed any more.
    Stopped,
    /// No endpoint is usable.
    NoEndpoint,
    /// No block was judged yet.
    NothingJudged,
    /// No new block for long.
    Stale,
    /// Judging is behind the head.
    Lag,
    /// Blocks that nobody accounted for.
    Holes,
    /// Blocks in quarantine.
    Quarantined,
    /// Monitors that could not judge.
    Blind,
    /// Monitors that lack history.
    WarmingUp,
    /// Some endpoints are not usable.
    EndpointDown,
    /// Messages wait too long.
    Undelivered,
    /// Messages were given up.
    DeliveryFailed,
    /// This machine's clock is wrong.
    ClockSkew,
    /// A certificate ends soon, or has ended.
    CertificateExpiring,
    /// The store's disk is nearly full.
    DiskShort,
    /// Nothing was heard from another installation.
    PeerSilent,
    /// Another installation cannot be trusted.
    PeerBlind,
    /// Another installation is on another chain.
    PeerDisagrees,
    /// Nothing can be agreed with another installation that tells the same people.
    TwinSilent,
    /// Both installations mean to speak first, or neither does.
    TwinAtOdds,
    /// The dead-man's switch takes no pings.
    SwitchUnreachable,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 24] = [
        Self::NoNetwork,
        Self::Stalled,
        Self::CanaryLate,
        Self::Stopped,
        Self::NoEndpoint,
        Self::NothingJudged,
        Self::Stale,
        Self::Lag,
        Self::Holes,
        Self::Quarantined,
        Self::Blind,
        Self::WarmingUp,
        Self::EndpointDown,
        Self::Undelivered,
        Self::DeliveryFailed,
        Self::ClockSkew,
        Self::CertificateExpiring,
        Self::DiskShort,
        Self::PeerSilent,
        Self::PeerBlind,
        Self::PeerDisagrees,
        Self::TwinSilent,
        Self::TwinAtOdds,
        Self::SwitchUnreachable,
    ];

    /// The word for it, stable for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoNetwork => "no_network",
            Self::Stalled => "stalled",
            Self::CanaryLate => "canary_late",
            Self::Stopped => "stopped",
            Self::NoEndpoint => "no_endpoint",
            Self::NothingJudged => "nothing_judged",
            Self::Stale => "stale",
            Self::Lag => "lag",
            Self::Holes => "holes",
            Self::Quarantined => "quarantined",
            Self::Blind => "blind",
            Self::WarmingUp => "warming_up",
            Self::EndpointDown => "endpoint_down",
            Self::Undelivered => "undelivered",
            Self::DeliveryFailed => "delivery_failed",
            Self::ClockSkew => "clock_skew",
            Self::CertificateExpiring => "certificate_expiring",
            Self::DiskShort => "disk_short",
            Self::PeerSilent => "peer_silent",
            Self::PeerBlind => "peer_blind",
            Self::PeerDisagrees => "peer_disagrees",
            Self::TwinSilent => "twin_silent",
            Self::TwinAtOdds => "twin_at_odds",
            Self::SwitchUnreachable => "switch_unreachable",
        }
    }

    /// Whether it means that the program is not doing its job now, rather than that a part of the
    /// picture is missing.
    pub fn is_about_readiness(self) -> bool {
        match self {
            Self::NoNetwork
            | Self::Stalled
            | Self::CanaryLate
            | Self::Stopped
            | Self::NoEndpoint
            | Self::NothingJudged
            | Self::Stale
            | Self::Lag
            | Self::Undelivered => true,
            Self::Holes
            | Self::Quarantined
            | Self::Blind
            | Self::WarmingUp
            | Self::EndpointDown
            | Self::DeliveryFailed
            | Self::ClockSkew
            | Self::CertificateExpiring
            | Self::DiskShort
            | Self::PeerSilent
            | Self::PeerBlind
            | Self::PeerDisagrees
            | Self::TwinSilent
            | Self::TwinAtOdds
            | Self::SwitchUnreachable => false,
        }
    }
}

/// Longest that the pager may take to decide: a minute. It takes milliseconds, and some seconds of a
/// storm.
const UNDECIDED_S_MAX: u64 = 60;

/// Monitors that a sentence names one by one.
const MONITORS_NAMED_MAX: usize = 3;

/// Whether one network can be trusted.
pub(super) fn of_network(state: &NetworkState, limits: &TrustLimits) -> Trust {
    let mut reasons = Vec::new();
    let mut add = |code, verdict, text: String| {
        let network = Some(state.health.name.clone());
        reasons.push(Reason { network, code, verdict, text });
    };
    let health = &state.health;
    if let Some(why) = &health.stopped_reason {
        add(Code::Stopped, Verdict::No, format!("is not followed any more: {why}"));
    }
    if state.judged.is_none() {
        let text = match health.head_seen {
            Some(head) => format!("no block judged yet; the head is {}", grouped(head)),
            None => "no block judged yet, and no endpoint has shown a block".to_owned(),
        };
        add(Code::NothingJudged, Verdict::No, text);
    }
    if let Some(lag_s) = state.lag_s.filter(|lag_s| *lag_s > limits.lag_s_max) {
        let blocks = state.lag_blocks.map(|n| format!(" ({})", counted(n, "block")));
        let doing = if health.catching_up { "catching up, " } else { "" };
        let text = format!("{doing}{} behind the head{}", span(lag_s), blocks.unwrap_or_default());
        add(Code::Lag, Verdict::No, text);
    }
    if let Some(age_s) = state.head_age_s.filter(|age_s| *age_s > limits.silence_s_max) {
        add(Code::Stale, Verdict::No, format!("no new block for {}", span(age_s)));
    }
    endpoints(state, &mut add);
    coverage(state, &mut add);
    concluded(reasons)
}

fn endpoints(state: &NetworkState, add: &mut impl FnMut(Code, Verdict, String)) {
    let all = &state.health.endpoints;
    let unhealthy: Vec<String> = all
        .iter()
        .filter(|endpoint| !endpoint.healthy)
        .map(|endpoint| match &endpoint.last_error {
            Some(error) => format!("{} is {}: {error}", endpoint.name, endpoint.state),
            None => format!("{} is {}", endpoint.name, endpoint.state),
        })
        .collect();
    if !all.is_empty() && unhealthy.len() == all.len() {
        let text = format!("no endpoint can be used; {}", unhealthy.join("; "));
        add(Code::NoEndpoint, Verdict::No, text);
    } else if !unhealthy.is_empty() {
        add(Code::EndpointDown, Verdict::Partly, format!("endpoint {}", unhealthy.join("; ")));
    }
}

fn coverage(state: &NetworkState, add: &mut impl FnMut(Code, Verdict, String)) {
    let coverage = &state.coverage;
    let total = grouped(coverage.blocks());
    if let Some(hole) = coverage.holes.last() {
        let (missing, first) = (grouped(coverage.missing), grouped(hole.first));
        let text =
            format!("{missing} of {total} blocks are missing, the newest hole begins at {first}");
        add(Code::Holes, Verdict::Partly, text);
    }
    if let Some((number, reason)) = &coverage.newest_quarantined {
        let (n, number) = (grouped(coverage.quarantined), grouped(*number));
        let text = format!("{n} of {total} blocks in quarantine, the newest is {number}: {reason}");
        add(Code::Quarantined, Verdict::Partly, text);
    }
    let named = |of: &[&super::BlindMonitor]| {
        let mut names: Vec<String> = of
            .iter()
            .take(MONITORS_NAMED_MAX)
            .map(|blind| match &blind.reason {
                BlindReason::WarmingUp { seen, needed } => {
                    format!("{} ({seen} of {needed} observations)", blind.monitor)
                }
                reason => format!("{} ({reason})", blind.monitor),
            })
            .collect();
        if let Some(more) = of.len().checked_sub(MONITORS_NAMED_MAX).filter(|more| *more > 0) {
            names.push(format!("{more} more"));
        }
        names.join(", ")
    };
    let blind = |is_now: bool, is_warming_up: bool| -> Vec<&super::BlindMonitor> {
        let fits =
            |b: &&super::BlindMonitor| b.is_now == is_now && b.is_warming_up() == is_warming_up;
        coverage.blind.iter().filter(fits).collect()
    };
    let verb = |n: usize| if n == 1 { "is" } else { "are" };
    let now = blind(true, false);
    if !now.is_empty() {
        let (monitors, verb) = (counted(now.len() as u64, "monitor"), verb(now.len()));
        let text = format!("{monitors} {verb} blind: {}", named(&now));
        add(Code::Blind, Verdict::Partly, text);
    }
    let earlier = blind(false, false);
    if !earlier.is_empty() {
        let blocks = earlier.iter().map(|blind| blind.blocks).max().unwrap_or_default();
        let monitors = counted(earlier.len() as u64, "monitor");
        let (up_to, blocks) = (if earlier.len() > 1 { "up to " } else { "" }, grouped(blocks));
        let names = named(&earlier);
        let text = format!(
            "{monitors} could not judge {up_to}{blocks} of the last {total} blocks: {names}"
        );
        add(Code::Blind, Verdict::Partly, text);
    }
    let warming = blind(true, true);
    if !warming.is_empty() {
        let (monitors, verb) = (counted(warming.len() as u64, "monitor"), verb(warming.len()));
        let text = format!("{monitors} {verb} warming up: {}", named(&warming));
        add(Code::WarmingUp, Verdict::Partly, text);
    }
}

/// Whether everything together can be trusted: no, when no network can be; partly, when something
/// is missing somewhere. `is_pager_stalled`: among the program's `own` reasons is that the pager
/// stands still.
pub(super) fn overall(
    networks: &[NetworkState],
    outbox: &OutboxState,
    own: Vec<Reason>,
    is_pager_stalled: bool,
    limits: &TrustLimits,
) -> Trust {
    let mut reasons = own;
    reasons.extend(networks.iter().flat_map(|network| network.trust.reasons.iter().cloned()));
    let mut add = |code, verdict, text: String| {
        reasons.push(Reason { network: None, code, verdict, text });
    };
    if networks.is_empty() {
        add(Code::NoNetwork, Verdict::No, "no network is configured".to_owned());
    }
    // The pager may come round and yet leave something undecided; one code says both, and once.
    let undecided_s = outbox.undecided_s.filter(|s| *s > UNDECIDED_S_MAX && !is_pager_stalled);
    if let Some(waiting_s) = undecided_s {
        let waits = span(waiting_s);
        let text =
            format!("deciding who hears what stands still: something has waited for {waits}");
        add(Code::Stalled, Verdict::No, text);
    }
    if let Some(waiting_s) = outbox.oldest_due_s.filter(|s| *s > limits.undelivered_s_max) {
        let due = outbox.counts.due;
        let text = format!(
            "{} {} not delivered, the oldest has been waiting for {}",
            counted(due, "message"),
            if due == 1 { "is" } else { "are" },
            span(waiting_s)
        );
        add(Code::Undelivered, Verdict::Partly, text);
    }
    if outbox.lately.failed > 0 {
        let messages = counted(outbox.lately.failed, "message");
        let text = format!("{messages} could not be delivered in the last 24 h");
        add(Code::DeliveryFailed, Verdict::Partly, text);
    }
    let is_mute = reasons.iter().any(|reason| match reason.code {
        Code::Stalled | Code::CanaryLate => reason.network.is_none(),
        _ => false,
    });
    let mut trust = concluded(reasons);
    let is_one_good = networks.iter().any(|network| network.trust.verdict != Verdict::No);
    // Whatever is seen, nobody would hear of it.
    if is_one_good && !is_mute {
        trust.verdict = trust.verdict.min(Verdict::Partly);
    }
    trust
}

fn concluded(mut reasons: Vec<Reason>) -> Trust {
    let gravest = |a: &Reason, b: &Reason| -> Ordering {
        (b.verdict, a.code, &a.network).cmp(&(a.verdict, b.code, &b.network))
    };
    reasons.sort_by(gravest);
    let verdict = reasons.iter().map(|reason| reason.verdict).max().unwrap_or(Verdict::Yes);
    Trust { verdict, reasons }
}
