//! Who watches a dependency of each kind.

use model::Severity;

use super::Kind;

/// A monitor that dependencies of some kinds get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// Last part of the monitor's name.
    pub name: &'static str,
    /// Detector.
    pub detector: &'static str,
    /// Severity of its main claim.
    pub severity: Severity,
}

const fn template(name: &'static str, detector: &'static str, severity: Severity) -> Template {
    Template { name, detector, severity }
}

/// Monitors about dependencies as such; each is on all of them.
pub const OWN: [Template; 7] = [
    template("appeared", "dependency/appeared", Severity::Medium),
    template("code-changed", "dependency/code_changed", Severity::Medium),
    template("token-event", "dependency/token_event", Severity::High),
    template("market-state", "dependency/market_state", Severity::High),
    template("feed-changed", "dependency/feed_changed", Severity::High),
    template("depeg", "dependency/depeg", Severity::Medium),
    template("governance", "dependency/governance", Severity::Medium),
];

// What happens to others' contracts is told, and nobody is woken for it: what would cost us is told
// by the monitors above, with its price.
const ROLES: Template = template("role-change", "access/role_change", Severity::Low);
const UPGRADED: Template = template("proxy-upgraded", "change/proxy_upgraded", Severity::Low);
const PARAMETERS: Template = template("parameter-update", "change/parameter_update", Severity::Low);
const LATE: Template = template("feed-late", "oracle/feed_late", Severity::Medium);

/// Monitors made for our own contracts that a dependency of a kind gets as well, at a severity that
/// notifies.
pub fn templates(of: Kind) -> &'static [Template] {
    match of {
        Kind::Token => &[ROLES, UPGRADED],
        Kind::Feed => &[LATE, ROLES],
        Kind::Lending | Kind::Market | Kind::Vault | Kind::Bridge => &[ROLES, UPGRADED, PARAMETERS],
        Kind::Governance => &[ROLES, PARAMETERS, UPGRADED],
        Kind::Contract => &[ROLES, UPGRADED],
    }
}
