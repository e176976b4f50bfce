//! Attacks: alerts that belong together, said once, with how likely it is and why.
//!
//! Worked out anew from what is on record whenever somebody asks: nothing is stored, so nothing can be
//! left over after a reorg, and no alert is hidden by being part of one.

use std::collections::{BTreeMap, HashMap};

use detect::fusion::{
    Attack, Calibration, Context, History, Outcome, Reliability, SPAN_S, Signal, fuse,
};
use model::{Alert, AlertId, AlertState, Assessment, FindingId, Name, UnixSeconds};
use registry::Registry;
use store::{AlertFilter, PAGE_MAX, Store, StoreError};

/// Alerts that are looked at: with more in the record, the oldest are left out, and that is told.
const ALERTS_MAX: usize = 20_000;

/// What is on record, as attacks.
#[derive(Debug, Clone, PartialEq)]
pub struct Attacks {
    /// The likeliest first; also those of one alert, which may be nothing.
    pub all: Vec<Attack>,
    /// Alert of each finding that an attack is made of.
    pub alerts: HashMap<FindingId, AlertId>,
    /// Alerts too many to be taken into account.
    pub left_out: usize,
    /// How well what is stated agrees with what people said, of the attacks they judged; measured
    /// on the same ones that a calibration was fitted on.
    pub reliability: Option<Reliability>,
    /// Outcomes behind the calibration; none: what is stated stands.
    pub calibrated_on: Option<u64>,
}

impl Attacks {
    /// The attack that an alert is part of.
    pub fn of(&self, alert: AlertId) -> Option<&Attack> {
        let of_it = |finding: &FindingId| self.alerts.get(finding) == Some(&alert);
        self.all
            .iter()
            .find(|attack| attack.contributions.iter().any(|part| of_it(&part.signal.finding)))
    }
}

/// Reads the alerts on record from `since` on and fuses them.
///
/// # Errors
/// When the store cannot be read.
pub fn read(
    store: &Store,
    registry: &Registry,
    since: Option<UnixSeconds>,
) -> Result<Attacks, StoreError> {
    let verdicts = store.verdicts()?;
    let assessment = |alert: &Alert| verdicts.get(&alert.id).and_then(|v| v.assessment);
    let (mut alerts, mut more) = (Vec::new(), 0);
    let mut cursor = None;
    loop {
        let page =
            store.alerts(&AlertFilter { since, ..AlertFilter::default() }, cursor, PAGE_MAX)?;
        // What no chain says is no sign of an attack on one.
        let stands =
            |alert: &Alert| alert.state != AlertState::Retracted && alert.finding().is_some();
        for alert in page.items.into_iter().filter(stands) {
            if alerts.len() < ALERTS_MAX { alerts.push(alert) } else { more += 1 }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    // Oldest first: the past of a monitor is what came before.
    alerts.reverse();
    let mut blocks: BTreeMap<Name, u64> = BTreeMap::new();
    for network in alerts.iter().filter_map(|alert| alert.network.as_ref()) {
        if !blocks.contains_key(network) {
            blocks.insert(network.clone(), store.judged(network)?.blocks);
        }
    }
    let mut benign: BTreeMap<&Name, u64> = BTreeMap::new();
    let mut signals = Vec::with_capacity(alerts.len());
    let mut of_finding = HashMap::new();
    for alert in &alerts {
        let Some(first) = alert.finding() else { continue };
        let before = benign.entry(&alert.monitor).or_default();
        let history = History { blocks: blocks[&first.network], benign: *before };
        if assessment(alert) != Some(Assessment::TruePositive) {
            *before += 1;
        }
        if let Some(signal) = Signal::of(first, history) {
            of_finding.insert(first.id, alert.id);
            signals.push(signal);
        }
    }
    let protocols = registry.deployments().iter();
    let protocols: BTreeMap<Name, Name> =
        protocols.filter_map(|d| Some((d.label.clone(), d.protocol.clone()?))).collect();
    let stated = fuse(&signals, &Context { protocols: protocols.clone(), calibration: None });
    let judged = |attack: &Attack| {
        let mut words = attack.contributions.iter().filter_map(|part| {
            verdicts.get(of_finding.get(&part.signal.finding)?).and_then(|v| v.assessment)
        });
        let is_true = words.clone().any(|word| word == Assessment::TruePositive);
        let is_false =
            words.any(|w| matches!(w, Assessment::FalsePositive | Assessment::BenignTrue));
        (is_true || is_false).then_some(Outcome { stated: attack.posterior, is_true })
    };
    let outcomes: Vec<Outcome> = stated.0.iter().filter_map(judged).collect();
    let calibration = Calibration::fit(&outcomes);
    let calibrated_on = calibration.as_ref().map(Calibration::n);
    let (all, left_out) = match calibration {
        Some(_) => fuse(&signals, &Context { protocols, calibration }),
        None => stated,
    };
    Ok(Attacks {
        all,
        alerts: of_finding,
        left_out: left_out + more,
        reliability: Reliability::of(&outcomes),
        calibrated_on,
    })
}

/// The record that is looked at for what goes on now: twice as long as an attack may last.
pub fn recent(now: UnixSeconds) -> UnixSeconds {
    UnixSeconds(now.0.saturating_sub(2 * SPAN_S))
}
