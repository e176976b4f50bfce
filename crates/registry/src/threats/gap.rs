//! What is not joined, and what would join it.

use std::fmt;

use model::Name;

use super::{Asset, Day, Fork, ForkPlace, Rating, RequiredEvent, Threat, ThreatMap, ethereum};
use crate::{ContractAbi, Registry};

/// What kind of gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapKind {
    /// Nothing would find it.
    NoMonitor,
    /// Nobody has written down what to do.
    NoPlan,
    /// Nothing prevents or limits it.
    NoControl,
    /// No event is required for it, though it happens on the chain.
    NoEvent,
    /// It shows on no panel.
    NoPanel,
    /// A contract does not emit what it must: a requirement back to the contract.
    EventNotEmitted,
    /// An event is required that belongs to no threat.
    EventWithoutThreat,
    /// A plan belongs to no threat.
    PlanWithoutThreat,
    /// An asset that nothing is said to threaten.
    AssetWithoutThreat,
    /// A class of vulnerabilities that nobody has asked about.
    ClassWithoutThreat,
    /// The day of its review is past.
    Overdue,
    /// A class became known after the review.
    ClassIsNewer,
    /// The chain's rules changed after the review, under code that cannot change.
    ForkIsNewer,
}

impl GapKind {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 13] = [
        Self::NoMonitor,
        Self::NoPlan,
        Self::NoControl,
        Self::NoEvent,
        Self::NoPanel,
        Self::EventNotEmitted,
        Self::EventWithoutThreat,
        Self::PlanWithoutThreat,
        Self::AssetWithoutThreat,
        Self::ClassWithoutThreat,
        Self::Overdue,
        Self::ClassIsNewer,
        Self::ForkIsNewer,
    ];

    /// The word used in reports and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoMonitor => "no-monitor",
            Self::NoPlan => "no-plan",
            Self::NoControl => "no-control",
            Self::NoEvent => "no-event",
            Self::NoPanel => "no-panel",
            Self::EventNotEmitted => "event-not-emitted",
            Self::EventWithoutThreat => "event-without-threat",
            Self::PlanWithoutThreat => "plan-without-threat",
            Self::AssetWithoutThreat => "asset-without-threat",
            Self::ClassWithoutThreat => "class-without-threat",
            Self::Overdue => "overdue",
            Self::ClassIsNewer => "class-is-newer",
            Self::ForkIsNewer => "fork-is-newer",
        }
    }
}

impl fmt::Display for GapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that is not joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Kind.
    pub kind: GapKind,
    /// Threat it concerns, when it concerns one.
    pub threat: Option<Name>,
    /// What is missing, in one sentence.
    pub text: String,
    /// What would close it.
    pub close: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n   = {}", self.text, self.close)
    }
}

impl ThreatMap {
    /// Everything that is not joined on a day, kind by kind.
    pub fn gaps(&self, registry: &Registry, today: Day) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for threat in self.worst_first() {
            self.of_threat(threat, today, &mut gaps);
            self.of_forks(threat, registry, today, &mut gaps);
        }
        for event in &self.events {
            self.of_event(event, registry, &mut gaps);
        }
        let mut lonely = |kind, what: String, close: &str| {
            let text = format!("{what} belongs to no threat");
            gaps.push(Gap { kind, threat: None, text, close: close.to_owned() });
        };
        for plan in &self.plans {
            if !self.threats.iter().any(|threat| threat.plans.contains(plan)) {
                let close = "name it in plans of a threat, or remove it";
                lonely(GapKind::PlanWithoutThreat, format!("plan {plan}"), close);
            }
        }
        for asset in &self.assets {
            if !self.threats.iter().any(|threat| threat.assets.contains(&asset.id)) {
                let close = "write down what could happen to it, or remove it";
                lonely(GapKind::AssetWithoutThreat, format!("asset {}", asset.id), close);
            }
        }
        for class in &self.classes {
            if !self.threats.iter().any(|threat| threat.classes.contains(&class.id)) {
                let close = "ask whether it concerns you, and write the answer down as a threat";
                lonely(GapKind::ClassWithoutThreat, format!("class {}", class.id), close);
            }
        }
        gaps.sort_by_key(|gap| gap.kind);
        gaps
    }

    fn of_threat(&self, threat: &Threat, today: Day, gaps: &mut Vec<Gap>) {
        let rating = self.rating(threat);
        let mut gap = |kind, text: String, close: String| {
            gaps.push(Gap { kind, threat: Some(threat.id.clone()), text, close });
        };
        if rating >= Rating::High {
            let needs_event = threat.domain.is_seen_on_chain();
            for (kind, is_missing, what, key) in [
                (GapKind::NoMonitor, threat.monitors.is_empty(), "no monitor", "monitors"),
                (GapKind::NoPlan, threat.plans.is_empty(), "no plan", "plans"),
                (GapKind::NoControl, threat.controls.is_empty(), "no control", "controls"),
                (
                    GapKind::NoEvent,
                    needs_event && threat.events.is_empty(),
                    "no required event",
                    "events",
                ),
                (GapKind::NoPanel, threat.panels.is_empty(), "no panel", "panels"),
            ] {
                if is_missing {
                    gap(
                        kind,
                        format!("{} ({rating}) has {what}", threat.id),
                        format!("name one in {key} of the threat"),
                    );
                }
            }
        }
        if today > threat.review {
            let late = today.days_since(threat.review);
            gap(
                GapKind::Overdue,
                format!(
                    "{} should have been reviewed by {}, {late} d ago",
                    threat.id, threat.review
                ),
                "think it through again, then set reviewed and review".to_owned(),
            );
        }
        for class in &self.classes {
            if threat.classes.contains(&class.id) && class.known_since > threat.reviewed {
                gap(
                    GapKind::ClassIsNewer,
                    format!(
                        "{} was reviewed on {}, before class {} was known ({})",
                        threat.id, threat.reviewed, class.id, class.known_since
                    ),
                    "check the contracts for it, then set reviewed".to_owned(),
                );
            }
        }
    }

    /// Forks since the review, under assets that cannot change themselves.
    fn of_forks(&self, threat: &Threat, registry: &Registry, today: Day, gaps: &mut Vec<Gap>) {
        let mut forks = ethereum();
        forks.extend(self.forks.iter().cloned());
        forks.sort_by_key(|fork| fork.on);
        for fork in &forks {
            if fork.on <= threat.reviewed || fork.on > today {
                continue;
            }
            let asset = self.assets.iter().find(|asset| {
                asset.is_immutable
                    && threat.assets.contains(&asset.id)
                    && self.is_under(asset, fork, registry)
            });
            if let Some(asset) = asset {
                gaps.push(Gap {
                    kind: GapKind::ForkIsNewer,
                    threat: Some(threat.id.clone()),
                    text: format!(
                        "{} was reviewed on {}; {} ({}) has changed the chain under {} since: {}",
                        threat.id,
                        threat.reviewed,
                        fork.name,
                        fork.on,
                        asset.id,
                        fork.changes.join("; ")
                    ),
                    close: "check what the contract relies on, then set reviewed".to_owned(),
                });
            }
        }
    }

    fn is_under(&self, asset: &Asset, fork: &Fork, registry: &Registry) -> bool {
        let mut networks = asset.deployments.iter().filter_map(|d| Some(&registry.get(d)?.network));
        match &fork.place {
            ForkPlace::Chain(id) => networks.any(|network| self.chains.get(network) == Some(id)),
            ForkPlace::Networks(of) => networks.any(|network| of.contains(network)),
        }
    }

    fn of_event(&self, event: &RequiredEvent, registry: &Registry, gaps: &mut Vec<Gap>) {
        if !self.threats.iter().any(|threat| threat.events.contains(&event.id)) {
            gaps.push(Gap {
                kind: GapKind::EventWithoutThreat,
                threat: None,
                text: format!("event {} belongs to no threat", event.id),
                close: "name it in events of a threat, or remove it".to_owned(),
            });
        }
        let threat = self.threats.iter().find(|t| t.events.contains(&event.id));
        let deployed = event.on.iter().filter_map(|label| {
            let deployment = registry.get(label)?;
            Some((label.to_string(), &*deployment.abi))
        });
        let planned = event.interfaces.iter().map(|(path, abi)| (path.clone(), &**abi));
        for (whose, abi) in deployed.chain(planned) {
            let Some(difference) = difference(event, abi) else { continue };
            gaps.push(Gap {
                kind: GapKind::EventNotEmitted,
                threat: threat.map(|threat| threat.id.clone()),
                text: format!("{whose} must emit {} ({}): {difference}", event.shape, event.id),
                close: "a requirement back to the contract: `bellwether threats export --format solidity`"
                    .to_owned(),
            });
        }
    }
}

/// Why an interface does not hold an event; `None` when it does.
fn difference(event: &RequiredEvent, abi: &ContractAbi) -> Option<String> {
    let signature = event.shape.signature();
    let same: Vec<_> = abi.events().filter(|own| own.signature == signature).collect();
    let indexed = event.shape.indexed();
    if same.iter().any(|own| own.params.iter().map(|p| p.indexed).eq(indexed.iter().copied())) {
        return None;
    }
    if !same.is_empty() {
        return Some("it has this event, with other indexed parameters".to_owned());
    }
    let of_name: Vec<&str> = abi
        .events()
        .filter(|own| own.name == event.shape.name())
        .map(|own| own.signature.as_str())
        .collect();
    Some(match of_name.as_slice() {
        [] => "it has no event of this name".to_owned(),
        names => format!("it has {}", names.join(", ")),
    })
}
