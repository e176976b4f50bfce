//! What is worth watching on which kind of contract, with the reason in plain words.

use registry::{
    Class,
    recognise::{Recognition, Trait},
};

use super::Standing;

/// A detector that is worth having on a contract.
#[derive(Debug, PartialEq, Eq)]
pub struct Wish {
    /// File below `monitors/` that it goes to.
    pub file: &'static str,
    /// Name of the monitor; of one that each contract has for itself, what follows its label.
    pub name: &'static str,
    /// Id of the detector.
    pub detector: &'static str,
    /// Severity of its findings.
    pub severity: &'static str,
    /// Why, in plain words.
    pub why: &'static str,
    /// What the monitor sets, as a line of its file; empty for nothing.
    pub settings: &'static str,
    /// Whether each contract has a monitor of its own: the contracts of one are judged as one pot.
    pub is_single: bool,
}

const fn wish(
    file: &'static str,
    name: &'static str,
    detector: &'static str,
    severity: &'static str,
    why: &'static str,
) -> Wish {
    Wish { file, name, detector, severity, why, settings: "", is_single: false }
}

const ROLE_CHANGE: Wish = wish(
    "access",
    "role-change",
    "access/role_change",
    "high",
    "Who may do what has changed. Expected changes are announced; the others are how protocols are lost.",
);
const PARAMETER_UPDATE: Wish = wish(
    "access",
    "parameter-update",
    "change/parameter_update",
    "high",
    "A setting of the protocol was changed: fee, cap, oracle, delay.",
);
const PROXY_UPGRADED: Wish = wish(
    "access",
    "proxy-upgraded",
    "change/proxy_upgraded",
    "critical",
    "The code behind a proxy was replaced.",
);
const CODE_CHANGED: Wish = Wish {
    settings: "params = { all_slots = true }",
    ..wish(
        "access",
        "code-changed",
        "change/code_changed",
        "critical",
        "What runs behind a contract changed and nothing said so: a slot, a singleton, a facet, the code itself.",
    )
};
const FEED_LATE: Wish = wish(
    "oracle",
    "feed-late",
    "oracle/feed_late",
    "high",
    "A price is older than its heartbeat allows: everything priced by it is wrong.",
);
const OUTFLOW: Wish = Wish {
    is_single: true,
    ..wish(
        "money",
        "outflow",
        "liquidity/outflow_exceeds_share",
        "high",
        "A large share of what is there leaves in one transaction, or within an hour.",
    )
};
const KNOWN_BAD: Wish = wish(
    "reputation",
    "known-bad-address",
    "reputation/known_bad_address",
    "high",
    "An address on a list in labels/ (exploiter, mixer, sanctioned …) touches the contract.",
);
const FAILED_CALLS: Wish = wish(
    "telemetry",
    "failed-calls",
    "telemetry/failed_calls_rise",
    "medium",
    "More calls fail than usual: something is broken, or somebody is probing.",
);
const GAS: Wish = wish(
    "telemetry",
    "unusual-gas",
    "telemetry/gas_unusual",
    "low",
    "Calls cost unusually much or little gas: they take another path than usual.",
);
const DEPENDENCY_CONTROL: Wish = wish(
    "dependencies",
    "dependency-role-change",
    "access/role_change",
    "medium",
    "Who may do what has changed at something you depend on but do not control.",
);
const DEPENDENCY_SETTING: Wish = wish(
    "dependencies",
    "dependency-parameter-update",
    "change/parameter_update",
    "medium",
    "Something you depend on works differently from now on.",
);
const DEPENDENCY_UPGRADED: Wish = wish(
    "dependencies",
    "dependency-upgraded",
    "change/proxy_upgraded",
    "high",
    "The code of something you depend on was replaced: what you checked before is not what runs.",
);

/// What is worth watching on a contract.
pub(super) fn wishes(recognition: &Recognition, standing: Standing) -> Vec<&'static Wish> {
    let emits = |names: [&str; 3]| {
        names.iter().any(|name| recognition.interface.event_named(name).is_some())
    };
    let is_upgradeable = recognition.proxy.as_ref().is_some_and(|p| p.kind.is_upgradeable())
        || emits(["upgraded", "beaconupgraded", "diamondcut"]);
    let is_feed = recognition.is(Trait::PriceFeed);
    let mut wanted = Vec::new();
    if standing == Standing::Dependency {
        wanted.extend([&DEPENDENCY_CONTROL, &DEPENDENCY_SETTING]);
        wanted.extend(is_upgradeable.then_some(&DEPENDENCY_UPGRADED));
        wanted.extend(is_feed.then_some(&FEED_LATE));
        return wanted;
    }
    wanted.extend([&ROLE_CHANGE, &PARAMETER_UPDATE]);
    if is_upgradeable {
        wanted.extend([&PROXY_UPGRADED, &CODE_CHANGED]);
    }
    match recognition.class.class {
        Class::Oracle => wanted.extend(is_feed.then_some(&FEED_LATE)),
        Class::Vault
        | Class::Pool
        | Class::Bridge
        | Class::InsuranceFund
        | Class::Treasury
        | Class::Staking => wanted.push(&OUTFLOW),
        _ => {}
    }
    wanted.extend([&KNOWN_BAD, &FAILED_CALLS, &GAS]);
    wanted
}
