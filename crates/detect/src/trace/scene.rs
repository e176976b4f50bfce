//! One transaction seen from the contracts that are to be protected: who is on the sender's side,
//! and where the protected contracts were entered.

use alloy_primitives::Address;
use model::{FrameKind, Log, TxTrace};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    assets::{Asset, Ledger, Movement, Movements, Net},
    tree::CallTree,
};

/// How the code of an ERC-1167 clone begins.
const CLONE: &[u8] = &[0x36, 0x3d, 0x3d, 0x37, 0x3d, 0x3d, 0x3d, 0x36, 0x3d, 0x73];

/// What does not depend on who is protected: worked out once per transaction.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// The calls.
    pub tree: CallTree<'a>,
    /// What changed hands.
    pub movements: Movements,
    /// Net movements of every address.
    pub ledger: Ledger,
    /// Contracts that were entered by a frame.
    pub called: FxHashSet<Address>,
    /// Per asset-holding address, what it gained and lost of anything.
    balance: FxHashMap<Address, (bool, bool)>,
}

impl<'a> Scene<'a> {
    /// Looks at a transaction; `logs` are its own, where they are known.
    pub fn new(trace: &'a TxTrace, logs: Option<&[Log]>) -> Self {
        let tree = CallTree::new(trace);
        let movements = Movements::of(&tree, logs);
        let ledger = movements.ledger();
        let called = (0..tree.frames().len())
            .filter(|at| tree.frame(*at).kind != FrameKind::SelfDestruct)
            .filter(|at| !tree.frame(*at).input.is_empty() || tree.subtree(*at).len() > 1)
            .flat_map(|at| [Some(tree.runs_as(at)), tree.frame(at).to])
            .flatten()
            .collect();
        let mut balance: FxHashMap<Address, (bool, bool)> = FxHashMap::default();
        for (of, net) in ledger.all() {
            let (gains, loses) = balance.entry(of).or_default();
            *gains |= !net.gain().is_zero();
            *loses |= !net.loss().is_zero();
        }
        Self { tree, movements, ledger, called, balance }
    }

    /// Who sent the transaction.
    pub fn sender(&self) -> Option<Address> {
        self.tree.frames().first().map(|frame| frame.from)
    }

    /// Whether an address ended with more of something, and with less of something.
    pub fn balance_of(&self, of: Address) -> (bool, bool) {
        self.balance.get(&of).copied().unwrap_or_default()
    }
}

/// The scene from the side of the protected contracts.
#[derive(Debug, Clone)]
pub struct View<'a, 's> {
    /// The transaction.
    pub scene: &'s Scene<'a>,
    /// What is protected: what was asked for, and whoever runs its code in an own name.
    pub protected: FxHashSet<Address>,
    /// Of these, who was not asked for and only runs protected code.
    pub borrowers: Vec<Address>,
    /// The sender's side: the sender, the contract it called unless that is protected, whom that
    /// only forwards to, and what these created on the way.
    pub cluster: FxHashSet<Address>,
    /// Contracts of the cluster that were created in this very transaction, clones left out.
    pub created: Vec<Address>,
    /// Frames by which a protected contract was called from outside, changing state, kept.
    pub entries: Vec<usize>,
}

impl<'a, 's> View<'a, 's> {
    /// Takes the side of some contracts. `None` when the transaction does not touch them.
    pub fn new(scene: &'s Scene<'a>, protected: &FxHashSet<Address>) -> Option<Self> {
        let tree = &scene.tree;
        let first = tree.frames().first()?;
        let mut protected = protected.clone();
        let mut borrowers = Vec::new();
        for (at, frame) in tree.frames().iter().enumerate() {
            // Whoever failed to run it runs nothing protected; and what failed to be created has an
            // address on some nodes and none on others.
            if tree.is_kept(at) && frame.to.is_some_and(|to| protected.contains(&to)) {
                // An implementation is protected where it works: behind its proxy.
                if protected.insert(tree.runs_as(at)) {
                    borrowers.push(tree.runs_as(at));
                }
            }
        }
        let is_touched = tree.frames().iter().enumerate().any(|(at, frame)| {
            protected.contains(&tree.runs_as(at))
                || frame.to.is_some_and(|to| protected.contains(&to))
        }) || protected.iter().any(|of| scene.balance.contains_key(of));
        if !is_touched {
            return None;
        }
        let mut cluster = FxHashSet::default();
        if !protected.contains(&first.from) {
            cluster.insert(first.from);
        }
        cluster.extend(first.to.filter(|to| !protected.contains(to)));
        cluster.extend(forwarded_to(tree, &protected));
        let mut created = Vec::new();
        for at in 0..tree.frames().len() {
            let made = tree.frame(at).to.filter(|_| tree.is_creation(at));
            let Some(made) = made.filter(|made| !protected.contains(made)) else { continue };
            if at == 0 || cluster.contains(&tree.caller(at)) {
                cluster.insert(made);
                // A clone is somebody's known code at a new place, not new code.
                if memchr::memmem::find(&tree.frame(at).input, CLONE).is_none() {
                    created.push(made);
                }
            }
        }
        let entries = (0..tree.frames().len())
            .filter(|&at| {
                tree.is_call(at)
                    && tree.is_kept(at)
                    && protected.contains(&tree.runs_as(at))
                    && !protected.contains(&tree.caller(at))
            })
            .collect();
        Some(Self { scene, protected, borrowers, cluster, created, entries })
    }

    /// The calls.
    pub fn tree(&self) -> &'s CallTree<'a> {
        &self.scene.tree
    }

    /// Whether the frame runs in the name of a protected contract.
    pub fn runs_protected(&self, at: usize) -> bool {
        self.protected.contains(&self.tree().runs_as(at))
    }

    /// Whether the frame runs in the name of the sender's side.
    pub fn runs_cluster(&self, at: usize) -> bool {
        self.cluster.contains(&self.tree().runs_as(at))
    }

    /// The innermost call into the protected contracts around a frame, if the sender's side made
    /// it.
    pub fn asked_by_cluster(&self, at: usize) -> Option<usize> {
        let tree = self.tree();
        let entry = tree.around(at).find(|around| {
            self.runs_protected(*around) && !self.protected.contains(&tree.caller(*around))
        });
        entry.filter(|entry| self.cluster.contains(&tree.caller(*entry)))
    }

    /// Calls by the sender's side itself to protected contracts, with at least a selector.
    pub fn cluster_entries(&self) -> impl Iterator<Item = usize> + '_ {
        self.entries.iter().copied().filter(|&at| {
            self.cluster.contains(&self.tree().caller(at))
                && self.tree().frame(at).selector().is_some()
        })
    }

    /// What the protected contracts as one gave and got.
    pub fn protected_net(&self) -> Vec<(Asset, Net)> {
        self.scene.ledger.group(|of| self.protected.contains(&of))
    }

    /// What the sender's side as one gave and got.
    pub fn cluster_net(&self) -> Vec<(Asset, Net)> {
        self.scene.ledger.group(|of| self.cluster.contains(&of))
    }

    /// Movements that the calls tell, inside these frames.
    pub fn movements_in(&self, frames: std::ops::Range<usize>) -> &'s [Movement] {
        let all = &self.scene.movements.by_calls;
        let from = all.partition_point(|movement| (movement.at as usize) < frames.start);
        let to = all.partition_point(|movement| (movement.at as usize) < frames.end);
        &all[from..to]
    }
}

/// Wrappers around the contract that does the work, at most: a wallet, its module and a forwarder.
const FORWARDERS_MAX: usize = 4;

/// Whom the outermost contract hands everything on to: one call, and nothing else that changes
/// anything.
fn forwarded_to(tree: &CallTree<'_>, protected: &FxHashSet<Address>) -> Vec<Address> {
    let mut found = Vec::new();
    let mut at = 0;
    while found.len() < FORWARDERS_MAX && !protected.contains(&tree.runs_as(at)) {
        let mut changing = tree.children(at).filter(|child| !tree.is_view(*child));
        let (Some(only), None) = (changing.next(), changing.next()) else { break };
        let is_own_code = tree.frame(only).kind == FrameKind::DelegateCall;
        if !is_own_code {
            let handed_on = tree.is_call(only) && tree.subtree(only).len() > 1;
            let to = tree.runs_as(only);
            // Who calls back is asked for a service, such as a loan, and not handed the work.
            let calls_back = tree.subtree(only).skip(1).any(|below| {
                !tree.frame(below).input.is_empty() && tree.runs_as(below) == tree.runs_as(at)
            });
            if !handed_on || calls_back || protected.contains(&to) {
                break;
            }
            found.push(to);
        }
        at = only;
    }
    found
}
