//! From blocks and answers to a graph.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use chain::config::NetworkConfig;
use model::{
    Address, B256, BlockNumber, Bytes, ChainEvent, Name, ReadPlan, ReadRequest, UnixSeconds,
};
use registry::{
    Registry,
    authority::Moment,
    dependencies::{
        Calls, Graph, Kind, Price, Reading, Reason, cents_of, named_by, named_in_words,
    },
    recognise::{AUTHORITY_GETTERS, Answer, Inquiry, Question, Recognition},
};

use crate::{
    authority::Node,
    replay::{Next, Source},
};

/// Slots at the beginning of a contract's storage that are looked at for addresses: compilers put
/// state variables there in order.
const SLOTS_READ: u64 = 32;
/// Contracts that are recognised at a time; each asks some dozen questions a round.
const RECOGNISED_AT_A_TIME: usize = 32;

/// What was found on one network.
#[derive(Debug)]
pub struct Discovered {
    /// Who relies on whom, why, with how much.
    pub graph: Graph,
    /// What each contract is, ours and others.
    pub recognised: BTreeMap<Address, Recognition>,
    /// What tokens cost, as the feeds among the dependencies say, and which feed says it.
    pub prices: BTreeMap<Address, (Address, Price)>,
    /// Tokens that lending pools take, with what stands for a deposit.
    pub receipts: BTreeMap<Address, (Address, Address)>,
    /// Transactions in the blocks that were read.
    pub transactions: u64,
    /// Seconds from the first to the last of them.
    pub seconds: u64,
    /// Who was asked.
    pub endpoint: Name,
    /// The block at which contracts were asked.
    pub at: Moment,
    /// What could not be found out.
    pub unknown: Vec<String>,
}

/// Reads the newest `blocks` blocks of a network and asks every contract that matters.
///
/// # Errors
/// When the network cannot be read; what one contract does not answer is told as unknown.
pub async fn discover(
    network: &NetworkConfig,
    registry: &Registry,
    blocks: u64,
    mut progress: impl FnMut(&str),
) -> anyhow::Result<Discovered> {
    let ours: BTreeMap<Address, &Name> = registry
        .own()
        .filter(|(_, deployment)| deployment.network == network.name)
        .filter(|(_, deployment)| {
            registry.dependencies().at(&network.name, deployment.address).is_none()
        })
        .map(|(_, deployment)| (deployment.address, &deployment.label))
        .collect();
    if ours.is_empty() {
        bail!("no deployment is on {}; what relies on others must be declared first", network.name);
    }
    let node = Node::open(network, None).await?;
    let mut discovery = Discovery {
        found: Discovered {
            graph: Graph::new(network.name.clone(), ours.keys().copied()),
            recognised: BTreeMap::new(),
            prices: BTreeMap::new(),
            receipts: BTreeMap::new(),
            transactions: 0,
            seconds: 0,
            endpoint: node.endpoint.clone(),
            at: node.at,
            unknown: Vec::new(),
        },
        node,
    };
    discovery.read_blocks(network, blocks, &mut progress).await?;
    progress("asking our contracts what they name");
    discovery.ask_ours(&ours).await?;
    progress("recognising what was found");
    discovery.recognise_all(&mut progress).await?;
    progress("weighing what was found");
    discovery.weigh(&ours).await?;
    Ok(discovery.found)
}

struct Discovery {
    node: Node,
    found: Discovered,
}

impl Discovery {
    async fn read_blocks(
        &mut self,
        network: &NetworkConfig,
        blocks: u64,
        progress: &mut impl FnMut(&str),
    ) -> anyhow::Result<()> {
        if blocks == 0 {
            return Ok(());
        }
        let to = self.node.at.block;
        let from = (to + 1).saturating_sub(blocks).max(1);
        let ours = self.found.graph.ours().clone();
        let calls = Calls { ours: &ours };
        let mut times: Option<(UnixSeconds, UnixSeconds)> = None;
        let mut without_traces: Option<BlockNumber> = None;
        let mut incoming = Source::range(network.clone(), from, to).open(ReadPlan::default());
        while let Some(next) = incoming.next().await {
            match next {
                Next::Event(ChainEvent::Committed(bundle)) => {
                    let at = bundle.header.timestamp;
                    times = Some((times.map_or(at, |(first, _)| first), at));
                    self.found.transactions += bundle.transactions.len() as u64;
                    match &bundle.traces {
                        Some(traces) => {
                            let calls: Vec<_> = traces.iter().flat_map(|t| calls.of(t)).collect();
                            self.found.graph.observe(bundle.block_ref(), &calls);
                        }
                        None => without_traces = Some(bundle.header.number),
                    }
                    if bundle.header.number % 16 == 0 {
                        progress(&format!("reading block {} of {to}", bundle.header.number));
                    }
                }
                Next::Event(_) => {}
                Next::Refused { number, reason } => {
                    self.found.unknown.push(format!("block {number} was not read: {reason}"));
                }
                Next::Broken(reason) => bail!("reading blocks {from} to {to}: {reason}"),
            }
        }
        if without_traces.is_some() {
            let text = "the node gave no call traces: only what contracts name was found";
            self.found.unknown.push(text.to_owned());
        }
        self.found.seconds = times.map_or(0, |(first, last)| last.seconds_since(first));
        Ok(())
    }

    async fn ask_ours(&mut self, ours: &BTreeMap<Address, &Name>) -> anyhow::Result<()> {
        let all: Vec<Address> = ours.keys().copied().collect();
        self.recognise(&all).await?;
        let slot = |at: u64| B256::from(alloy_primitives::U256::from(at));
        for of in all {
            if let Some(recognition) = self.found.recognised.get(&of) {
                for (to, reason) in named_by(recognition) {
                    self.found.graph.add(of, to, reason);
                }
            }
            let slots: Vec<ReadRequest> =
                (0..SLOTS_READ).map(|at| ReadRequest::Storage { of, slot: slot(at) }).collect();
            let answers = self.node.answers(&slots).await?;
            let words = answers.into_iter().zip(0..).filter_map(|(answer, at)| {
                let bytes = answer.ok()?;
                let tail = &bytes[bytes.len().saturating_sub(32)..];
                Some((Some(slot(at)), B256::left_padding_from(tail)))
            });
            for (to, reason) in named_in_words(words) {
                self.found.graph.add(of, to, reason);
            }
        }
        Ok(())
    }

    /// What each outside contract is; then, of feeds and proxies, what they rely on themselves.
    async fn recognise_all(&mut self, progress: &mut impl FnMut(&str)) -> anyhow::Result<()> {
        for step in 1..=2 {
            let unknown: Vec<Address> = self
                .found
                .graph
                .nodes()
                .filter(|(at, node)| node.depth == step && !self.found.recognised.contains_key(at))
                .map(|(at, _)| at)
                .collect();
            progress(&format!("recognising {} contracts, step {step}", unknown.len()));
            self.recognise(&unknown).await?;
            self.fill();
            if step == 1 {
                self.follow();
                self.found.graph.settle();
            }
        }
        self.found.graph.settle();
        Ok(())
    }

    /// Writes what is known about contracts into the graph; what is none is taken out.
    fn fill(&mut self) {
        let known: Vec<Address> = self.found.graph.nodes().map(|(at, _)| at).collect();
        for at in known {
            let Some(is) = self.found.recognised.get(&at) else { continue };
            let has_code = is.code_hash.is_some_and(|h| h != alloy_primitives::KECCAK256_EMPTY);
            if !has_code && is.unanswered.is_empty() {
                self.found.graph.remove(at);
                continue;
            }
            let Some(node) = self.found.graph.node_mut(at) else { continue };
            node.kind = Kind::of(is);
            node.says = is.token.as_ref().map(|t| t.symbol.clone()).or(is.description.clone());
            node.decimals = is.token.as_ref().map(|t| t.decimals).or(is.feed_decimals);
            node.code_hash = is.code_hash;
            node.implementation =
                is.proxy.as_ref().and_then(|proxy| proxy.kind.targets().first().copied());
        }
    }

    /// Adds what feeds and proxies name.
    fn follow(&mut self) {
        let first: Vec<(Address, Kind)> =
            self.found.graph.nodes().map(|(at, node)| (at, node.kind)).collect();
        for (at, kind) in first {
            let Some(is) = self.found.recognised.get(&at) else { continue };
            for (to, reason) in named_by(is) {
                let is_source = match &reason {
                    Reason::Delegated => true,
                    Reason::Named(getter) => {
                        kind == Kind::Feed && !AUTHORITY_GETTERS.contains(&getter.as_str())
                    }
                    _ => false,
                };
                if is_source {
                    self.found.graph.add(at, to, reason);
                }
            }
        }
    }

    async fn recognise(&mut self, all: &[Address]) -> anyhow::Result<()> {
        for some in all.chunks(RECOGNISED_AT_A_TIME) {
            let mut inquiries: Vec<Inquiry> = some.iter().map(|of| Inquiry::new(*of)).collect();
            loop {
                let asked: Vec<Vec<Question>> = inquiries.iter().map(Inquiry::questions).collect();
                if asked.iter().all(Vec::is_empty) {
                    break;
                }
                for (inquiry, asked) in inquiries.iter_mut().zip(asked) {
                    let answers = self.answers(&asked).await?;
                    if !asked.is_empty() {
                        inquiry.learn(asked.into_iter().zip(answers));
                    }
                }
            }
            for (of, inquiry) in some.iter().zip(inquiries) {
                let recognition = inquiry.conclude();
                let unanswered = recognition.unanswered.iter().cloned();
                self.found.unknown.extend(unanswered);
                self.found.recognised.insert(*of, recognition);
            }
        }
        Ok(())
    }

    async fn answers(&self, asked: &[Question]) -> anyhow::Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(asked.len());
        let mut reads: Vec<(usize, ReadRequest)> = Vec::new();
        for (at, question) in asked.iter().enumerate() {
            answers.push(match question {
                Question::Code(of) => Answer::Bytes(self.node.code(*of).await?),
                Question::Storage { of, slot } => {
                    reads.push((at, ReadRequest::Storage { of: *of, slot: *slot }));
                    Answer::Reverted
                }
                Question::Call { to, input } => {
                    reads.push((at, ReadRequest::Call { to: *to, input: input.clone() }));
                    Answer::Reverted
                }
            });
        }
        let requests: Vec<ReadRequest> = reads.iter().map(|(_, request)| request.clone()).collect();
        let read = self.node.answers(&requests).await?;
        for ((at, request), answer) in reads.into_iter().zip(read) {
            answers[at] = match (request, answer) {
                (_, Err(_)) => Answer::Reverted,
                (ReadRequest::Storage { .. }, Ok(bytes)) => {
                    let tail = &bytes[bytes.len().saturating_sub(32)..];
                    Answer::Word(B256::left_padding_from(tail))
                }
                (_, Ok(bytes)) => Answer::Bytes(bytes),
            };
        }
        Ok(answers)
    }

    /// What ours hold of tokens and lent to pools, in dollars where a feed prices it.
    async fn weigh(&mut self, ours: &BTreeMap<Address, &Name>) -> anyhow::Result<()> {
        let of_kind = |graph: &Graph, kind: Kind| -> Vec<Address> {
            graph.nodes().filter(|(_, node)| node.kind == kind).map(|(at, _)| at).collect()
        };
        let graph = &self.found.graph;
        let (tokens, feeds, pools) = (
            of_kind(graph, Kind::Token),
            of_kind(graph, Kind::Feed),
            of_kind(graph, Kind::Lending),
        );
        for feed in feeds {
            self.price(feed, &tokens).await?;
        }
        for pool in pools {
            self.receipt(pool, &tokens).await?;
        }
        let lent =
            self.found.receipts.iter().map(|(pool, (token, receipt))| (*pool, *token, *receipt));
        let held = tokens.iter().map(|token| (*token, *token, *token));
        let amounts: Vec<(Address, Address, Address)> = held.chain(lent).collect();
        for (of, token, in_units_of) in amounts {
            let readings: Vec<Reading> = ours
                .keys()
                .map(|holder| Reading::Held { token: in_units_of, holder: *holder })
                .collect();
            let requests: Vec<ReadRequest> = readings.iter().map(Reading::request).collect();
            let answers = self.node.answers(&requests).await?;
            for ((reading, answer), holder) in readings.iter().zip(answers).zip(ours.keys()) {
                let amount = answer.ok().and_then(|answer| reading.value(&answer));
                let Some(amount) = amount.filter(|amount| !amount.is_zero()) else { continue };
                self.found.graph.add(*holder, of, Reason::Holds);
                let decimals = self.found.graph.node(token).and_then(|node| node.decimals);
                let price = self.found.prices.get(&token).map(|(_, price)| *price);
                if let Some((decimals, price)) = decimals.zip(price) {
                    let cents = cents_of(amount, decimals, price);
                    self.found.graph.weigh(*holder, of, cents.saturating_to());
                }
            }
        }
        Ok(())
    }

    /// A feed prices the token whose symbol its description begins with.
    async fn price(&mut self, feed: Address, tokens: &[Address]) -> anyhow::Result<()> {
        let graph = &self.found.graph;
        let Some(node) = graph.node(feed) else { return Ok(()) };
        let (Some(says), Some(decimals)) = (&node.says, node.decimals) else { return Ok(()) };
        let Some((base, "USD")) = says.split_once('/').map(|(a, b)| (a.trim(), b.trim())) else {
            return Ok(());
        };
        let is_priced = |token: &&Address| {
            let symbol = graph.node(**token).and_then(|node| node.says.as_deref());
            symbol.is_some_and(|symbol| symbol.eq_ignore_ascii_case(base))
        };
        let Some(token) = tokens.iter().find(is_priced).copied() else { return Ok(()) };
        let reading = Reading::Price { feed, decimals };
        let answers = self.node.answers(&[reading.request()]).await?;
        let answer = answers.into_iter().next().context("one question has one answer")?;
        match answer.ok().and_then(|answer| reading.value(&answer)) {
            Some(price) => drop(self.found.prices.insert(token, (feed, Price(price)))),
            None => self.found.unknown.push(format!("{feed} gives no price of {token}")),
        }
        Ok(())
    }

    /// Which token an Aave-like pool takes, and what stands for a deposit: the ninth word of its
    /// reserve's data in the third version, the eighth in the second.
    async fn receipt(&mut self, pool: Address, tokens: &[Address]) -> anyhow::Result<()> {
        let selector = &alloy_primitives::keccak256("getReserveData(address)")[..4];
        for token in tokens {
            let input: Bytes = [selector, token.into_word().as_slice()].concat().into();
            let answers = self.node.answers(&[ReadRequest::Call { to: pool, input }]).await?;
            let Some(Ok(data)) = answers.into_iter().next() else { continue };
            let word = |at: usize| {
                let word = data.get(at * 32..(at + 1) * 32).map(B256::from_slice)?;
                named_in_words([(None, word)]).first().map(|(of, _)| *of)
            };
            if let Some(receipt) = word(8).or_else(|| word(7)) {
                self.found.receipts.insert(pool, (*token, receipt));
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Discovered {
    /// Everything that was found, without what is only a part of another.
    pub fn first_step(&self) -> BTreeSet<Address> {
        self.graph.nodes().filter(|(_, node)| node.depth == 1).map(|(at, _)| at).collect()
    }
}
