//! A contract appeared, planned or not. The page is `created.md`.

use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use model::{BlindReason, FactValue, Level, Severity};
use registry::{Category, CodeMatch, Planned, SeenCode, lifecycle::Stage};

use super::maker::{Maker, maker};
use crate::{
    chronicle::{self, Arrival, Creation, Place},
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, milder,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "deployment/created",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[ParamSpec {
        name: "deployers",
        kind: ParamKind::Categories { default: &["deployer"] },
        doc: "categories of labels whose accounts deploy for you",
    }],
    page: include_str!("created.md"),
};

/// See the page.
#[derive(Debug)]
pub struct Created;

impl Detector for Created {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { deployers: settings.categories("deployers").to_vec(), site })
    }
}

struct Configured {
    site: Site,
    deployers: Vec<Category>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for arrival in &block.news.arrivals {
            if block.is_guarded_by(&self.site, arrival.child) {
                report.claim(child(block, arrival));
            }
        }
        for unread in &block.news.unread {
            let factory = block.deployment(unread.factory);
            let reason = format!("a child of {}: {}", factory.label, unread.why);
            report.blind(BlindReason::Undecodable(reason));
        }
        for refusal in &block.news.refused {
            let factory = block.deployment(refusal.factory);
            let title = format!(
                "{} created more children than are watched: {} is watched by nobody",
                factory.label, refusal.address
            );
            let claim = at(block, refusal.place, title).about(block, factory.address);
            report.claim(
                claim.severity(self.site.severity).what(refusal.address.to_string()).fact(
                    "created contract",
                    FactValue::Address { address: refusal.address, label: None },
                ),
            );
        }
        for (order, creation) in block.news.creations.iter().enumerate() {
            let is_again =
                block.news.creations[..order].iter().any(|c| c.address == creation.address);
            self.creation(block, creation, is_again, memory, report);
        }
        self.unseen(block, memory, report);
        if block.level < Level::Traces {
            report.blind(block.bundle.too_low(Level::Traces));
        }
    }
}

impl Configured {
    fn creation(
        &self,
        block: &Block<'_>,
        creation: &Creation,
        is_again: bool,
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let Some((index, deployment)) = block.guarded(&creation.address) else {
            return self.unplanned(block, creation, report);
        };
        if !block.is_guarded_by(&self.site, index) {
            return;
        }
        let is_child = block.registry.child(index).is_some();
        let lived_before = is_again
            || had_code_before(block, memory, creation.address)
            || !is_child && deployment.first_block.is_some_and(|b| b < block.bundle.header.number);
        let about = |title: String| {
            let place = Place::Frame { tx: creation.tx, index: creation.frame };
            with_creation(block, creation, at(block, place, title))
        };
        if lived_before {
            let title = format!(
                "{} was created again at its address: other code may stand where it was",
                deployment.label
            );
            report.claim(about(title).severity(Severity::Critical).what("again"));
        } else if let Some(planned) = block.registry.planned(index) {
            let seen = creation.code(block.bundle);
            let sender = Some(block.tx(creation.tx).from);
            self.planned(block, (index, planned), (seen, sender), &about, report);
        } else if !is_child {
            let by = block.name_of(creation.creator);
            let title = format!("{} was deployed by {by}", deployment.label);
            report.claim(about(title).severity(Severity::Info));
        }
    }

    fn planned(
        &self,
        block: &Block<'_>,
        (index, planned): (u32, &Planned),
        (seen, sender): (SeenCode<'_>, Option<Address>),
        about: &dyn Fn(String) -> Claim,
        report: &mut Report<'_>,
    ) {
        let label = &block.deployment(index).label;
        let (severity, title) = match planned.code.compare(seen) {
            CodeMatch::Same => {
                (Severity::Info, format!("{label} was deployed as planned and is monitored"))
            }
            CodeMatch::NothingPlanned => (
                Severity::Info,
                format!(
                    "{label} was deployed at its planned address and is monitored; its plan says nothing about code"
                ),
            ),
            CodeMatch::Differs(why) => (
                Severity::Critical,
                format!("{label} was deployed with other code than planned: {why}"),
            ),
            CodeMatch::CannotTell(why) => {
                report.blind(BlindReason::ReadMissing(format!("code of {label}: {why}")));
                let title = format!(
                    "{label} was deployed, but whether with the planned code is unknown: {why}"
                );
                (Severity::Medium, title)
            }
        };
        report.claim(about(title).severity(severity));
        if let (Some(expected), Some(sender)) = (planned.sender, sender)
            && expected != sender
        {
            let title = format!(
                "{label} was deployed by {}, planned was {}",
                block.name_of(sender),
                block.name_of(expected)
            );
            let claim = about(title).severity(self.site.severity).what("sender");
            report.claim(claim.fact("planned sender", block.address_fact(expected)));
        }
    }

    /// A creation at an address that nobody declared.
    fn unplanned(&self, block: &Block<'_>, creation: &Creation, report: &mut Report<'_>) {
        let Some(maker) = maker(block, creation, &self.deployers) else { return };
        let (severity, title) = match maker {
            Maker::Factory(by) => (
                milder(self.site.severity, 1),
                format!(
                    "{} created {}, which nothing watches",
                    block.name_of(by),
                    creation.address
                ),
            ),
            Maker::Principal(by) => (
                self.site.severity,
                format!("{} created {}, which is in no plan", block.name_of(by), creation.address),
            ),
        };
        let place = Place::Frame { tx: creation.tx, index: creation.frame };
        let claim = with_creation(block, creation, at(block, place, title));
        report.claim(claim.severity(severity));
    }

    /// Planned contracts whose creation nobody saw: their code is there all the same.
    fn unseen(&self, block: &Block<'_>, memory: &StateTable, report: &mut Report<'_>) {
        for &index in &self.site.guarded {
            let Some(planned) = self.site.registry.planned(index) else { continue };
            let address = block.deployment(index).address;
            if block.news.creations.iter().any(|creation| creation.address == address) {
                continue;
            }
            let hash = block.code_hash(address);
            let chronicle = chronicle::of(memory, address);
            if hash.is_none() && chronicle.is_none_or(|c| c.life.stage() == Stage::Planned) {
                let missing = format!("code hash of {}", block.deployment(index).label);
                report.blind(BlindReason::ReadMissing(missing));
            }
            let Some(hash) = hash.filter(|hash| *hash != KECCAK256_EMPTY) else { continue };
            let now = block.bundle.block_ref();
            let code = chronicle.map(|chronicle| &chronicle.lineage.code);
            let is_first = code.is_some_and(|code| {
                code.iter().len() == 1 && code.iter().all(|since| since.block == now)
            });
            if is_first {
                let about = |title: String| {
                    Claim::about_episode(block, format!("code of {address}"), block.at, title)
                        .about(block, address)
                        .fact("code hash", hash_fact(hash))
                };
                let seen = (SeenCode::Hash(hash), None);
                self.planned(block, (index, planned), seen, &about, report);
            }
        }
    }
}

/// The announcement of a factory's child.
fn child(block: &Block<'_>, arrival: &Arrival) -> Claim {
    let child = block.deployment(arrival.child);
    let factory = block.deployment(arrival.factory);
    let title =
        format!("{} created {}, which is monitored from now on", factory.label, child.label);
    let claim = at(block, arrival.place, title).about(block, child.address).what("child");
    let creation = block.news.creations.iter().find(|c| c.address == child.address);
    let claim = match creation {
        Some(creation) => with_creation(block, creation, claim),
        None => claim.fact("created contract", block.address_fact(child.address)),
    };
    claim
        .fact("factory", block.address_fact(factory.address))
        .fact("class", FactValue::Text(child.class.to_string()))
        .severity(Severity::Info)
}

fn with_creation(block: &Block<'_>, creation: &Creation, claim: Claim) -> Claim {
    let claim = claim
        .about(block, creation.address)
        .fact("created contract", block.address_fact(creation.address))
        .fact("creator", block.address_fact(creation.creator))
        .fact("transaction sender", block.address_fact(block.tx(creation.tx).from));
    match creation.code(block.bundle).hash() {
        Some(hash) => claim.fact("code hash", hash_fact(hash)),
        None => claim,
    }
}

fn hash_fact(hash: B256) -> FactValue {
    FactValue::Bytes(hash.to_vec().into())
}

/// A claim about a place in a block.
pub(super) fn at(block: &Block<'_>, place: Place, title: String) -> Claim {
    match place {
        Place::Frame { tx, index } => Claim::about_frame(block, tx, index, title),
        Place::Log { tx, ordinal } => Claim::about_log(block, tx, ordinal, title),
        Place::State => Claim::about_block(block.bundle.block_ref(), block.at, title),
    }
}

/// Whether code was seen at an address in an earlier block.
fn had_code_before(block: &Block<'_>, memory: &StateTable, address: Address) -> bool {
    let now = block.bundle.block_ref();
    chronicle::of(memory, address).is_some_and(|chronicle| {
        chronicle.lineage.code.iter().any(|since| since.what.is_some() && since.block != now)
    })
}
