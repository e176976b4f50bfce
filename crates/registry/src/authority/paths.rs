//! Through whom power can be used, and how easily.
//!
//! From a contract backwards: who holds a role there; if that is itself a contract, who can make it
//! act; and so on until keys, groups of signers and votes. The weakest path of a principal is the
//! one with the fewest signatures, of those the one with the least delay.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;
use model::FactValue;

use super::{Basis, Capability, Graph, PrincipalKind, Role};

/// Longest path that is followed. Real ones (signers, Safe, timelock, proxy admin, proxy) have four
/// steps.
pub const PATH_STEPS_MAX: usize = 8;

/// Most ways to make one account act that are kept, easiest first.
pub const PATHS_MAX: usize = 256;

/// A vote counts as this many signatures when the governor does not say how many votes it needs, or
/// counts them in tokens.
const VOTE_SIGNATURES: u64 = 2;

/// More votes than this are tokens, not people.
const QUORUM_OF_PEOPLE_MAX: u64 = 100;

/// One hold on the way: `by` holds `role` of `of`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Who.
    pub by: Address,
    /// How.
    pub role: Role,
    /// Of what.
    pub of: Address,
}

/// How a principal's power reaches a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Who begins it: a key, a group of signers, a vote, or a contract that nobody is known to
    /// control.
    pub principal: Address,
    /// From the principal to the contract.
    pub steps: Vec<Step>,
    /// Keys that must sign.
    pub signatures: u64,
    /// Delay on the way, in seconds.
    pub delay_s: u64,
}

impl Path {
    /// From 0 to 1: a single key at once is 1; two signatures halve it, a delay of one day halves it.
    pub fn ease(&self) -> f64 {
        let delay_days = self.delay_s as f64 / 86_400.0;
        1.0 / (self.signatures.max(1) as f64) / (1.0 + delay_days)
    }

    fn rank(&self) -> (u64, u64, usize) {
        (self.signatures, self.delay_s, self.steps.len())
    }

    /// `ops (2 of 3) → timelock (2 days) → admin of vault`.
    pub fn words(&self, graph: &Graph) -> String {
        let mut words = Vec::new();
        for step in &self.steps {
            let by = graph.get(step.by).map_or_else(|| step.by.to_string(), |node| node.words());
            words.push(by);
        }
        if let Some(last) = self.steps.last() {
            words.push(format!("{} of {}", last.role.words(), graph.name(last.of)));
        }
        words.join(" → ")
    }
}

/// That somebody can do something to a contract, by the weakest of the ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// What it is done to.
    pub contract: Address,
    /// What can be done.
    pub capability: Capability,
    /// How well it is known that the role is good for it.
    pub basis: Basis,
    /// The weakest way.
    pub path: Path,
}

impl Effective {
    /// `treasurer can take money out of vault through: …`.
    pub fn words(&self, graph: &Graph) -> String {
        let contract = graph.name(self.contract);
        let who = graph
            .get(self.path.principal)
            .map_or_else(|| self.path.principal.to_string(), |node| node.words());
        let needs = match (self.path.signatures, self.path.delay_s) {
            (0 | 1, 0) => "at once, with one signature".to_owned(),
            (0 | 1, delay_s) => {
                format!("with one signature, after {}", FactValue::Seconds(delay_s))
            }
            (signatures, 0) => format!("at once, with {signatures} signatures"),
            (signatures, delay_s) => {
                format!("with {signatures} signatures, after {}", FactValue::Seconds(delay_s))
            }
        };
        let path = self.path.words(graph);
        format!("{who} can {} {contract} {needs}: {path}", self.capability)
    }
}

/// How much power a principal has over everything together.
///
/// `power = Σ over contracts of max over capabilities of weight × ease`, where a capability's weight
/// is from 0 to 10 ([`Capability::weight`]) and ease is [`Path::ease`]. Money is not a factor:
/// contracts hold different tokens, and no price of them is assumed.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerOf {
    /// Who.
    pub principal: Address,
    /// The sum above.
    pub power: f64,
    /// What it consists of, for each contract the heaviest first.
    pub can: Vec<Effective>,
}

impl Graph {
    /// Everything that anybody can do to a contract, by principal and capability.
    pub fn effective(&self, contract: Address) -> Vec<Effective> {
        let mut weakest: BTreeMap<(Capability, Address), Effective> = BTreeMap::new();
        // One signer alone makes nothing happen: what a multisig can do is told of the multisig.
        for edge in self.over(contract).filter(|edge| edge.role != Role::Signer) {
            let mut visited = BTreeSet::from([contract]);
            for mut path in self.acting_as(edge.holder, &mut visited) {
                let (by, role) = (edge.holder, edge.role.clone());
                path.steps.push(Step { by, role, of: contract });
                for &capability in &edge.grant.capabilities {
                    let basis = edge.grant.basis;
                    let found = Effective { contract, capability, basis, path: path.clone() };
                    let known = weakest.entry((capability, path.principal));
                    known
                        .and_modify(|known| {
                            if found.path.rank() < known.path.rank() {
                                known.clone_from(&found);
                            }
                        })
                        .or_insert(found);
                }
            }
        }
        weakest.into_values().collect()
    }

    /// Everybody with power, most powerful first.
    pub fn powers(&self) -> Vec<PowerOf> {
        let mut of: BTreeMap<Address, PowerOf> = BTreeMap::new();
        let contracts: BTreeSet<Address> = self.edges().iter().map(|edge| edge.contract).collect();
        for contract in contracts {
            let mut here: BTreeMap<Address, Vec<Effective>> = BTreeMap::new();
            for effective in self.effective(contract) {
                here.entry(effective.path.principal).or_default().push(effective);
            }
            for (principal, mut can) in here {
                let score = |e: &Effective| e.capability.weight() * e.path.ease();
                can.sort_by(|a, b| {
                    score(b).total_cmp(&score(a)).then(a.capability.cmp(&b.capability))
                });
                let entry = of.entry(principal).or_insert_with(|| PowerOf {
                    principal,
                    power: 0.0,
                    can: Vec::new(),
                });
                entry.power += can.first().map_or(0.0, score);
                entry.can.extend(can);
            }
        }
        let mut powers: Vec<PowerOf> = of.into_values().collect();
        powers.sort_by(|a, b| b.power.total_cmp(&a.power).then(a.principal.cmp(&b.principal)));
        powers
    }

    /// All ways to make an account act, easiest first. `visited` holds the accounts further up, so
    /// that contracts that control each other end.
    fn acting_as(&self, account: Address, visited: &mut BTreeSet<Address>) -> Vec<Path> {
        let alone = |signatures: u64| Path {
            principal: account,
            steps: Vec::new(),
            signatures,
            delay_s: 0,
        };
        let Some(node) = self.get(account) else { return vec![alone(1)] };
        if visited.contains(&account) || visited.len() >= PATH_STEPS_MAX {
            return Vec::new();
        }
        visited.insert(account);
        let mut paths = Vec::new();
        match node.kind {
            PrincipalKind::Key | PrincipalKind::Unknown => paths.push(alone(1)),
            PrincipalKind::Safe => {
                paths.push(alone(node.signatures.map_or(1, |(needed, _)| needed)));
                self.through(account, is_module, 0, visited, &mut paths);
            }
            PrincipalKind::Governor => {
                let votes = node.signatures.map(|(needed, _)| needed);
                let votes = votes.filter(|votes| (1..=QUORUM_OF_PEOPLE_MAX).contains(votes));
                paths.push(alone(votes.unwrap_or(VOTE_SIGNATURES)));
                self.through(account, is_total, 0, visited, &mut paths);
            }
            PrincipalKind::Timelock => {
                // Also its admin, who can make itself proposer, must wait.
                let delay_s = node.delay_s.unwrap_or(0);
                self.through(account, can_schedule, delay_s, visited, &mut paths);
            }
            PrincipalKind::ProxyAdmin | PrincipalKind::Contract => {
                self.through(account, is_total, 0, visited, &mut paths);
            }
        }
        visited.remove(&account);
        if paths.is_empty() {
            // Nobody is known to control it: the power ends here, and the reader must see where.
            let needed = node.delay_s.unwrap_or(0);
            paths.push(Path { delay_s: needed, ..alone(1) });
        }
        paths.sort_by_key(Path::rank);
        paths.truncate(PATHS_MAX);
        paths
    }

    fn through(
        &self,
        account: Address,
        is_hold: fn(&Role) -> bool,
        delay_s: u64,
        visited: &mut BTreeSet<Address>,
        paths: &mut Vec<Path>,
    ) {
        for edge in self.over(account).filter(|edge| is_hold(&edge.role)) {
            for mut path in self.acting_as(edge.holder, visited) {
                let (by, role) = (edge.holder, edge.role.clone());
                path.steps.push(Step { by, role, of: account });
                path.delay_s = path.delay_s.saturating_add(delay_s);
                paths.push(path);
            }
        }
    }
}

fn is_module(role: &Role) -> bool {
    *role == Role::Module
}

/// Roles whose holders decide what a contract does.
fn is_total(role: &Role) -> bool {
    matches!(role, Role::Owner | Role::Admin | Role::Authority) || *role == Role::DEFAULT_ADMIN
}

fn can_schedule(role: &Role) -> bool {
    let name = role.access_name();
    is_total(role) || matches!(name, Some("PROPOSER_ROLE" | "TIMELOCK_ADMIN_ROLE"))
}
