//! Contracts and why they matter to ours, with an exact way back.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, B256, BlockNumber, BlockRange, BlockRef, Name};
use serde::{Deserialize, Serialize};

use super::{Kind, OutsideCall, Reason, calls::counted};

/// Version of the graph's encoding.
pub const GRAPH_VERSION: u32 = 1;

/// Most contracts that a graph holds: a protocol of a hundred contracts relies on some hundred
/// others, and whoever is called by a few thousand is a router for its users.
pub const NODES_MAX: usize = 4_096;

/// Seconds of a day, for calls a day.
const DAY_S: f64 = 86_400.0;

/// An outside contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Steps from ours: 1, or 2 for what a feed or a proxy relies on itself.
    pub depth: u8,
    /// What it is.
    pub kind: Kind,
    /// What it says of itself: a symbol, a description. Untrusted text of the contract.
    pub says: Option<String>,
    /// Digits of its amounts or answers after the point, when it says so.
    pub decimals: Option<u8>,
    /// Hash of its code.
    pub code_hash: Option<B256>,
    /// Whose code runs there, when it is a proxy.
    pub implementation: Option<Address>,
    /// The block in which it was seen first; `None` when it was found by asking.
    pub seen_in: Option<BlockNumber>,
}

/// Why and how much one contract relies on another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Why.
    pub reasons: BTreeSet<Reason>,
    /// Calls that were seen.
    pub calls: u64,
    /// What would be lost with it, in cents of a dollar, as far as that was measured.
    pub exposure_cents: Option<u128>,
}

/// What one block changed, to be taken back when it leaves the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    block: BlockRef,
    nodes: Vec<(Address, Option<Node>)>,
    edges: Vec<((Address, Address), Option<Edge>)>,
    seen: Option<BlockRange>,
    left_out: u64,
}

/// Why a text is no graph, or a step cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// The text is no JSON of a graph.
    #[error("not a graph of dependencies: {0}")]
    Malformed(String),
    /// Written by a version of this program that this one cannot read.
    #[error("the graph of dependencies has version {found}, this program reads {GRAPH_VERSION}")]
    Version {
        /// Version found.
        found: u32,
    },
    /// Blocks are taken back in the order in which they came, newest first.
    #[error("block {undone} cannot be taken back, the newest one is {newest}")]
    Order {
        /// The block to take back.
        undone: BlockNumber,
        /// The newest one.
        newest: BlockNumber,
    },
}

/// Everything that our contracts on one network rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Network.
    pub network: Name,
    ours: BTreeSet<Address>,
    nodes: BTreeMap<Address, Node>,
    edges: BTreeMap<(Address, Address), Edge>,
    /// Blocks whose calls are counted.
    seen: Option<BlockRange>,
    /// Contracts that were left out because there were too many.
    left_out: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    network: Name,
    ours: BTreeSet<Address>,
    from_block: Option<BlockNumber>,
    to_block: Option<BlockNumber>,
    left_out: u64,
    nodes: Vec<WireNode>,
    edges: Vec<WireEdge>,
}

#[derive(Serialize, Deserialize)]
struct WireNode {
    address: Address,
    #[serde(flatten)]
    node: Node,
}

#[derive(Serialize, Deserialize)]
struct WireEdge {
    from: Address,
    to: Address,
    #[serde(flatten)]
    edge: Edge,
}

impl Graph {
    /// A graph of contracts of which nothing is known yet.
    pub fn new(network: Name, ours: impl IntoIterator<Item = Address>) -> Self {
        Self {
            network,
            ours: ours.into_iter().collect(),
            nodes: BTreeMap::new(),
            edges: BTreeMap::new(),
            seen: None,
            left_out: 0,
        }
    }

    /// Contracts that are ours.
    pub fn ours(&self) -> &BTreeSet<Address> {
        &self.ours
    }

    /// Outside contracts, by address.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (Address, &Node)> {
        self.nodes.iter().map(|(address, node)| (*address, node))
    }

    /// An outside contract.
    pub fn node(&self, at: Address) -> Option<&Node> {
        self.nodes.get(&at)
    }

    /// What may be filled in about an outside contract.
    pub fn node_mut(&mut self, at: Address) -> Option<&mut Node> {
        self.nodes.get_mut(&at)
    }

    /// All edges, by who relies on whom.
    pub fn edges(&self) -> impl Iterator<Item = (Address, Address, &Edge)> {
        self.edges.iter().map(|((from, to), edge)| (*from, *to, edge))
    }

    /// Who relies on a contract, and why.
    pub fn dependents(&self, of: Address) -> impl Iterator<Item = (Address, &Edge)> {
        self.edges().filter(move |(_, to, _)| *to == of).map(|(from, _, edge)| (from, edge))
    }

    /// What a contract relies on, and why: everything about one address.
    pub fn dependencies_of(&self, of: Address) -> impl Iterator<Item = (Address, &Node, &Edge)> {
        let range = self.edges.range((of, Address::ZERO)..=(of, Address::repeat_byte(0xff)));
        range.filter_map(|((_, to), edge)| Some((*to, self.nodes.get(to)?, edge)))
    }

    /// Blocks whose calls are counted.
    pub fn seen(&self) -> Option<BlockRange> {
        self.seen
    }

    /// Contracts that were left out because there were more than [`NODES_MAX`].
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Calls a day to a contract, from the blocks that are counted and the seconds that they took.
    pub fn calls_per_day(&self, to: Address, seconds: u64) -> Option<f64> {
        self.seen?;
        let calls: u64 = self.dependents(to).map(|(_, edge)| edge.calls).sum();
        (seconds > 0).then(|| calls as f64 * DAY_S / seconds as f64)
    }

    /// Counts the calls of one block; what it changed can be taken back.
    pub fn observe(&mut self, block: BlockRef, calls: &[OutsideCall]) -> Undo {
        let (seen, left_out) = (self.seen, self.left_out);
        let mut undo = Undo { block, nodes: Vec::new(), edges: Vec::new(), seen, left_out };
        let number = block.number;
        self.seen = Some(match seen {
            None => BlockRange { first: number, last: number },
            Some(range) => BlockRange { first: range.first, last: number.max(range.last) },
        });
        for ((from, to), (count, depth, is_delegate)) in counted(calls) {
            if !self.note(to, depth, Some(number), &mut undo) {
                continue;
            }
            let before = self.edges.get(&(from, to)).cloned();
            undo.edges.push(((from, to), before));
            let edge = self.edges.entry((from, to)).or_default();
            edge.calls += count;
            edge.reasons.insert(if is_delegate { Reason::Delegated } else { Reason::Called });
        }
        undo
    }

    /// Takes the newest block back.
    ///
    /// # Errors
    /// When another block is the newest one; nothing is changed then.
    pub fn undo(&mut self, undo: Undo) -> Result<(), GraphError> {
        let undone = undo.block.number;
        if let Some(newest) = self.seen.map(|range| range.last).filter(|last| *last != undone) {
            return Err(GraphError::Order { undone, newest });
        }
        for (at, before) in undo.edges.into_iter().rev() {
            match before {
                Some(edge) => drop(self.edges.insert(at, edge)),
                None => drop(self.edges.remove(&at)),
            }
        }
        for (at, before) in undo.nodes.into_iter().rev() {
            match before {
                Some(node) => drop(self.nodes.insert(at, node)),
                None => drop(self.nodes.remove(&at)),
            }
        }
        (self.seen, self.left_out) = (undo.seen, undo.left_out);
        Ok(())
    }

    /// Adds a reason that was found by asking. Whatever is ours is no dependency.
    pub fn add(&mut self, from: Address, to: Address, reason: Reason) {
        let is_ours = self.ours.contains(&from);
        let is_known = self.nodes.get(&from).is_some_and(|node| node.depth == 1);
        if self.ours.contains(&to) || !is_ours && !is_known {
            return;
        }
        let block = BlockRef { number: 0, hash: B256::ZERO };
        let (nodes, edges) = (Vec::new(), Vec::new());
        let mut unused = Undo { block, nodes, edges, seen: self.seen, left_out: self.left_out };
        if self.note(to, if is_ours { 1 } else { 2 }, None, &mut unused) {
            self.edges.entry((from, to)).or_default().reasons.insert(reason);
        }
    }

    /// Makes sure that there is a node; says whether there is room for it.
    fn note(&mut self, at: Address, depth: u8, seen: Option<BlockNumber>, undo: &mut Undo) -> bool {
        if self.ours.contains(&at) {
            return false;
        }
        let known = self.nodes.get(&at);
        if known.is_none() && self.nodes.len() >= NODES_MAX {
            self.left_out += 1;
            return false;
        }
        if known
            .is_some_and(|node| node.depth <= depth && (node.seen_in.is_some() || seen.is_none()))
        {
            return true;
        }
        undo.nodes.push((at, known.cloned()));
        let node = self.nodes.entry(at).or_insert(Node {
            depth,
            kind: Kind::Contract,
            says: None,
            decimals: None,
            code_hash: None,
            implementation: None,
            seen_in: seen,
        });
        node.depth = node.depth.min(depth);
        node.seen_in = node.seen_in.or(seen);
        true
    }

    /// Takes out what turned out to be no contract.
    pub fn remove(&mut self, at: Address) {
        self.nodes.remove(&at);
        self.edges.retain(|(from, to), _| *from != at && *to != at);
    }

    /// Once kinds are known: says what reasons come to, and keeps of the second step only what
    /// feeds and proxies rely on. What a token or a pool calls is theirs to watch.
    pub fn settle(&mut self) {
        let nodes = &self.nodes;
        let of_proxy = |edge: &Edge, from: &Node, to: &Address| {
            edge.reasons.contains(&Reason::Delegated) || from.implementation == Some(*to)
        };
        self.edges.retain(|(from, to), edge| match nodes.get(from) {
            None => true,
            Some(node) => node.depth == 1 && (node.kind == Kind::Feed || of_proxy(edge, node, to)),
        });
        let reached: BTreeSet<Address> = self.edges.keys().map(|(_, to)| *to).collect();
        self.nodes.retain(|at, _| reached.contains(at));
        let nodes = &self.nodes;
        self.edges.retain(|(from, _), _| self.ours.contains(from) || nodes.contains_key(from));
        for ((_, to), edge) in &mut self.edges {
            let kind = self.nodes.get(to).map_or(Kind::Contract, |node| node.kind);
            let means: Vec<Reason> =
                edge.reasons.iter().filter_map(|reason| reason.meaning(kind)).collect();
            edge.reasons.extend(means);
        }
    }

    /// What would be lost with a contract, as far as it was measured.
    pub fn weigh(&mut self, from: Address, to: Address, cents: u128) {
        if let Some(edge) = self.edges.get_mut(&(from, to)) {
            edge.exposure_cents = Some(cents);
        }
    }

    /// What would be lost with a contract by all who rely on it, in cents; `None` when nothing was
    /// measured.
    pub fn exposure_cents(&self, of: Address) -> Option<u128> {
        let measured = self.dependents(of).filter_map(|(_, edge)| edge.exposure_cents);
        measured.fold(None, |sum: Option<u128>, cents| {
            Some(sum.unwrap_or_default().saturating_add(cents))
        })
    }

    /// The graph as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let nodes = self
            .nodes
            .iter()
            .map(|(address, node)| WireNode { address: *address, node: node.clone() });
        let edges = self.edges.iter().map(|((from, to), edge)| WireEdge {
            from: *from,
            to: *to,
            edge: edge.clone(),
        });
        let wire = Wire {
            version: GRAPH_VERSION,
            network: self.network.clone(),
            ours: self.ours.clone(),
            from_block: self.seen.map(|range| range.first),
            to_block: self.seen.map(|range| range.last),
            left_out: self.left_out,
            nodes: nodes.collect(),
            edges: edges.collect(),
        };
        serde_json::to_value(wire).expect("addresses, words and numbers always serialise")
    }

    /// A graph that [`Graph::to_json`] wrote.
    ///
    /// # Errors
    /// When it is none, or of another version.
    pub fn from_json(text: &str) -> Result<Self, GraphError> {
        let malformed = |e: serde_json::Error| GraphError::Malformed(e.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        let found = value.get("version").and_then(serde_json::Value::as_u64).unwrap_or_default();
        if found != u64::from(GRAPH_VERSION) {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            return Err(GraphError::Version { found });
        }
        let wire: Wire = serde_json::from_value(value).map_err(malformed)?;
        let seen = wire.from_block.zip(wire.to_block);
        Ok(Self {
            network: wire.network,
            ours: wire.ours,
            nodes: wire.nodes.into_iter().map(|n| (n.address, n.node)).collect(),
            edges: wire.edges.into_iter().map(|e| ((e.from, e.to), e.edge)).collect(),
            seen: seen.map(|(first, last)| BlockRange { first, last }),
            left_out: wire.left_out,
        })
    }
}
