//! A proposal would change code, power or money. The page is `proposal_dangerous.md`.

use std::sync::LazyLock;

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use model::{BlindReason, FactValue, Level, Severity};
use registry::{ContractAbi, DecodedLog};
use rustc_hash::FxHashMap;

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, Report, Settings, Site, Spec, Touch, Wants, What,
        dependency::governance::EVENTS, milder, worse,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "governance/proposal_dangerous",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[],
    page: include_str!("proposal_dangerous.md"),
};

/// Calls of one proposal that are looked at. Governors of OpenZeppelin and Compound allow ten to a few
/// dozen; a block cannot hold many more than these.
const CALLS_MAX: usize = 256;

/// What a call would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harm {
    /// How decisions are made.
    Rules,
    /// Who has the money.
    Money,
    /// Who may do what.
    Power,
    /// What code runs.
    Code,
}

impl Harm {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "how decisions are made",
            Self::Money => "who has the money",
            Self::Power => "who may do what",
            Self::Code => "what code runs",
        }
    }

    fn severity(self, usual: Severity) -> Severity {
        match self {
            Self::Rules => milder(usual, 1),
            Self::Money | Self::Power => usual,
            Self::Code => worse(usual, 1),
        }
    }
}

/// Functions that are dangerous in the hands of a vote. Sources: the published interfaces of
/// OpenZeppelin, Compound, Safe, ds-auth, Uniswap, EIP-2535 and Meridian.
const DANGEROUS: [(Harm, &[&str]); 4] = [
    (
        Harm::Code,
        &[
            "upgradeTo(address)",
            "upgradeToAndCall(address,bytes)",
            "upgrade(address,address)",
            "upgradeAndCall(address,address,bytes)",
            "setImplementation(address)",
            "_setImplementation(address)",
            "_setImplementation(address,bool,bytes)",
            "setBeacon(address)",
            "diamondCut((address,uint8,bytes4[])[],address,bytes)",
            "functionDelegateCall(address,bytes)",
            "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
        ],
    ),
    (
        Harm::Power,
        &[
            "grantRole(bytes32,address)",
            "grantRole(bytes32,address,bytes32)",
            "grantRole(uint64,address,uint32)",
            "transferOwnership(address)",
            "setOwner(address)",
            "setAuthority(address)",
            "setAdmin(address)",
            "changeAdmin(address)",
            "changeProxyAdmin(address,address)",
            "setPendingAdmin(address)",
            "_setPendingAdmin(address)",
            "setGuardian(address)",
            "setGuardian(address,bytes32)",
            "_setWhitelistGuardian(address)",
            "enableModule(address)",
            "addOwnerWithThreshold(address,uint256)",
            "setMinter(address)",
            "addMinter(address)",
            "rely(address)",
        ],
    ),
    (
        Harm::Money,
        &[
            "transfer(address,uint256)",
            "transferFrom(address,address,uint256)",
            "approve(address,uint256)",
            "increaseAllowance(address,uint256)",
            "mint(address,uint256)",
            "issue(address,uint256)",
            "withdraw(address,uint256)",
            "withdraw(address,address,uint256)",
            "sweep(address)",
            "sweep(address,address)",
            "release(bytes32,address,uint256,uint256)",
            "setOracle(address)",
            "setPriceOracle(address)",
            "_setPriceOracle(address)",
        ],
    ),
    (
        Harm::Rules,
        &[
            "updateDelay(uint256)",
            "setDelay(uint256)",
            "setMinDelay(uint256)",
            "setVotingDelay(uint48)",
            "setVotingDelay(uint256)",
            "setVotingPeriod(uint32)",
            "setVotingPeriod(uint256)",
            "setProposalThreshold(uint256)",
            "updateQuorumNumerator(uint256)",
            "updateTimelock(address)",
        ],
    ),
];

static BY_SELECTOR: LazyLock<FxHashMap<[u8; 4], (Harm, &'static str)>> = LazyLock::new(|| {
    let all = DANGEROUS.iter().flat_map(|(harm, all)| all.iter().map(|one| (*harm, *one)));
    let selector = |signature: &str| {
        let hash = keccak256(signature);
        [hash[0], hash[1], hash[2], hash[3]]
    };
    all.map(|(harm, signature)| (selector(signature), (harm, signature))).collect()
});

/// What calldata would change, and by which function, if that is known to be dangerous.
pub(crate) fn dangerous(data: &[u8]) -> Option<(Harm, &'static str)> {
    data.first_chunk::<4>().and_then(|selector| BY_SELECTOR.get(selector)).copied()
}

/// See the page.
#[derive(Debug)]
pub struct ProposalDangerous;

impl Detector for ProposalDangerous {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, _: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { severity: site.severity })
    }
}

struct Configured {
    severity: Severity,
}

/// A call that a proposal would make.
struct Proposed {
    target: Address,
    value: U256,
    /// Selector and arguments.
    data: Vec<u8>,
    harm: Option<(Harm, &'static str)>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let topics = EVENTS.events().filter_map(|event| event.topic0).collect();
        Wants { topics, ..Wants::default() }
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
            let log = block.log(touch.tx, ordinal);
            let Some((topic0, indexed)) = log.topics.split_first() else { continue };
            match EVENTS.event_by_topic(*topic0, indexed.len()).map(|event| event.decode(log)) {
                Some(Ok(decoded)) => self.proposed(block, (touch.tx, ordinal), &decoded, report),
                Some(Err(why)) => report.blind(BlindReason::Undecodable(why.to_string())),
                None => {
                    let who = block.name_of(log.address);
                    let reason =
                        format!("a proposal of {who} has another form than the usual ones");
                    report.blind(BlindReason::Undecodable(reason));
                }
            }
        }
    }
}

impl Configured {
    fn proposed(
        &self,
        block: &Block<'_>,
        (tx, ordinal): (u32, u32),
        decoded: &DecodedLog,
        report: &mut Report<'_>,
    ) {
        let governor = block.log(tx, ordinal).address;
        let who = block.name_of(governor);
        let calls = calls(decoded);
        if calls.len() > CALLS_MAX {
            let reason = format!("a proposal of {who} makes more than {CALLS_MAX} calls");
            report.blind(BlindReason::Undecodable(reason));
        }
        let harmful = calls.iter().take(CALLS_MAX).filter_map(|call| Some((call, call.harm?)));
        let Some((worst, (harm, signature))) = harmful.clone().max_by_key(|(_, (harm, _))| *harm)
        else {
            return;
        };
        let function = signature.split('(').next().unwrap_or(signature);
        let asked = if decoded.event.name == "ProposalCreated" { "asked" } else { "about" };
        let what = match function {
            "" => format!("send native value to {}", block.name_of(worst.target)),
            function => format!("call {function} of {}", block.name_of(worst.target)),
        };
        let title = format!("{who} is {asked} to {what}, which changes {}", harm.as_str());
        let mut claim = Claim::about_log(block, tx, ordinal, title)
            .about(block, governor)
            .severity(harm.severity(self.severity))
            .fact("target", block.address_fact(worst.target))
            .fact("changes", FactValue::Text(harm.as_str().to_owned()));
        for (name, value) in arguments(block, worst, signature) {
            claim = claim.fact(name, value);
        }
        let others = harmful.filter(|(call, _)| !std::ptr::eq(*call, worst));
        let others: Vec<FactValue> = others
            .take(registry::fact::LIST_LEN_MAX)
            .map(|(call, (harm, signature))| {
                let what = if signature.is_empty() { "native value" } else { signature };
                FactValue::Text(format!(
                    "{what} of {}: {}",
                    block.name_of(call.target),
                    harm.as_str()
                ))
            })
            .collect();
        if !others.is_empty() {
            claim = claim.fact("and", FactValue::List(others));
        }
        for name in
            ["proposalId", "id", "txHash", "proposer", "description", "voteEnd", "delay", "eta"]
        {
            if let Some(value) = decoded.arg(name) {
                claim = claim.fact(name, registry::fact(value, block.network(), block.registry));
            }
        }
        report.claim(claim);
    }
}

/// The calls of an announcement, in whichever form it has.
fn calls(decoded: &DecodedLog) -> Vec<Proposed> {
    let list = |one: &str, many: &str| match (decoded.arg(one), decoded.arg(many)) {
        (Some(value), _) => vec![value.clone()],
        (None, Some(DynSolValue::Array(values))) => values.clone(),
        _ => Vec::new(),
    };
    let (targets, values) = (list("target", "targets"), list("value", "values"));
    let (signatures, datas) = (list("signature", "signatures"), list("data", "calldatas"));
    let call = |(at, target): (usize, &DynSolValue)| {
        let bytes = datas.get(at).and_then(DynSolValue::as_bytes).unwrap_or_default();
        let signature = signatures.get(at).and_then(DynSolValue::as_str).unwrap_or_default();
        // Compound keeps the selector out of the data when there is a signature.
        let mut data = Vec::new();
        if !signature.is_empty() {
            data.extend(&keccak256(signature)[..4]);
        }
        data.extend(bytes);
        let value = values.get(at).and_then(DynSolValue::as_uint).map(|(value, _)| value);
        let value = value.unwrap_or_default();
        let harm = dangerous(&data).or((!value.is_zero()).then_some((Harm::Money, "")));
        Some(Proposed { target: target.as_address()?, value, data, harm })
    };
    targets.iter().enumerate().filter_map(call).collect()
}

/// What a dangerous call would be made with.
fn arguments(block: &Block<'_>, call: &Proposed, signature: &str) -> Vec<(String, FactValue)> {
    let mut facts = Vec::new();
    if !call.value.is_zero() {
        facts.push(("value".to_owned(), FactValue::Amount(model::TokenAmount::ether(call.value))));
    }
    if signature.is_empty() {
        return facts;
    }
    facts.push(("function".to_owned(), FactValue::Text(signature.to_owned())));
    // Of a contract that is known the names of the arguments are, too.
    let known = block.registry.at(block.network(), call.target);
    let known = known.and_then(|d| d.abi.functions().find(|f| f.signature == signature).cloned());
    let plain = || {
        let abi = ContractAbi::from_solidity([format!("function {signature}").as_str()]).ok()?;
        abi.functions().next().cloned()
    };
    match known.or_else(plain).map(|function| function.decode(&call.data)) {
        Some(Ok(decoded)) => {
            for (at, (param, value)) in
                decoded.function.inputs.iter().zip(&decoded.args).enumerate()
            {
                let name = match param.name.as_str() {
                    "" => format!("argument {at}"),
                    name => name.to_owned(),
                };
                facts.push((name, registry::fact(value, block.network(), block.registry)));
            }
        }
        _ => facts.push(("calldata".to_owned(), FactValue::Bytes(Bytes::from(call.data.clone())))),
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dangerous_function_can_be_read() {
        for (_, all) in DANGEROUS {
            for signature in all {
                let abi = ContractAbi::from_solidity([format!("function {signature}").as_str()]);
                assert_eq!(abi.unwrap().functions().next().unwrap().signature, *signature);
            }
        }
        let known: usize = DANGEROUS.iter().map(|(_, all)| all.len()).sum();
        assert_eq!(BY_SELECTOR.len(), known, "two functions share a selector");
    }
}
