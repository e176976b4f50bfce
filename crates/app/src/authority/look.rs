//! Who holds what at one block: history as far as it was read, and every contract's own answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use chain::{config::NetworkConfig, logs::Wanted};
use model::{Address, BlockNumber, Name, ReadRequest};
use registry::{
    Class, ContractAbi, Registry,
    authority::{
        Change, Declared, Holdings, Observed, Past, PrincipalKind, Question, Reading, Role, Scan,
        questions, unknown_before,
    },
};

use super::{
    node::{Node, NodeError, is_contract, word},
    scan::{LOGS_MAX, kept},
};

/// How far is followed who controls a contract that controls a contract …
const DEPTH_MAX: usize = 4;

/// Holders that are looked at: a protocol that is governed by people has fewer.
const HOLDERS_LOOKED_AT_MAX: usize = 1_000;

/// What is asked of a contract that nobody declared, to find out what it is.
static PROBES: LazyLock<ContractAbi> = LazyLock::new(|| {
    ContractAbi::from_solidity([
        "function owner() view returns (address)",
        "function getOwners() view returns (address[])",
        "function getMinDelay() view returns (uint256)",
    ])
    .expect("a test asks these")
});

/// What was found on one network.
#[derive(Debug)]
pub struct Look {
    /// Who holds what.
    pub observed: Observed,
    /// Who was asked.
    pub endpoint: Name,
    /// What could not be found out, in words: unknown, not absent.
    pub unknown: Vec<String>,
}

/// Looks at every contract whose authority matters on a network, and at everybody who holds power
/// over them.
///
/// # Errors
/// When the network's endpoints cannot be asked.
pub async fn look(
    network: &NetworkConfig,
    registry: &Registry,
    declared: &Declared,
    block: Option<BlockNumber>,
) -> Result<Look, NodeError> {
    let node = Node::open(network, block).await?;
    let name = &network.name;
    let policy = declared.policy.as_ref();
    let treasuries = policy.map(|policy| policy.treasuries(name)).unwrap_or_default();
    let mut looking = Looking {
        logged: logged(&node, network, registry, declared, &treasuries).await?,
        observed: Observed::new(name.clone(), Some(network.chain_id), node.at),
        unknown: Vec::new(),
        node: &node,
        registry,
        declared,
    };
    let deployments = registry.own().map(|(_, d)| d).filter(|d| d.network == *name);
    let mut waiting: BTreeSet<Address> = deployments.map(|d| d.address).collect();
    waiting.extend(policy.iter().flat_map(|policy| policy.contracts(name, registry)));
    waiting.extend(&treasuries);
    for _ in 0..DEPTH_MAX {
        for contract in std::mem::take(&mut waiting) {
            looking.contract(contract).await?;
        }
        waiting = looking.holders().await?;
        if waiting.is_empty() {
            break;
        }
    }
    let Looking { mut observed, mut unknown, .. } = looking;
    // Contracts over which nobody holds anything and nothing is demanded are only noise.
    let named = policy.map(|policy| policy.contracts(name, registry)).unwrap_or_default();
    observed.contracts.retain(|contract, held| {
        !held.is_empty() || named.contains(contract) || registry.at(name, *contract).is_some()
    });
    unknown.sort_unstable();
    unknown.dedup();
    Ok(Look { observed, endpoint: node.endpoint, unknown })
}

/// What scans say up to the block, with what happened since them read now. Without a scan nothing is
/// known of the past.
async fn logged(
    node: &Node,
    network: &NetworkConfig,
    registry: &Registry,
    declared: &Declared,
    treasuries: &BTreeSet<Address>,
) -> Result<BTreeMap<Address, Holdings>, NodeError> {
    let mut all = BTreeMap::new();
    for scan in declared.scans.iter().filter(|scan| scan.network == network.name) {
        let scan = match scan.to_block < node.at.block {
            true => &continued(node, scan).await?,
            false => scan,
        };
        let first = |contract| registry.at(&network.name, contract).and_then(|d| d.first_block);
        let is_treasury = |who: Address| treasuries.contains(&who);
        let folded = scan.fold_before(node.at.block + 1, first, is_treasury);
        let folded = folded.map_err(|error| NodeError::Answer {
            endpoint: node.endpoint.clone(),
            method: "eth_getLogs",
            found: error.to_string(),
        })?;
        all.extend(folded);
    }
    Ok(all)
}

async fn continued(node: &Node, scan: &Scan) -> Result<Scan, NodeError> {
    let addresses: Vec<Address> = scan.contracts.keys().copied().collect();
    let wanted = Wanted { addresses: &addresses, topics: &Change::topics(), logs_max: LOGS_MAX };
    let blocks = scan.to_block + 1..=node.at.block;
    let found = chain::logs::logs(&node.rpc, &wanted, blocks, |_| {}).await;
    let found =
        found.map_err(|source| NodeError::Logs { endpoint: node.endpoint.clone(), source })?;
    let mut logs = scan.logs.clone();
    logs.extend(found.into_iter().map(kept));
    let (network, to) = (scan.network.clone(), node.at.block);
    Ok(Scan::new(network, scan.chain_id, to, scan.contracts.clone(), logs))
}

struct Looking<'a> {
    node: &'a Node,
    registry: &'a Registry,
    declared: &'a Declared,
    /// What logs say.
    logged: BTreeMap<Address, Holdings>,
    observed: Observed,
    unknown: Vec<String>,
}

impl Looking<'_> {
    fn network(&self) -> &Name {
        &self.observed.network
    }

    async fn contract(&mut self, contract: Address) -> Result<(), NodeError> {
        let network = self.network().clone();
        let deployment = self.registry.at(&network, contract);
        let policy = self.declared.policy.as_ref();
        let principal = policy.and_then(|policy| policy.principal_at(&network, contract));
        let kind = principal.map(|principal| principal.kind);
        let before = Past::UnknownBefore(self.node.at.block);
        let logged = self.logged.remove(&contract).unwrap_or_else(|| Holdings::new(before));
        let mut known: BTreeMap<Role, BTreeSet<Address>> = BTreeMap::new();
        for (role, holder, _) in logged.all() {
            known.entry(role.clone()).or_default().insert(holder);
        }
        let expected = policy.map(|policy| policy.expected(&network, contract, self.registry));
        for (role, holders) in expected.into_iter().flatten() {
            known.entry(role).or_default().extend(holders.keys());
        }
        let is_probed = deployment.is_none() && kind.is_none();
        let (class, abi) = match deployment {
            Some(deployment) => (deployment.class, deployment.abi.as_ref()),
            None if is_probed => (Class::Contract, &*PROBES),
            None => (Class::Contract, &ContractAbi::default()),
        };
        let mut reading = Reading::default();
        let asked = questions(contract, class, kind, abi, &known);
        self.ask(&mut reading, &asked).await?;
        let more = reading.follow_up(contract);
        self.ask(&mut reading, &more).await?;
        if is_probed {
            // What it does not answer it is not.
            reading.failed.clear();
        }
        let name = || self.registry.label(&network, contract).map(str::to_owned);
        for failed in &reading.failed {
            let on = name().unwrap_or_else(|| contract.to_string());
            self.unknown.push(format!("{on}: {failed}"));
        }
        let now = reading.over(&logged);
        if let Some(block) = unknown_before(&now, abi) {
            let on = name().unwrap_or_else(|| contract.to_string());
            self.unknown.push(format!(
                "{on}: holders of roles before block {block}; `bellwether authority scan` reads its history"
            ));
        }
        let mismatches = reading.mismatches(&logged);
        if !mismatches.is_empty() {
            self.observed.mismatches.insert(contract, mismatches);
        }
        if let Some(quorum) = reading.quorum {
            self.observed.quorums.insert(contract, quorum);
        }
        if is_probed && let Some(kind) = recognised(&reading) {
            self.observed.kinds.insert(contract, kind);
        }
        self.observed.contracts.insert(contract, now);
        Ok(())
    }

    async fn ask(&self, reading: &mut Reading, asked: &[Question]) -> Result<(), NodeError> {
        let requests: Vec<ReadRequest> = asked.iter().map(|q| q.request.clone()).collect();
        let answers = self.node.answers(&requests).await?;
        for (question, answer) in asked.iter().zip(answers) {
            let is_word = matches!(question.request, ReadRequest::Storage { .. });
            match answer {
                Ok(bytes) if is_word => reading.take(question, Ok(word(&bytes).as_slice())),
                Ok(bytes) => reading.take(question, Ok(&bytes)),
                Err(reason) => reading.take(question, Err(&reason)),
            }
        }
        Ok(())
    }

    /// Finds out what stands behind everybody who holds power; those that are contracts and were not
    /// looked at are next.
    async fn holders(&mut self) -> Result<BTreeSet<Address>, NodeError> {
        let holds = |held: &Holdings| held.all().map(|(_, who, _)| who).collect::<Vec<_>>();
        let mut holders: BTreeSet<Address> =
            self.observed.contracts.values().flat_map(holds).collect();
        holders.retain(|who| !who.is_zero() && !self.observed.kinds.contains_key(who));
        if holders.len() > HOLDERS_LOOKED_AT_MAX {
            let count = holders.len();
            self.unknown.push(format!(
                "{count} accounts hold power, only {HOLDERS_LOOKED_AT_MAX} of them were looked at"
            ));
        }
        let mut next = BTreeSet::new();
        for holder in holders.into_iter().take(HOLDERS_LOOKED_AT_MAX) {
            let is_contract = is_contract(&self.node.code(holder).await?);
            let kind = if is_contract { PrincipalKind::Contract } else { PrincipalKind::Key };
            self.observed.kinds.insert(holder, kind);
            if is_contract && !self.observed.contracts.contains_key(&holder) {
                next.insert(holder);
            }
        }
        Ok(next)
    }
}

/// What a contract is that answered so to the probes.
fn recognised(reading: &Reading) -> Option<PrincipalKind> {
    match () {
        () if reading.threshold.is_some() && reading.knows_all(&Role::Signer) => {
            Some(PrincipalKind::Safe)
        }
        () if reading.min_delay_s.is_some() => Some(PrincipalKind::Timelock),
        () => None,
    }
}
