//! What it is, its life, power over it, coverage, threats, changes.

use registry::authority::DriftItem;
use serde::Serialize;

use super::super::{MissingBlocks, Moment};
use crate::dossier;

/// An address with what people call it.
#[derive(Debug, Serialize)]
pub struct Party {
    /// Checksummed.
    pub address: String,
    /// `null` when nobody calls it anything.
    pub name: Option<String>,
}

/// What a contract shows itself to be.
#[derive(Debug, Serialize)]
pub struct Identity {
    /// Class that the interface alone comes to.
    pub class_shown: &'static str,
    /// How sure that is: `sure`, `likely` or `a guess`.
    pub confidence: &'static str,
    /// What speaks for it.
    pub why: String,
    /// Whether the interface is sure of another class than the file says.
    pub contradicts_file: bool,
    /// Everything it is or does, with what speaks for it.
    pub traits: Vec<Trait>,
    /// Kind of proxy; `null` when nothing speaks for one.
    pub proxy: Option<Trait>,
}

/// Something that a contract is, with what speaks for it.
#[derive(Debug, Serialize)]
pub struct Trait {
    /// What.
    pub what: &'static str,
    /// What speaks for it.
    pub why: String,
}

/// Where in its life a contract is, and what it was before.
#[derive(Debug, Serialize)]
pub struct Life {
    /// `planned`, `deployed`, `monitored`, `active`, `paused`, `upgrading`, `deprecated`, `sunset`.
    pub stage: &'static str,
    /// Block of the move into it; `null` when it was so when first judged.
    pub stage_since: Option<u64>,
    /// First block that was judged in its name.
    pub known_since: Option<u64>,
    /// `no-gap`, `gap-open`, `gap-unknown` or `gap-cleared`: the time before that.
    pub gap: &'static str,
    /// Who created it, when that was seen.
    pub creator: Option<Creator>,
    /// The factory it came from.
    pub factory: Option<String>,
    /// How many children it has, when it is a factory.
    pub children: Option<usize>,
    /// The newest of them.
    pub newest_children: Vec<Party>,
    /// Codes it had, newest first.
    pub codes: Vec<CodeSince>,
    /// What it delegated to, newest first.
    pub delegates: Vec<Delegate>,
    /// Facets with the functions that each answers, when it is a diamond.
    pub facets: Vec<Facet>,
    /// Other deployments with the same code, the first of them.
    pub same_code: Vec<String>,
}

/// Who created a contract.
#[derive(Debug, Serialize)]
pub struct Creator {
    /// The account or contract.
    pub by: Party,
    /// Who sent the transaction.
    pub sender: Party,
    /// The transaction.
    pub tx: String,
    /// Its block.
    pub block: u64,
}

/// A code from a block on.
#[derive(Debug, Serialize)]
pub struct CodeSince {
    /// keccak256; `null` for no code.
    pub hash: Option<String>,
    /// From this block on.
    pub block: u64,
}

/// What a proxy delegated to from a block on.
#[derive(Debug, Serialize)]
pub struct Delegate {
    /// `implementation` or `beacon`.
    pub kind: &'static str,
    /// To whom.
    pub to: Party,
    /// From this block on.
    pub block: u64,
}

/// A facet of a diamond.
#[derive(Debug, Serialize)]
pub struct Facet {
    /// The facet.
    pub facet: Party,
    /// Functions that it answers.
    pub functions: usize,
}

/// Power over a contract, and of it.
#[derive(Debug, Serialize)]
pub struct Power {
    /// Monitor that remembers it.
    pub monitor: String,
    /// As of this block.
    pub block: u64,
    /// Its time.
    pub at: Moment,
    /// Who holds what over it.
    pub roles: Vec<Held>,
    /// What anybody can make happen to it, by the weakest way, heaviest first.
    pub ways: Vec<Way>,
    /// What it holds over others.
    pub holds: Vec<Held>,
    /// Roles, ways and holds beyond those listed.
    pub more: usize,
    /// Block before which holders are unknown; `null` when all are known.
    pub unknown_before: Option<u64>,
    /// What is not as the policy says, worst first; `null` without a policy.
    pub drifts: Option<Vec<Drift>>,
    /// What the policy accepts.
    pub accepted: Vec<Drift>,
}

/// A role of one over another.
#[derive(Debug, Serialize)]
pub struct Held {
    /// The role.
    pub role: String,
    /// In `roles` the holder, in `holds` the contract.
    pub other: Party,
    /// What stands behind the holder.
    pub kind: &'static str,
    /// Block since which, if that was seen.
    pub since: Option<u64>,
    /// What it is good for.
    pub can: Vec<&'static str>,
    /// Functions meant, where they are known; the first of them.
    pub functions: Vec<String>,
}

/// What somebody can make happen.
#[derive(Debug, Serialize)]
pub struct Way {
    /// What.
    pub can: &'static str,
    /// Who begins it.
    pub principal: Party,
    /// From the principal to the contract, in words.
    pub path: String,
    /// Keys that must sign.
    pub signatures: u64,
    /// Delay on the way, in seconds.
    pub delay_s: u64,
}

/// A deviation from the policy.
#[derive(Debug, Serialize)]
pub struct Drift {
    /// Kind.
    pub class: &'static str,
    /// In a sentence.
    pub title: String,
    /// How bad it is now.
    pub severity: &'static str,
    /// Since when it stands.
    pub since: Moment,
    /// How old it is, in seconds.
    pub age_s: u64,
    /// Why it is accepted; `null` when it is not.
    pub accepted: Option<String>,
    /// Unsigned transactions that would end it.
    pub repairs: Vec<serde_json::Value>,
}

/// Something that a contract relies on.
#[derive(Debug, Serialize)]
pub struct Dependency {
    /// What it is.
    pub on: Party,
    /// Kind.
    pub kind: String,
    /// What its failure would cost as people state it; `null` when that is left to measuring.
    pub stated: Option<String>,
    /// Hash of the code that people looked at; `null` when nobody did.
    pub code_reviewed: Option<String>,
}

/// How well a contract is watched.
#[derive(Debug, Serialize)]
pub struct Covered {
    /// Between 0 and 1; `null` when there is nothing to watch.
    pub value: Option<f64>,
    /// Its weight in the whole.
    pub weight: f64,
    /// Whether the weight follows from a value at risk that was stated.
    pub is_weight_stated: bool,
    /// Targets with a threat each: the n of the number.
    pub cells: usize,
    /// Of them, watched without a gap.
    pub watched: usize,
    /// The others, unwatched ones first.
    pub open: Vec<OpenCell>,
    /// Blocks that monitors on it did not judge, newest first.
    pub missing: Vec<MissingBlocks>,
    /// Time of the newest judged block.
    pub newest_at: Option<Moment>,
}

/// Something that could go wrong and is not watched, or not without a gap.
#[derive(Debug, Serialize)]
pub struct OpenCell {
    /// Kind of target.
    pub kind: &'static str,
    /// What people call it.
    pub target: String,
    /// What could go wrong.
    pub threat: &'static str,
    /// `unwatched`, `unknown` or `partly`.
    pub state: &'static str,
    /// Monitors that would notice.
    pub monitors: Vec<String>,
}

/// A threat that names a contract.
#[derive(Debug, Serialize)]
pub struct Threatened {
    /// Name.
    pub id: String,
    /// What happens.
    pub title: String,
    /// Where it comes from.
    pub domain: &'static str,
    /// How bad it is.
    pub rating: &'static str,
    /// What it would cost, decimal, in whole units of `currency`.
    pub impact: String,
    /// The map's currency.
    pub currency: String,
    /// Assets and events through which it names the contract.
    pub through: Vec<String>,
    /// Monitors that would find it.
    pub monitors: Vec<String>,
    /// What to do when it happens.
    pub plans: Vec<String>,
    /// What is missing against it, with what closes it.
    pub gaps: Vec<Gap>,
}

/// Something missing.
#[derive(Debug, Serialize)]
pub struct Gap {
    /// Kind.
    pub kind: &'static str,
    /// In a sentence.
    pub text: String,
    /// What would close it.
    pub close: String,
}

/// Something that changed.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Block.
    pub block: u64,
    /// Its time, where that is on record.
    pub at: Option<Moment>,
    /// In a sentence.
    pub what: String,
    /// The detector that found it.
    pub detector: Option<String>,
    /// The finding.
    pub finding: Option<String>,
    /// How bad it is.
    pub severity: Option<&'static str>,
    /// Whether the chain still supports the finding.
    pub status: Option<&'static str>,
}

/// A section that knows nothing.
#[derive(Debug, Serialize)]
pub struct Unknown {
    /// Which: `identity`, `life`, `power`, `coverage`, `threats`, `history`.
    pub section: &'static str,
    /// Why.
    pub why: String,
    /// The command or line of a file that would change it.
    pub close: Option<String>,
}

impl Party {
    fn new(party: &dossier::Party) -> Self {
        Self { address: party.address.to_string(), name: party.name.clone() }
    }
}

impl Identity {
    pub(super) fn new(identity: &dossier::Identity, is_contradiction: bool) -> Self {
        let concluded = &identity.concluded;
        let shows = identity.shows.iter();
        Self {
            class_shown: concluded.class.as_str(),
            confidence: concluded.confidence.as_str(),
            why: concluded.why.clone(),
            contradicts_file: is_contradiction,
            traits: shows.map(|e| Trait { what: e.is.as_str(), why: e.why.clone() }).collect(),
            proxy: identity.proxy.as_ref().map(|p| Trait { what: p.kind, why: p.why.clone() }),
        }
    }
}

impl Life {
    pub(super) fn new(life: &dossier::Life) -> Self {
        let children = life.children.as_ref();
        let child = |(label, address): &(model::Name, model::Address)| Party {
            address: address.to_string(),
            name: Some(label.to_string()),
        };
        Self {
            stage: life.stage.as_str(),
            stage_since: life.stage_since,
            known_since: life.known_since,
            gap: life.gap,
            creator: life.creator.as_ref().map(|creator| Creator {
                by: Party::new(&creator.by),
                sender: Party::new(&creator.sender),
                tx: creator.tx.to_string(),
                block: creator.block,
            }),
            factory: life.factory.as_ref().map(|(label, _)| label.to_string()),
            children: children.map(|children| children.count),
            newest_children: children
                .map_or_else(Vec::new, |c| c.newest.iter().map(child).collect()),
            codes: life
                .codes
                .iter()
                .map(|since| CodeSince {
                    hash: since.what.map(|hash| hash.to_string()),
                    block: since.block.number,
                })
                .collect(),
            delegates: life
                .delegates
                .iter()
                .map(|d| Delegate { kind: d.kind, to: Party::new(&d.to), block: d.block })
                .collect(),
            facets: life
                .facets
                .iter()
                .map(|(facet, functions)| Facet { facet: Party::new(facet), functions: *functions })
                .collect(),
            same_code: life.clones.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Power {
    pub(super) fn new(power: &dossier::Power) -> Self {
        let drifts = |items: &[DriftItem]| items.iter().map(Drift::new).collect::<Vec<_>>();
        Self {
            monitor: power.monitor.to_string(),
            block: power.at.block,
            at: power.at.at.into(),
            roles: power.roles.iter().map(Held::new).collect(),
            ways: power
                .ways
                .iter()
                .map(|way| Way {
                    can: way.can,
                    principal: Party::new(&way.principal),
                    path: way.path.clone(),
                    signatures: way.signatures,
                    delay_s: way.delay_s,
                })
                .collect(),
            holds: power.holds.iter().map(Held::new).collect(),
            more: power.more,
            unknown_before: power.unknown_before,
            drifts: power.drifts.as_deref().map(drifts),
            accepted: drifts(&power.accepted),
        }
    }
}

impl Held {
    fn new(held: &dossier::Held) -> Self {
        Self {
            role: held.role.clone(),
            other: Party::new(&held.other),
            kind: held.kind,
            since: held.since.map(|since| since.block),
            can: held.can.clone(),
            functions: held.functions.clone(),
        }
    }
}

impl Drift {
    fn new(item: &DriftItem) -> Self {
        Self {
            class: item.key.class.as_str(),
            title: item.title.clone(),
            severity: item.severity.as_str(),
            since: item.since.at.into(),
            age_s: item.age_s,
            accepted: item.accepted.clone(),
            repairs: item.repairs.iter().map(registry::authority::Repair::to_json).collect(),
        }
    }
}

impl Dependency {
    pub(super) fn new(of: &dossier::Dependency) -> Self {
        Self {
            on: Party::new(&of.on),
            kind: of.kind.clone(),
            stated: of.stated.clone(),
            code_reviewed: of.code_reviewed.clone(),
        }
    }
}

impl Covered {
    pub(super) fn new(covered: &dossier::Covered) -> Self {
        let open = covered.open.iter().map(|cell| OpenCell {
            kind: cell.kind,
            target: cell.target.clone(),
            threat: cell.threat,
            state: cell.state.as_str(),
            monitors: super::texts(&cell.monitors),
        });
        Self {
            value: covered.value,
            weight: covered.weight,
            is_weight_stated: covered.is_weight_stated,
            cells: covered.cells,
            watched: covered.watched,
            open: open.collect(),
            missing: covered.holes.iter().map(MissingBlocks::new).collect(),
            newest_at: covered.newest_at.map(Into::into),
        }
    }
}

impl Threatened {
    pub(super) fn new(of: &dossier::Threatened) -> Self {
        let threat = &of.threat;
        let gaps = of.gaps.iter().map(|gap| Gap {
            kind: gap.kind.as_str(),
            text: gap.text.clone(),
            close: gap.close.clone(),
        });
        Self {
            id: threat.id.to_string(),
            title: threat.title.clone(),
            domain: threat.domain.as_str(),
            rating: of.rating.as_str(),
            impact: threat.impact.to_string(),
            currency: of.currency.clone(),
            through: super::texts(&of.through),
            monitors: super::texts(&threat.monitors),
            plans: threat.plans.clone(),
            gaps: gaps.collect(),
        }
    }
}

impl Change {
    pub(super) fn new(change: &dossier::Change) -> Self {
        let found = change.finding.as_ref();
        Self {
            block: change.block,
            at: change.at.map(Into::into),
            what: change.what.clone(),
            detector: found.map(|found| found.detector.clone()),
            finding: found.map(|found| found.id.to_string()),
            severity: found.map(|found| found.severity.as_str()),
            status: found.map(|found| crate::words::finding_status(found.status)),
        }
    }
}

impl Unknown {
    pub(super) fn new((section, unknown): (&'static str, &dossier::Unknown)) -> Self {
        Self { section, why: unknown.why.clone(), close: unknown.close.clone() }
    }
}
