//! One transaction seen from the contracts that are to be protected: who is on the sender's side,
//! and where the protected contracts were entered.

use std::{cell::OnceCell, rc::Rc};

use alloy_primitives::Address;
use model::{FrameKind, Log, PathSalt, TxTrace};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    assets::{Asset, Ledger, Movement, Movements, Net},
    path::Path,
    signals::{Found, observe},
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
    /// Every address that a frame or a movement names.
    pub parties: FxHashSet<Address>,
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
        let mut parties = FxHashSet::default();
        for (at, frame) in tree.frames().iter().enumerate() {
            parties.extend([frame.from, tree.runs_as(at)]);
            parties.extend(frame.to);
        }
        for movement in movements.by_calls.iter().chain(movements.by_logs.iter().flatten()) {
            parties.extend([movement.from, movement.to]);
            if let Asset::Token(token) = movement.asset {
                parties.insert(token);
            }
        }
        let mut balance: FxHashMap<Address, (bool, bool)> = FxHashMap::default();
        for (of, net) in ledger.all() {
            let (gains, loses) = balance.entry(of).or_default();
            *gains |= !net.gain().is_zero();
            *loses |= !net.loss().is_zero();
        }
        Self { tree, movements, ledger, called, parties, balance }
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

/// The scene from the side of the protected contracts: what [`Side`] says, with the scene at hand.
#[derive(Debug, Clone)]
pub struct View<'a, 's> {
    /// The transaction.
    pub scene: &'s Scene<'a>,
    side: Rc<Side>,
}

/// What a transaction is to the protected contracts. Worked out once for all who protect the same.
#[derive(Debug)]
pub struct Side {
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
    /// What fingerprints of paths are made with.
    pub salt: PathSalt,
    around: Vec<Around>,
    found: OnceCell<Vec<Found>>,
    path: OnceCell<Option<Path>>,
}

/// What lies around a frame, so that nobody walks up a nest from each of its frames.
#[derive(Debug, Clone, Copy, Default)]
struct Around {
    /// Whether it runs itself in the name of a protected contract, and of the sender's side.
    is_protected: bool,
    is_cluster: bool,
    /// Whether a frame around it runs protected, and one that may change something.
    in_protected: bool,
    in_change: bool,
    /// The innermost frame around it by which protected contracts were called from outside.
    entry: Option<u32>,
    /// What is open for a frame directly below: through outsiders, and whichever they are.
    left_open: Option<LeftOpen>,
    beyond: Option<(u32, bool)>,
}

/// A protected call that is open, seen from a frame inside it with outsiders between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeftOpen {
    /// The protected frame.
    pub(crate) outer: usize,
    /// The innermost frame between that is not protected.
    pub(crate) through: usize,
    /// Whether a frame between runs in the name of the sender's side.
    pub(crate) by_cluster: bool,
}

impl std::ops::Deref for View<'_, '_> {
    type Target = Side;

    fn deref(&self) -> &Side {
        &self.side
    }
}

impl Side {
    /// Works it out. `None` when the transaction does not touch the contracts.
    pub(crate) fn of(
        scene: &Scene<'_>,
        protected: &FxHashSet<Address>,
        salt: &PathSalt,
    ) -> Option<Self> {
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
        let around = surroundings(tree, &protected, &cluster);
        let entries = (0..tree.frames().len())
            .filter(|&at| {
                let by_protected = match tree.parent(at) {
                    Some(parent) => around[parent].is_protected,
                    None => protected.contains(&tree.caller(at)),
                };
                around[at].is_protected && !by_protected && tree.is_call(at) && tree.is_kept(at)
            })
            .collect();
        let (found, path) = (OnceCell::new(), OnceCell::new());
        let salt = salt.clone();
        Some(Self { protected, borrowers, cluster, created, entries, salt, around, found, path })
    }
}

/// One pass from the outermost frame in.
fn surroundings(
    tree: &CallTree<'_>,
    protected: &FxHashSet<Address>,
    cluster: &FxHashSet<Address>,
) -> Vec<Around> {
    let mut all: Vec<Around> = Vec::with_capacity(tree.frames().len());
    for at in 0..tree.frames().len() {
        let runs_as = tree.runs_as(at);
        let (is_protected, is_cluster) = (protected.contains(&runs_as), cluster.contains(&runs_as));
        let parent = tree.parent(at);
        let outer = parent.map(|parent| all[parent]).unwrap_or_default();
        let mut here = Around { is_protected, is_cluster, ..Around::default() };
        if let Some(parent) = parent {
            let is_entry = outer.is_protected
                && match tree.parent(parent) {
                    Some(caller) => !all[caller].is_protected,
                    None => !protected.contains(&tree.caller(parent)),
                };
            here.in_protected = outer.in_protected || outer.is_protected;
            here.in_change = outer.in_change || outer.is_protected && !tree.is_view(parent);
            here.entry = if is_entry { Some(parent as u32) } else { outer.entry };
        }
        (here.left_open, here.beyond) = match is_protected {
            // What only looks leaves nothing open.
            true if tree.is_view(at) => (None, None),
            true => (outer.left_open, Some((at as u32, false))),
            false => {
                let beyond = outer.beyond.map(|(open, others)| (open, others || is_cluster));
                let open = |(outer, by_cluster): (u32, bool)| LeftOpen {
                    outer: outer as usize,
                    through: at,
                    by_cluster,
                };
                (beyond.map(open), beyond)
            }
        };
        all.push(here);
    }
    all
}

impl<'a, 's> View<'a, 's> {
    /// Takes the side of some contracts, with paths under no salt. `None` when the transaction does
    /// not touch them.
    pub fn new(scene: &'s Scene<'a>, protected: &FxHashSet<Address>) -> Option<Self> {
        Self::salted(scene, protected, &PathSalt::default())
    }

    /// The same, with paths under a salt.
    pub fn salted(
        scene: &'s Scene<'a>,
        protected: &FxHashSet<Address>,
        salt: &PathSalt,
    ) -> Option<Self> {
        Some(Self { scene, side: Rc::new(Side::of(scene, protected, salt)?) })
    }

    /// Takes a side that was worked out before, of the same scene.
    pub(crate) fn from_side(scene: &'s Scene<'a>, side: Rc<Side>) -> Self {
        Self { scene, side }
    }

    /// Every shape of the transaction, as [`super::observe`] finds them; looked for once.
    pub fn found(&self) -> &[Found] {
        self.side.found.get_or_init(|| observe(self))
    }

    /// The path through the protected contracts; worked out once.
    pub fn path(&self) -> Option<&Path> {
        self.side.path.get_or_init(|| Path::of(self)).as_ref()
    }

    /// The calls.
    pub fn tree(&self) -> &'s CallTree<'a> {
        &self.scene.tree
    }

    /// Whether the frame runs in the name of a protected contract.
    pub fn runs_protected(&self, at: usize) -> bool {
        self.around[at].is_protected
    }

    /// Whether the frame runs in the name of the sender's side.
    pub fn runs_cluster(&self, at: usize) -> bool {
        self.around[at].is_cluster
    }

    /// Whether the frame was called in the name of a protected contract.
    pub fn called_by_protected(&self, at: usize) -> bool {
        match self.tree().parent(at) {
            Some(parent) => self.runs_protected(parent),
            None => self.protected.contains(&self.tree().caller(at)),
        }
    }

    /// Whether the frame was called in the name of the sender's side.
    pub fn called_by_cluster(&self, at: usize) -> bool {
        match self.tree().parent(at) {
            Some(parent) => self.runs_cluster(parent),
            None => self.cluster.contains(&self.tree().caller(at)),
        }
    }

    /// Whether a frame around it runs in the name of a protected contract.
    pub fn is_inside_protected(&self, at: usize) -> bool {
        self.around[at].in_protected
    }

    /// Whether a frame around it runs in the name of a protected contract and may change something.
    pub fn is_inside_change(&self, at: usize) -> bool {
        self.around[at].in_change
    }

    /// The protected call that is open around a frame, with somebody else between.
    pub(crate) fn left_open(&self, at: usize) -> Option<LeftOpen> {
        self.around[self.tree().parent(at)?].left_open
    }

    /// The innermost call into the protected contracts around a frame, if the sender's side made
    /// it.
    pub fn asked_by_cluster(&self, at: usize) -> Option<usize> {
        let entry = self.around[at].entry? as usize;
        self.called_by_cluster(entry).then_some(entry)
    }

    /// Whether a protected contract was called from outside by one of these frames.
    pub fn has_entry_in(&self, frames: &std::ops::Range<usize>) -> bool {
        let next = self.entries.partition_point(|at| *at < frames.start);
        self.entries.get(next).is_some_and(|at| *at < frames.end)
    }

    /// Calls by the sender's side itself to protected contracts, with at least a selector.
    pub fn cluster_entries(&self) -> impl Iterator<Item = usize> + '_ {
        self.entries
            .iter()
            .copied()
            .filter(|&at| self.called_by_cluster(at) && self.tree().frame(at).selector().is_some())
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

#[cfg(test)]
mod tests {
    use model::FrameKind;
    use proptest::prelude::*;

    use super::*;
    use crate::trace::tree::tests::push;

    /// What is open around a frame, by walking outwards.
    fn walked(view: &View<'_, '_>, at: usize) -> Option<LeftOpen> {
        let tree = view.tree();
        let (mut through, mut by_cluster) = (None, false);
        for outer in tree.around(at) {
            let is_own = view.runs_protected(outer);
            match through {
                _ if is_own && tree.is_view(outer) => return None,
                None if !is_own => through = Some(outer),
                Some(through) if is_own => return Some(LeftOpen { outer, through, by_cluster }),
                _ => {}
            }
            by_cluster |= !is_own && view.runs_cluster(outer);
        }
        None
    }

    proptest! {
        #[test]
        fn what_lies_around_a_frame_is_what_walking_outwards_finds(
            frames in proptest::collection::vec((0u32..8, 0u8..3, 1u8..7), 1..60),
        ) {
            let mut trace = TxTrace::default();
            push(&mut trace, None, FrameKind::Call, (1, 2), vec![1; 4]);
            for (back, kind, to) in frames {
                // Below one of the last frames and those around it, as pre-order has it.
                let mut parent = trace.frames.len() as u32 - 1;
                for _ in 0..back {
                    parent = trace.frames[parent as usize].parent.unwrap_or(parent);
                }
                let kinds = [FrameKind::Call, FrameKind::StaticCall, FrameKind::DelegateCall];
                push(&mut trace, Some(parent), kinds[kind as usize], (2, to), vec![1; 4]);
            }
            let scene = Scene::new(&trace, None);
            let protected = [3, 4].map(Address::repeat_byte).into_iter().collect();
            let Some(view) = View::new(&scene, &protected) else { return Ok(()) };
            let tree = view.tree();
            for at in 0..trace.frames.len() {
                prop_assert_eq!(view.left_open(at), walked(&view, at));
                let inside = |view: &View<'_, '_>| tree.around(at).any(|f| view.runs_protected(f));
                prop_assert_eq!(view.is_inside_protected(at), inside(&view));
                let changes = |f: usize| view.runs_protected(f) && !tree.is_view(f);
                prop_assert_eq!(view.is_inside_change(at), tree.around(at).any(changes));
                let is_entry = |f: &usize| view.runs_protected(*f) && !view.called_by_protected(*f);
                let entry = tree.around(at).find(is_entry);
                prop_assert_eq!(view.around[at].entry.map(|at| at as usize), entry);
            }
        }
    }
}
