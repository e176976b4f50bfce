//! A contract that mentions ours and looks made to attack. The page is `attack_contract_created.md`.

use std::collections::BTreeSet;

use alloy_json_abi::StateMutability;
use model::{Address, BlindReason, Confidence, FactValue, Level, Measure, Severity};
use registry::{Category, SeenCode};

use super::{code::Traits, funding::funding, weights::contributions};
use crate::{
    chronicle::Creation,
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, deployment::maker::maker,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "reputation/attack_contract_created",
    version: 1,
    needs: Level::Traces,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "score_min",
            kind: ParamKind::Number { default: 0.5, min: 0.01, max: 0.999 },
            doc: "least score that is told, of 0 to 1",
        },
        ParamSpec {
            name: "deployers",
            kind: ParamKind::Categories { default: &["deployer"] },
            doc: "categories of labels whose accounts deploy for you",
        },
    ],
    page: include_str!("attack_contract_created.md"),
};

/// What mentioning functions of ours that move something adds to the log-odds, what mentioning
/// nothing but our dependencies takes away (half of the chain mentions a well-known token), and what
/// an account without a past adds. Judgement, not fitted: no public set of contracts says whom each
/// was made for.
const CALLS_OUR_FUNCTIONS: f64 = 1.0;
const ONLY_DEPENDENCIES: f64 = -1.5;
const FEW_TRANSACTIONS: f64 = 0.5;

/// An account with fewer transactions than this has no past to speak of.
const FEW_NONCE: u64 = 5;

/// See the page.
#[derive(Debug)]
pub struct AttackContractCreated;

impl Detector for AttackContractCreated {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            score_min: settings.number("score_min"),
            deployers: settings.categories("deployers").to_vec(),
            dependencies: site.dependencies(),
            site,
        })
    }
}

struct Configured {
    site: Site,
    score_min: f64,
    deployers: Vec<Category>,
    /// Ascending.
    dependencies: Vec<u32>,
}

/// What of ours a contract mentions.
#[derive(Default)]
struct Mentions {
    ours: BTreeSet<u32>,
    dependencies: BTreeSet<u32>,
    /// Names of our functions that it calls and that are no views.
    functions: BTreeSet<String>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, origins: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for creation in &block.news.creations {
            let is_ours = block.guarded(&creation.address).is_some()
                || maker(block, creation, &self.deployers).is_some();
            if is_ours {
                continue;
            }
            match creation.code(block.bundle) {
                SeenCode::Whole(code) => self.contract(block, creation, code, memory, report),
                _ => {
                    let reason = format!("code of {}", creation.address);
                    report.blind(BlindReason::ReadMissing(reason));
                }
            }
        }
    }
}

impl Configured {
    fn contract(
        &self,
        block: &Block<'_>,
        creation: &Creation,
        code: &[u8],
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let mut mentions = self.mentions(block, creation, code);
        if mentions.ours.is_empty() && mentions.dependencies.is_empty() {
            return;
        }
        let traits = Traits::of(code);
        for &index in &mentions.ours {
            let abi = &block.deployment(index).abi;
            let known = traits.foreign.iter().filter_map(|one| abi.function_by_selector(*one));
            let moving = known.filter(|function| {
                !matches!(function.mutability, StateMutability::View | StateMutability::Pure)
            });
            mentions.functions.extend(moving.map(|function| function.name.clone()));
        }
        let sender = block.tx(creation.tx).from;
        let funding = funding(block, memory, sender);
        let mut parts = contributions(&traits);
        let mut add = |name: &'static str, is_so: bool, worth: f64| {
            if is_so {
                parts.push((name, worth));
            }
        };
        add("calls functions of yours", !mentions.functions.is_empty(), CALLS_OUR_FUNCTIONS);
        add("mentions nothing but dependencies", mentions.ours.is_empty(), ONLY_DEPENDENCIES);
        add(
            "few transactions of its sender",
            block.tx(creation.tx).nonce < FEW_NONCE,
            FEW_TRANSACTIONS,
        );
        add("where its sender's money comes from", funding.llr() != 0.0, funding.llr());
        let log_odds: f64 = parts.iter().map(|(_, worth)| worth).sum();
        let score = 1.0 / (1.0 + libm::exp(-log_odds));
        if score < self.score_min {
            return;
        }
        let of_all = mentions.ours.iter().chain(&mentions.dependencies);
        let Some(first) = of_all.clone().next().map(|index| block.deployment(*index)) else {
            return;
        };
        let title = format!(
            "{} created {}, which mentions {} and looks made for an attack",
            block.name_of(sender),
            creation.address,
            first.label
        );
        let mut claim = Claim::about_frame(block, creation.tx, creation.frame, title)
            .about(block, first.address)
            .severity(self.site.severity)
            .confidence(Confidence::Heuristic)
            .measure(Measure {
                name: "score".to_owned(),
                unit: String::new(),
                value: score,
                threshold: self.score_min,
                history: None,
            })
            .fact("created contract", FactValue::Address { address: creation.address, label: None })
            .fact("transaction sender", block.address_fact(sender))
            .fact("log-likelihood ratio", number(log_odds.clamp(-3.0, 7.0), "nat"));
        for index in of_all {
            let address = block.deployment(*index).address;
            claim = claim.fact("mentions", block.address_fact(address));
        }
        for name in &mentions.functions {
            claim = claim.fact("calls", FactValue::Text(name.clone()));
        }
        claim = funding.facts(block, claim);
        for (name, worth) in parts {
            claim = claim.fact(format!("adds: {name}"), number(worth, "nat"));
        }
        report.claim(claim);
    }

    /// Ours and our dependencies whose addresses stand anywhere in the code, in the code and
    /// arguments that made it, or that it called while it was made.
    fn mentions(&self, block: &Block<'_>, creation: &Creation, code: &[u8]) -> Mentions {
        let mut mentions = Mentions::default();
        let mut look = |address: &Address| {
            let Some((index, _)) = block.guarded(address) else { return };
            if self.dependencies.binary_search(&index).is_ok() {
                mentions.dependencies.insert(index);
            } else if block.is_guarded_by(&self.site, index) {
                mentions.ours.insert(index);
            }
        };
        let frames = block.trace(creation.tx).map_or(&[][..], |trace| &trace.frames);
        let made_by = frames.get(creation.frame as usize).map_or(&[][..], |frame| &frame.input);
        for bytes in [code, made_by] {
            addresses_in(bytes).for_each(|address| look(&address));
        }
        for frame in frames.iter().filter(|frame| frame.from == creation.address) {
            frame.to.iter().for_each(&mut look);
        }
        mentions
    }
}

/// Every twenty bytes that may be an address: those that begin with four zeros are numbers.
fn addresses_in(bytes: &[u8]) -> impl Iterator<Item = Address> {
    bytes.windows(20).filter(|bytes| bytes[..4] != [0; 4]).map(Address::from_slice)
}

fn number(value: f64, unit: &str) -> FactValue {
    FactValue::Number { value, unit: unit.to_owned() }
}
