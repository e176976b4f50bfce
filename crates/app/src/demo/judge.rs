//! What counts as found, and what as a benign page.

use std::collections::HashSet;

use evm::scenarios::{Area, Scenario};
use model::{Alert, AlertState, B256, Severity};

/// Alerts at least this bad wake somebody in the example's routes.
pub(super) const PAGES_FROM: Severity = Severity::High;

/// The monitors of the example that are about an area.
pub(super) fn monitors_for(area: Area) -> &'static [&'static str] {
    match area {
        Area::OracleLag => &["feed-late"],
        Area::RoleChange => &["role-change", "authority-drift"],
        Area::ParameterUpdate => &["parameter-update"],
        Area::Upgrade => &["proxy-upgraded"],
        Area::LargeWithdrawal => {
            &["vault-outflow", "fund-outflow", "bridge-outflow", "market-outflow"]
        }
        Area::Reentrancy => &["reentrant-call"],
        Area::FlashLoan | Area::PriceManipulation => &["price-moved"],
        Area::FailedCalls => &["failed-calls"],
        Area::KnownAddress => &["known-bad-address"],
        Area::Issuance => &["large-issuance"],
        Area::Reorg => &["reorg"],
    }
}

/// Whether a new alert tells of this attack: made by a monitor for one of its areas, about one of its
/// blocks.
pub(super) fn tells_of(alert: &Alert, scenario: &Scenario, blocks: &HashSet<B256>) -> bool {
    let is_about = |area: &Area| monitors_for(*area).contains(&alert.monitor.as_str());
    // A reorg is told of where the branches part, which is before the attack.
    let is_reorg = monitors_for(Area::Reorg).contains(&alert.monitor.as_str());
    let is_there = |finding: &model::FindingSummary| blocks.contains(&finding.block.hash);
    scenario.areas.iter().any(is_about) && (is_reorg || alert.findings.iter().any(is_there))
}

/// Whether an alert tells of what the attack is about.
pub(super) fn tells_the_point(alert: &Alert, scenario: &Scenario) -> bool {
    scenario.areas.first().is_some_and(|area| monitors_for(*area).contains(&alert.monitor.as_str()))
}

/// Whether somebody was woken by everyday life. A retracted alert counts as well: the person was
/// woken.
pub(super) fn is_benign_page(alert: &Alert, attacked: &HashSet<B256>) -> bool {
    alert.severity >= PAGES_FROM
        && !alert.findings.iter().any(|finding| attacked.contains(&finding.block.hash))
}

/// Whether an alert was taken back.
pub(super) fn is_retracted(alert: &Alert) -> bool {
    alert.state == AlertState::Retracted
}
