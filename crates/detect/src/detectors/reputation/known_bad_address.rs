//! An address from a list. The page is `known_bad_address.md`.

use std::collections::BTreeMap;

use model::{Address, Confidence, FactValue, FrameKind, Level, Severity};
use registry::{Category, Label, SeenCode};
use rustc_hash::FxHashMap;

use super::{
    code::instructions,
    kin::{Kin, kin},
};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, block::Transfer, milder,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "reputation/known_bad_address",
    version: 2,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "categories",
            kind: ParamKind::Categories {
                default: &["exploiter", "mixer", "sanctioned", "phishing", "scam"],
            },
            doc: "labels that are told; the user's own sets may be named too",
        },
        ParamSpec {
            name: "confidence_percent_min",
            kind: ParamKind::Integer { default: 50, min: 0, max: 100 },
            doc: "labels that are believed less, by their source or for their age, are left out",
        },
        ParamSpec {
            name: "follows_origins",
            kind: ParamKind::Flag { default: true },
            doc: "whether accounts are told that a listed one funded or created, or whose code is that of a listed contract",
        },
    ],
    page: include_str!("known_bad_address.md"),
};

/// Words of calldata and of log data that are looked up per transaction: 64 KiB, more than the
/// largest ordinary call; beyond it only senders, targets, frames and topics are.
const WORDS_MAX: usize = 2_048;

/// Accounts of one transaction whose origin is looked up: its sender, its target, and whoever called
/// a guarded contract. An ordinary transaction has fewer than ten; only one that was built to have
/// more reaches this, and the first of them are the ones nearest to its sender.
const STRANGERS_MAX: usize = 64;

/// See the page.
#[derive(Debug)]
pub struct KnownBadAddress;

impl Detector for KnownBadAddress {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            categories: settings.categories("categories").to_vec(),
            confidence_percent_min: settings.integer("confidence_percent_min"),
            follows_origins: settings.flag("follows_origins"),
            site,
        })
    }
}

struct Configured {
    site: Site,
    categories: Vec<Category>,
    confidence_percent_min: u64,
    follows_origins: bool,
}

/// How an address takes part, closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Sender,
    Target,
    Frame,
    LogArgument,
    CallArgument,
    /// Written into the code of a contract that the transaction created.
    CreatedCode,
    /// Only gave tokens to a guarded contract, which nobody can refuse.
    InboundTransfer,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "sender of the transaction",
            Self::Target => "target of the transaction",
            Self::Frame => "caller or callee inside the transaction",
            Self::LogArgument => "argument of an event",
            Self::CallArgument => "argument of the call",
            Self::CreatedCode => "written into the code of a created contract",
            Self::InboundTransfer => "sender of tokens to a guarded contract",
        }
    }
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, origins: self.follows_origins, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        if block.registry.labels().is_empty() {
            return;
        }
        // The same few addresses recur all over a block.
        let mut labelled = FxHashMap::default();
        for touched in touches.chunk_by(|a, b| a.tx == b.tx) {
            let tx = touched[0].tx;
            for (address, part) in self.collect(block, tx, &mut labelled) {
                if let Some(label) = self.worst_label(block, address) {
                    let listed = Listed { address, part, label, kin: None };
                    self.tell(block, touched, &listed, report);
                }
            }
            if self.follows_origins {
                self.judge_strangers(block, touched, memory, report);
            }
        }
    }
}

/// An address with what makes it tellable.
struct Listed<'b> {
    address: Address,
    part: Part,
    label: Label<'b>,
    /// Through whom, when the label is not its own.
    kin: Option<Kin<'b>>,
}

impl Configured {
    /// Labelled addresses of a transaction, each in its closest part. `labelled` keeps which
    /// addresses of the block are.
    fn collect(
        &self,
        block: &Block<'_>,
        at: u32,
        labelled: &mut FxHashMap<Address, bool>,
    ) -> BTreeMap<Address, Part> {
        let tx = block.tx(at);
        let mut parts = BTreeMap::new();
        let mut add = |address: Address, part: Part| {
            let is_labelled = labelled
                .entry(address)
                .or_insert_with(|| self.worst_label(block, address).is_some());
            if *is_labelled {
                parts.entry(address).and_modify(|p| *p = part.min(*p)).or_insert(part);
            }
        };
        add(tx.from, Part::Sender);
        tx.to.into_iter().chain(tx.created).for_each(|address| add(address, Part::Target));
        for frame in block.trace(at).into_iter().flat_map(|trace| &trace.frames) {
            let is_static = frame.kind == FrameKind::StaticCall;
            if !is_static {
                add(frame.from, Part::Frame);
            }
            frame.to.into_iter().for_each(|to| add(to, Part::Frame));
        }
        let mut words_left = WORDS_MAX;
        for log in &tx.logs {
            if let Some(transfer) = Transfer::of(log)
                && block.guarded(&transfer.to).is_some()
            {
                add(transfer.from, Part::InboundTransfer);
                continue;
            }
            let data = log.data.chunks_exact(32).take(words_left);
            words_left -= data.len();
            let topics = log.topics.iter().skip(1).map(|topic| topic.as_slice());
            topics.chain(data).filter_map(address_in).for_each(|a| add(a, Part::LogArgument));
        }
        for creation in block.news.creations.iter().filter(|creation| creation.tx == at) {
            if let SeenCode::Whole(code) = creation.code(block.bundle) {
                let inside = instructions(code).filter_map(|one| one.address());
                inside.for_each(|address| add(address, Part::CreatedCode));
            }
        }
        let arguments = tx.input.get(4..).unwrap_or_default().chunks_exact(32).take(words_left);
        arguments.filter_map(address_in).for_each(|a| add(a, Part::CallArgument));
        parts
    }

    fn worst_label<'b>(&self, block: &'b Block<'_>, address: Address) -> Option<Label<'b>> {
        let mut worst: Option<Label<'b>> = None;
        for label in block.registry.labels().of(block.network(), address) {
            if *label.category == Category::Benign {
                return None;
            }
            let is_told = self.categories.contains(label.category)
                && u64::from(label.confidence_percent_at(block.at)) >= self.confidence_percent_min;
            if is_told && worst.is_none_or(|w| rank(label.category) < rank(w.category)) {
                worst = Some(label);
            }
        }
        worst
    }

    /// Those of a transaction who act and are on no list, but come from somebody who is. Arguments
    /// are left out: whom somebody names says less than who acts.
    fn judge_strangers(
        &self,
        block: &Block<'_>,
        touched: &[Touch],
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let at = touched[0].tx;
        let tx = block.tx(at);
        let mut seen = vec![(tx.from, Part::Sender)];
        let frames = block.trace(at).into_iter().flat_map(|trace| &trace.frames);
        let callers = frames.filter(|f| f.to.is_some_and(|to| block.guarded(&to).is_some()));
        let others = tx.to.into_iter().chain(tx.created).map(|address| (address, Part::Target));
        for one in others.chain(callers.map(|frame| (frame.from, Part::Frame))) {
            if seen.len() < STRANGERS_MAX && seen.iter().all(|(known, _)| *known != one.0) {
                seen.push(one);
            }
        }
        for (address, part) in seen {
            let labels = block.registry.labels();
            let is_known = block.guarded(&address).is_some()
                || labels.of(block.network(), address).next().is_some();
            if is_known {
                continue;
            }
            let told = |address| self.worst_label(block, address);
            let Some(kin) = kin(block, memory, address, &told) else { continue };
            if u64::from(kin.confidence_percent) >= self.confidence_percent_min {
                let listed = Listed { address, part, label: kin.label, kin: Some(kin) };
                self.tell(block, touched, &listed, report);
            }
        }
    }

    fn tell(
        &self,
        block: &Block<'_>,
        touched: &[Touch],
        listed: &Listed<'_>,
        report: &mut Report<'_>,
    ) {
        let Listed { address, part, label, kin } = listed;
        let tx = touched[0].tx;
        let guarded = block.deployment(touched[0].deployment);
        let is_late = label.is_later_than(block.at);
        let of_category = match label.category {
            Category::Exploiter | Category::Phishing | Category::Scam | Category::Set(_) => {
                self.site.severity
            }
            // Whom the law forbids to deal with is for compliance to look at, by day.
            Category::Sanctioned => milder(self.site.severity, 1).min(Severity::Medium),
            _ => milder(self.site.severity, 1),
        };
        let severity = match (part, kin) {
            // Nobody is woken for what is past.
            _ if is_late => Severity::Info,
            (Part::InboundTransfer, _) => Severity::Info,
            (_, Some(kin)) => milder(of_category, kin.ties.len()),
            (_, None) => of_category,
        };
        let shown = |address: Address| match block.registry.label(block.network(), address) {
            Some(name) if name != label.category.as_str() => name.to_owned(),
            _ => address.to_string(),
        };
        let who = match kin {
            None => shown(*address),
            Some(kin) => {
                let ties: Vec<String> = kin
                    .ties
                    .iter()
                    .map(|tie| format!("{} {}", tie.how.as_str(), shown(tie.to)))
                    .collect();
                format!("{address}, {}", ties.join(", which was "))
            }
        };
        let when = if is_late { " (listed only later)" } else { "" };
        let title = format!(
            "{who}, listed as {} by {}{when}, took part in a transaction with {}",
            label.category, label.source, guarded.label
        );
        let confidence_percent = match kin {
            None => label.confidence_percent_at(block.at),
            Some(kin) => kin.confidence_percent,
        };
        let p = f64::from(100 - confidence_percent.min(100)) / 100.0;
        let mut claim = Claim::about_frame(block, tx, 0, title)
            .about(block, guarded.address)
            .what(address.to_string())
            .severity(severity)
            .confidence(Confidence::Heuristic)
            .fact("address", block.address_fact(*address))
            .fact("category", FactValue::Text(label.category.to_string()))
            .fact("source", FactValue::Text(label.source.to_owned()))
            .fact("chance that the label is wrong", FactValue::Ratio(p))
            .fact("part", FactValue::Text(part.as_str().to_owned()))
            .fact("transaction sender", block.address_fact(block.tx(tx).from));
        if let Some(day) = label.first_seen {
            claim = claim.fact("listed since", FactValue::Text(day.to_string()));
        }
        if is_late {
            claim = claim.fact("retrospective", FactValue::Bool(true));
        }
        for tie in kin.iter().flat_map(|kin| &kin.ties) {
            claim = claim.fact(tie.how.as_str(), block.address_fact(tie.to));
        }
        for touch in &touched[1..] {
            let other = block.deployment(touch.deployment).address;
            if other != guarded.address {
                claim = claim.fact("also touched", block.address_fact(other));
            }
        }
        report.claim(claim);
    }
}

fn rank(category: &Category) -> usize {
    let order = [Category::Exploiter, Category::Phishing, Category::Scam, Category::Sanctioned];
    order.iter().position(|known| known == category).unwrap_or(order.len())
}

/// A word that may be an address: twelve zero bytes, then at least one byte set in the upper half,
/// which small numbers leave empty.
fn address_in(word: &[u8]) -> Option<Address> {
    let (zeros, address) = word.split_at_checked(12)?;
    let is_address = zeros.iter().all(|b| *b == 0) && address[..8].iter().any(|b| *b != 0);
    is_address.then(|| Address::from_slice(address))
}
