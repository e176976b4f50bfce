//! Power over a contract changed hands. The page is `role_change.md`.

use alloy_primitives::B256;
use model::{BlindReason, FactValue, Level, Severity};
use registry::{
    authority,
    risk::{self, RiskKind, RoleChangeKind},
};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, change::parameter_update::word_text, milder, worse,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "access/role_change",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[ParamSpec {
        name: "losses",
        kind: ParamKind::Flag { default: true },
        doc: "whether taking power away is told too",
    }],
    page: include_str!("role_change.md"),
};

/// See the page.
#[derive(Debug)]
pub struct RoleChange;

impl Detector for RoleChange {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { severity: site.severity, tells_losses: settings.flag("losses") })
    }
}

struct Configured {
    severity: Severity,
    tells_losses: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { topics: risk_topics(), ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        _: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            match risk::read(block.log(touch.tx, ordinal)) {
                Err(why) => report.blind(BlindReason::Undecodable(why.to_string())),
                Ok(Some(event)) => {
                    if let RiskKind::RoleChange(change) = &event.kind {
                        self.tell(block, touch.tx, ordinal, change, event.source.family, report);
                    }
                }
                Ok(None) => {}
            }
        }
    }
}

impl Configured {
    fn tell(
        &self,
        block: &Block<'_>,
        tx: u32,
        ordinal: u32,
        change: &risk::RoleChange,
        family: &'static str,
        report: &mut Report<'_>,
    ) {
        let is_loss = !change.granted;
        if is_loss && !self.tells_losses {
            return;
        }
        let contract = block.name_of(block.log(tx, ordinal).address);
        let who = change.account.map_or_else(|| "nobody".to_owned(), |a| block.name_of(a));
        let role = change.role.map(role_name);
        let title = sentence(change, &contract, &who, role.as_deref());
        let is_malicious = change.account.is_some_and(|account| {
            let network = block.network();
            block.registry.labels().of(network, account).any(|label| label.category.is_malicious())
        });
        let severity = match () {
            () if is_malicious && change.granted => Severity::Critical,
            () if is_total(change) && change.granted => worse(self.severity, 1),
            () if is_loss => milder(self.severity, 1),
            () => self.severity,
        };
        let mut claim = Claim::about_log(block, tx, ordinal, title).severity(severity);
        if let Some(role) = change.role {
            claim = claim.fact("role", FactValue::Text(role_name(role)));
            claim = claim.fact("role id", FactValue::Bytes(role.to_vec().into()));
        }
        let addresses =
            [("account", change.account), ("previous", change.previous), ("sender", change.sender)];
        for (name, address) in addresses {
            if let Some(address) = address {
                claim = claim.fact(name, block.address_fact(address));
            }
        }
        match change.what {
            RoleChangeKind::RoleAdmin { previous, new } => {
                if let Some(previous) = previous {
                    claim = claim.fact("previous admin role", FactValue::Text(role_name(previous)));
                }
                claim = claim.fact("new admin role", FactValue::Text(role_name(new)));
            }
            RoleChangeKind::RoleGuardian { new } => {
                claim = claim.fact("new guardian role", FactValue::Text(role_name(new)));
            }
            _ => {}
        }
        claim = claim
            .fact("granted", FactValue::Bool(change.granted))
            .fact("transaction sender", block.address_fact(block.tx(tx).from))
            .fact("standard", FactValue::Text(family.to_owned()));
        report.claim(claim);
    }
}

/// Power from which all other power follows.
fn is_total(change: &risk::RoleChange) -> bool {
    match change.what {
        RoleChangeKind::Role => change.role == Some(B256::ZERO),
        RoleChangeKind::Owner
        | RoleChangeKind::Admin
        | RoleChangeKind::Authority
        | RoleChangeKind::Module => true,
        _ => false,
    }
}

fn sentence(change: &risk::RoleChange, contract: &str, who: &str, role: Option<&str>) -> String {
    let role = role.unwrap_or("a role");
    match (change.what, change.granted) {
        (RoleChangeKind::Role, true) => format!("{who} was given {role} of {contract}"),
        (RoleChangeKind::Role, false) => format!("{who} lost {role} of {contract}"),
        (RoleChangeKind::RoleAdmin { new, .. }, _) => {
            format!("{role} of {contract} is now given by {}", role_name(new))
        }
        (RoleChangeKind::RoleGuardian { new }, _) => {
            format!("operations of {role} of {contract} can now be cancelled by {}", role_name(new))
        }
        (RoleChangeKind::Owner, true) => format!("{who} became owner of {contract}"),
        (RoleChangeKind::Owner, false) => format!("{contract} has no owner any more"),
        (RoleChangeKind::OwnerProposed, _) => format!("{who} was offered ownership of {contract}"),
        (RoleChangeKind::ProposalCanceled, _) => {
            format!("an offer to take {contract} over was withdrawn")
        }
        (RoleChangeKind::Admin, true) => format!("{who} became admin of {contract}"),
        (RoleChangeKind::Admin, false) => format!("{contract} has no admin any more"),
        (RoleChangeKind::AdminProposed, _) => {
            format!("{who} was offered to be admin of {contract}")
        }
        (RoleChangeKind::Authority, _) => format!("{who} now decides who may call {contract}"),
        (RoleChangeKind::Signer, true) => format!("{who} became a signer of {contract}"),
        (RoleChangeKind::Signer, false) => format!("{who} is no signer of {contract} any more"),
        (RoleChangeKind::Module, true) => format!("module {who} can now act for {contract}"),
        (RoleChangeKind::Module, false) => {
            format!("module {who} can no longer act for {contract}")
        }
    }
}

/// What a role id stands for: its name when the id is a well-known name's hash, else hex.
pub(crate) fn role_name(role: B256) -> String {
    match authority::role_name(role) {
        Some(name) => name.to_owned(),
        None => word_text(role),
    }
}

/// All topics that mean a risk event.
pub(crate) fn risk_topics() -> Vec<B256> {
    risk::sources().iter().filter_map(|source| source.event.topic0).collect()
}
