//! From address to address, a step at a time: all that is new in a step is asked about together.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use model::Address;
use registry::{
    proxy::is_delegation,
    recognise::{AUTHORITY_GETTERS, Inquiry, Question, Trait},
};

use super::{
    CONTRACTS_MAX, DEPTH_MAX, Reason, Standing, Survey, Surveyed, holders, node::Node,
    origin::Origin,
};
use crate::{init::Artefacts, terminal::Progress};

/// A survey under way.
pub(super) struct Walk<'a> {
    pub(super) node: &'a Node,
    artefacts: &'a Artefacts,
    pub(super) progress: Progress,
    pub(super) found: BTreeMap<Address, Surveyed>,
    /// The order in which contracts were found.
    order: Vec<Address>,
    pub(super) origins: BTreeMap<Address, Origin>,
    /// Addresses without code.
    pub(super) accounts: BTreeSet<Address>,
    /// Contracts that were followed to their neighbours.
    followed: BTreeSet<Address>,
    /// Accounts whose creations were looked at.
    creators: BTreeSet<Address>,
    pub(super) gaps: Vec<String>,
}

/// Addresses to look at next, with the reasons.
type Step = BTreeMap<Address, Vec<Reason>>;

impl<'a> Walk<'a> {
    pub(super) fn new(node: &'a Node, artefacts: &'a Artefacts, progress: Progress) -> Self {
        Self {
            node,
            artefacts,
            progress,
            found: BTreeMap::new(),
            order: Vec::new(),
            origins: BTreeMap::new(),
            accounts: BTreeSet::new(),
            followed: BTreeSet::new(),
            creators: BTreeSet::new(),
            gaps: Vec::new(),
        }
    }

    pub(super) async fn run(mut self, given: &[Address]) -> anyhow::Result<Survey> {
        let mut step: Step = given.iter().map(|of| (*of, vec![Reason::Given])).collect();
        for depth in 0..=DEPTH_MAX {
            self.look(step, depth).await;
            if depth == 0 {
                self.require(given)?;
            }
            step = self.follow(depth).await;
            if step.is_empty() {
                break;
            }
            if depth == DEPTH_MAX {
                self.gaps.push(format!(
                    "{} more addresses are further than {DEPTH_MAX} steps away and were not looked at",
                    step.len()
                ));
            }
        }
        self.ask_for_members().await;
        self.tell_accounts_from_contracts().await;
        self.progress.clear();
        let mut contracts: Vec<Surveyed> =
            self.order.iter().filter_map(|of| self.found.remove(of)).collect();
        contracts.sort_by_key(|contract| contract.standing != Standing::Ours);
        let Node { chain_id, head, .. } = *self.node;
        self.gaps.dedup();
        Ok(Survey { chain_id, head, contracts, gaps: self.gaps })
    }

    fn require(&self, given: &[Address]) -> anyhow::Result<()> {
        for of in given {
            if self.accounts.contains(of) {
                bail!("there is no contract at {of} on chain {}", self.node.chain_id);
            }
            let Some(contract) = self.found.get(of) else { continue };
            if contract.recognition.code_hash.is_none() {
                bail!("{of}: {}", contract.recognition.unanswered.join("; "));
            }
        }
        Ok(())
    }

    /// Recognises what is new in a step; what is known gets the new reasons.
    async fn look(&mut self, step: Step, depth: usize) {
        let mut new = Vec::new();
        for (of, reasons) in step {
            if let Some(known) = self.found.get_mut(&of) {
                known.standing =
                    reasons.iter().map(Reason::standing).fold(known.standing, Ord::max);
                known.reasons.extend(reasons);
            } else if !self.accounts.contains(&of) {
                new.push((of, reasons));
            }
        }
        // What is ours goes first where there is not room for all.
        new.sort_by_key(|(_, reasons)| {
            reasons.iter().map(Reason::standing).max() != Some(Standing::Ours)
        });
        let room = CONTRACTS_MAX.saturating_sub(self.found.len());
        if new.len() > room {
            self.gaps.push(format!(
                "{} addresses were not looked at: a survey looks at {CONTRACTS_MAX} contracts",
                new.len() - room
            ));
            new.truncate(room);
        }
        let mut inquiries: Vec<Inquiry> = new.iter().map(|(of, _)| Inquiry::new(*of)).collect();
        loop {
            let asked: Vec<Vec<Question>> = inquiries.iter().map(Inquiry::questions).collect();
            let all: Vec<Question> = asked.iter().flatten().cloned().collect();
            if all.is_empty() {
                break;
            }
            self.progress.show(&format!(
                "step {depth}: {} contracts known, looking at {} more, {} questions",
                self.found.len(),
                new.len(),
                all.len()
            ));
            let mut answers = self.node.answers(all).await.into_iter();
            for (inquiry, asked) in inquiries.iter_mut().zip(asked) {
                if !asked.is_empty() {
                    inquiry.learn(answers.by_ref().take(asked.len()));
                }
            }
        }
        let mut contracts = Vec::new();
        for ((of, reasons), mut inquiry) in new.into_iter().zip(inquiries) {
            let code = inquiry.facts().code(of).map(|code| code.bytes().clone());
            if code.as_ref().is_some_and(|code| code.is_empty() || is_delegation(code)) {
                self.accounts.insert(of);
                continue;
            }
            let surveyed = self.surveyed(&mut inquiry, reasons);
            self.gaps.extend(surveyed.recognition.unanswered.iter().cloned());
            self.found.insert(of, surveyed);
            self.order.push(of);
            contracts.push(of);
        }
        self.learn_origins(&contracts).await;
    }

    fn surveyed(&self, inquiry: &mut Inquiry, reasons: Vec<Reason>) -> Surveyed {
        let layers = inquiry.layers();
        let mut named = Vec::new();
        for layer in &layers {
            let code = inquiry.facts().code(*layer).map(|code| code.bytes().clone());
            if let Some(artefact) = code.and_then(|code| self.artefacts.matching(&code)) {
                inquiry.declare(*layer, &artefact.name, artefact.abi());
                named.push(artefact.name.clone());
            }
        }
        let recognition = inquiry.conclude();
        Surveyed {
            address: inquiry.address(),
            standing: reasons.iter().map(Reason::standing).max().unwrap_or(Standing::Dependency),
            reasons,
            abi_known: named.len() == layers.len(),
            // What runs gives the name, not the proxy before it.
            name: named.pop(),
            created_in: None,
            created_by: None,
            holders: holders::from_answers(&recognition),
            recognition,
        }
    }

    async fn learn_origins(&mut self, contracts: &[Address]) {
        if contracts.is_empty() {
            return;
        }
        self.progress.show(&format!("finding where {} contracts come from", contracts.len()));
        // Contracts tell at their creation who may do what, as a rule.
        let mut signs = holders::topics();
        signs.extend(
            [
                "Initialized(uint8)",
                "Initialized(uint64)",
                "Upgraded(address)",
                "SafeSetup(address,address[],uint256,address,address)",
            ]
            .map(alloy_primitives::keccak256),
        );
        let mut origins = self.node.origins(contracts, &signs).await;
        for of in contracts {
            let Some(contract) = self.found.get_mut(of) else { continue };
            match origins.get(of) {
                Some(origin) => {
                    contract.created_in = origin.block;
                    contract.created_by = origin.creator;
                }
                None => self.gaps.push(format!(
                    "{of}: when and by whom it was created is not known; the node keeps no old state"
                )),
            }
        }
        self.origins.append(&mut origins);
    }

    /// What contracts of ours lead to, that were not followed yet.
    async fn follow(&mut self, depth: usize) -> Step {
        let mut step = Step::new();
        self.adopt_those_of_our_creators();
        let ours: Vec<Address> = self
            .found
            .values()
            .filter(|c| c.standing == Standing::Ours && !self.followed.contains(&c.address))
            .map(|c| c.address)
            .collect();
        self.followed.extend(&ours);
        self.learn_events(&ours, depth).await;
        for of in &ours {
            let Some(contract) = self.found.get(of) else { continue };
            for (to, reason) in neighbours(contract) {
                if to != *of {
                    step.entry(to).or_default().push(reason);
                }
            }
        }
        for feed in self.found.values().filter(|c| c.recognition.is(Trait::PriceFeed)) {
            // A feed is as good as what stands behind it.
            if let Some(aggregator) = feed.recognition.getter("aggregator") {
                let reason = Reason::Named { getter: "aggregator".to_owned(), by: feed.address };
                step.entry(aggregator).or_default().push(reason);
            }
        }
        self.add_siblings(&ours, &mut step).await;
        step.retain(|to, reasons| {
            if self.accounts.contains(to) {
                return false;
            }
            match self.found.get(to) {
                Some(known) => {
                    reasons.retain(|reason| !known.reasons.contains(reason));
                    !reasons.is_empty()
                }
                None => true,
            }
        });
        step
    }

    /// What was reached as a dependency and has a creator of ours is ours.
    fn adopt_those_of_our_creators(&mut self) {
        let ours: BTreeSet<Address> = self
            .found
            .values()
            .filter(|c| c.reasons.contains(&Reason::Given))
            .filter_map(|c| c.created_by)
            .collect();
        for contract in self.found.values_mut() {
            if let Some(creator) = contract.created_by.filter(|creator| ours.contains(creator))
                && contract.standing != Standing::Ours
            {
                contract.standing = Standing::Ours;
                contract.reasons.push(Reason::SameCreator(creator));
            }
        }
    }

    /// Everything else that the creators of what was given created.
    async fn add_siblings(&mut self, ours: &[Address], step: &mut Step) {
        let given = ours.iter().filter_map(|of| self.found.get(of));
        let creators: BTreeSet<Address> = given
            .filter(|c| c.reasons.contains(&Reason::Given))
            .filter_map(|c| c.created_by)
            .filter(|creator| !self.creators.contains(creator))
            .collect();
        for creator in creators {
            self.creators.insert(creator);
            self.progress.show(&format!("looking for what else {creator} created"));
            let near: Vec<u64> = self
                .origins
                .values()
                .filter(|origin| origin.creator == Some(creator))
                .filter_map(|origin| origin.nonce)
                .collect();
            let (created, gap) = self.node.created_by(creator, &near).await;
            self.gaps.extend(gap);
            for of in created {
                step.entry(of).or_default().push(Reason::SameCreator(creator));
            }
        }
    }
}

/// Everything that a contract of ours leads to.
fn neighbours(contract: &Surveyed) -> Vec<(Address, Reason)> {
    let of = contract.address;
    let recognition = &contract.recognition;
    let mut all = Vec::new();
    let targets = recognition.proxy.iter().flat_map(|proxy| proxy.kind.targets());
    let targets: BTreeSet<Address> = targets.collect();
    all.extend(targets.iter().map(|target| (*target, Reason::RunsAt(of))));
    for holder in &contract.holders {
        all.push((holder.account, Reason::Holds { role: holder.role.clone(), of }));
    }
    for getter in &recognition.getters {
        let is_authority = AUTHORITY_GETTERS.contains(&getter.name.as_str());
        if !is_authority && !targets.contains(&getter.target) {
            all.push((getter.target, Reason::Named { getter: getter.name.clone(), by: of }));
        }
    }
    let named: BTreeSet<Address> = all.iter().map(|(to, _)| *to).collect();
    let constants = recognition.constants.iter().filter(|constant| !named.contains(*constant));
    all.extend(constants.map(|constant| (*constant, Reason::InCodeOf(of))));
    all
}
