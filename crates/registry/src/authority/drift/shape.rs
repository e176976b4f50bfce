//! Signatures, delays, paths, and networks compared with each other.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use model::FactValue;

use super::{Case, DriftClass, Found};
use crate::authority::{Capability, Holdings, Observed, Principal, PrincipalKind, Role};

pub(super) fn judge(case: &mut Case<'_>) {
    let (policy, observed) = (case.policy, case.observed);
    for principal in &policy.principals {
        let Some(&address) = principal.addresses.get(case.network()) else { continue };
        let Some(holdings) = observed.contracts.get(&address) else { continue };
        threshold(case, principal, address, holdings);
    }
    for (&contract, holdings) in &observed.contracts {
        delay(case, contract, holdings);
        bypass(case, contract);
    }
}

fn threshold(case: &mut Case<'_>, principal: &Principal, address: Address, holdings: &Holdings) {
    let (Some(wanted), Some(found)) = (principal.threshold, holdings.threshold) else { return };
    if found >= wanted {
        return;
    }
    let name = &principal.name;
    let title = format!("{found} signatures are enough for {name}, the policy demands {wanted}");
    case.add(Found {
        class: DriftClass::Threshold,
        contract: address,
        role: None,
        account: None,
        power: case.power(address, &Role::Signer),
        began: None,
        title,
        repairs: case.tools.change_threshold(address, wanted),
    });
}

/// The delay of timelocks: each against what is declared for it, and the one that upgrades must pass
/// against the policy's least delay.
fn delay(case: &mut Case<'_>, contract: Address, holdings: &Holdings) {
    let Some(found_s) = holdings.min_delay_s else { return };
    let policy = case.policy;
    let principal = policy.principal_at(case.network(), contract);
    let timelock = policy.timelock.as_ref();
    let for_upgrades =
        timelock.and_then(|name| policy.address_of(name, case.network(), case.registry));
    let of_policy = (for_upgrades == Some(contract)).then_some(policy.min_delay_s);
    let declared = principal.and_then(|p| p.min_delay_s);
    let Some(wanted_s) = declared.max(of_policy).filter(|wanted| found_s < *wanted) else { return };
    let title = format!(
        "{} holds calls back for {}, the policy demands {}",
        case.name(contract),
        FactValue::Seconds(found_s),
        FactValue::Seconds(wanted_s)
    );
    case.add(Found {
        class: DriftClass::DelayShort,
        contract,
        role: None,
        account: None,
        power: case.reach.get(&contract).copied().unwrap_or(0.0).max(2.0),
        began: None,
        title,
        repairs: case.tools.change_delay(contract, wanted_s),
    });
}

/// Ways to replace a contract's code that do not wait as long as the policy demands.
fn bypass(case: &mut Case<'_>, contract: Address) {
    let effective = case.graph.effective(contract);
    let upgrades = effective.iter().filter(|e| e.capability == Capability::Upgrade);
    for upgrade in upgrades.filter(|e| e.path.delay_s < case.policy.min_delay_s) {
        let path = &upgrade.path;
        let last = path.steps.last();
        // A role that may be given by a holder of power over the same contract is reached by it.
        let role = last.map(|step| step.role.clone());
        let waits = match path.delay_s {
            0 => "at once".to_owned(),
            delay_s => format!("after only {}", FactValue::Seconds(delay_s)),
        };
        let title = format!(
            "{} can be upgraded {waits} by {}, the policy demands {}",
            case.name(contract),
            case.path_words(&path.steps),
            FactValue::Seconds(case.policy.min_delay_s)
        );
        let repairs = match last {
            Some(step) => case.tools.hand_over(contract, &step.role, step.by),
            None => Vec::new(),
        };
        case.add(Found {
            class: DriftClass::Bypass,
            contract,
            role,
            account: Some(path.principal),
            power: Capability::Upgrade.weight(),
            began: None,
            title,
            repairs,
        });
    }
}

/// One principal on several networks must be the same: signers, signatures, modules, delay. The
/// network under judgement is held against the one in which most is demanded, the first in order.
pub(super) fn compare_networks(case: &mut Case<'_>, observed: &[Observed]) {
    let policy = case.policy;
    for principal in policy.principals.iter().filter(|p| p.addresses.len() > 1) {
        let comparable = matches!(principal.kind, PrincipalKind::Safe | PrincipalKind::Timelock);
        let Some(&address) = principal.addresses.get(case.network()).filter(|_| comparable) else {
            continue;
        };
        let first = observed.iter().find_map(|other| {
            let at = principal.addresses.get(&other.network)?;
            Some((other, other.contracts.get(at)?))
        });
        let Some((reference, expected)) = first else { continue };
        let Some(found) = case.observed.contracts.get(&address) else { continue };
        if reference.network == *case.network() {
            continue;
        }
        let mut differences = Vec::new();
        if found.threshold != expected.threshold {
            differences.push(format!(
                "{} signatures instead of {}",
                number(found.threshold),
                number(expected.threshold)
            ));
        }
        if found.min_delay_s != expected.min_delay_s {
            let seconds =
                |s: Option<u64>| s.map_or("no delay".into(), |s| FactValue::Seconds(s).to_string());
            differences.push(format!(
                "{} instead of {}",
                seconds(found.min_delay_s),
                seconds(expected.min_delay_s)
            ));
        }
        for (role, what) in [(Role::Signer, "signers"), (Role::Module, "modules")] {
            let here = words(case, case.observed, found, &role);
            let there = words(case, reference, expected, &role);
            if here != there {
                let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
                    a.difference(b).cloned().collect::<Vec<_>>().join(", ")
                };
                differences.push(format!(
                    "{what}: only here [{}], only there [{}]",
                    only(&here, &there),
                    only(&there, &here)
                ));
            }
        }
        if differences.is_empty() {
            continue;
        }
        let title = format!(
            "{} is not the same on {} as on {}: {}",
            principal.name,
            case.network(),
            reference.network,
            differences.join("; ")
        );
        case.add(Found {
            class: DriftClass::Networks,
            contract: address,
            role: None,
            account: None,
            power: case.power(address, &Role::Signer),
            began: None,
            title,
            repairs: Vec::new(),
        });
    }
}

/// Holders by what the policy calls them, because one person's keys may differ between networks.
fn words(case: &Case<'_>, of: &Observed, holdings: &Holdings, role: &Role) -> BTreeSet<String> {
    let name = |address: Address| match case.policy.principal_at(&of.network, address) {
        Some(principal) => principal.name.to_string(),
        None => address.to_string(),
    };
    holdings.of(role).map(name).collect()
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}
