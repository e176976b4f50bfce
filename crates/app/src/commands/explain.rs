//! `bellwether explain`: which shapes one transaction has, and what they weigh.

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use anyhow::{Context as _, bail};
use detect::trace::{
    Assessment, Asset, Borrowed, EVERYDAY_PAIRS, Extraction, Family, NOTIFY_SCORE_MIN,
    PAGE_SCORE_MIN, Path, Protected, Scene, Verdict, View, observe, weigh,
};
use serde_json::{Value, json};

use super::Outcome;
use crate::{
    terminal::print_line,
    trace_file::{self, Traced},
    words,
};

/// Explain one transaction: which shapes of attack its calls have from the side of the contracts you
/// protect, what each weighs, and whether somebody would be told or woken.
///
/// The file holds the calls of one transaction as `callTracer` or a Parity-style node gives them,
/// with or without gas, with or without what JSON-RPC puts around them; of a whole block, --tx
/// chooses. With receipts, token transfers are read from logs, else from the calls that ask for
/// them. Nothing is fetched, and nothing but this transaction is known: what a contract usually does
/// is no part of the answer.
///
/// Exit code 0 when nobody would be woken, 1 when somebody would, 2 when the input cannot be used.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  cast rpc debug_traceTransaction 0x… '{\"tracer\":\"callTracer\"}' > trace.json\n  bellwether explain --trace trace.json --protect 0x5b3e…6a10 --json | jq '.contributions'"
)]
pub(super) struct Explain {
    /// Calls of the transaction.
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// Its receipt, or receipts of its block.
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// Contracts to be protected.
    #[arg(long, value_name = "ADDRESS", num_args = 1.., required = true)]
    protect: Vec<Address>,
    /// Which transaction, where the file holds several.
    #[arg(long, value_name = "HASH")]
    tx: Option<B256>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let shown = self.trace.display();
        let read = trace_file::read(&trace_file::text(&self.trace)?)
            .with_context(|| format!("reading {shown}"))?;
        let mut traced = chosen(read, self.tx).with_context(|| format!("reading {shown}"))?;
        if let Some(path) = &self.receipts {
            let logs = trace_file::read_receipts(&trace_file::text(path)?, self.tx.or(traced.hash))
                .with_context(|| format!("reading {}", path.display()))?;
            traced.logs = Some(logs);
        }
        let protected: Protected = self.protect.iter().copied().collect();
        let scene = Scene::new(&traced.trace, traced.logs.as_deref());
        let told = Told::of(&scene, &protected, traced.hash);
        if self.json {
            print_line(&told.json())
        } else {
            told.print()
        }
        Ok(if told.verdict() == Verdict::Page { Outcome::FoundWrong } else { Outcome::Fine })
    }
}

/// The one transaction that is meant.
fn chosen(mut read: Vec<Traced>, tx: Option<B256>) -> anyhow::Result<Traced> {
    let at = match tx {
        Some(hash) if read.len() > 1 || read.iter().any(|traced| traced.hash.is_some()) => read
            .iter()
            .position(|traced| traced.hash == Some(hash))
            .with_context(|| format!("transaction {hash} is not in it"))?,
        _ if read.len() == 1 => 0,
        _ => bail!("it holds {} transactions: choose one with --tx", read.len()),
    };
    let traced = read.swap_remove(at);
    if traced.trace.frames.is_empty() {
        bail!("the transaction has no frames");
    }
    Ok(traced)
}

/// What is said about a transaction.
struct Told {
    hash: Option<B256>,
    sender: Option<Address>,
    frames: usize,
    from_logs: bool,
    protected: Vec<Address>,
    /// `None` when no protected contract takes part.
    seen: Option<Seen>,
}

/// What was seen from the side of the protected contracts.
struct Seen {
    assessment: Assessment,
    path: Option<Path>,
    borrowed: Option<Borrowed>,
    extraction: Option<Extraction>,
}

impl Seen {
    fn of(view: &View<'_, '_>) -> Self {
        let found = observe(view);
        Self {
            borrowed: Borrowed::of(view, &found),
            extraction: Extraction::of(view),
            assessment: weigh(found),
            // Fingerprints on paper are for comparing by eye: they carry no installation's salt.
            path: Path::of(view),
        }
    }

    fn verdict(&self) -> Verdict {
        let borrowed = self.borrowed.as_ref().map_or(Verdict::Quiet, Borrowed::verdict);
        self.assessment.verdict.max(borrowed)
    }
}

/// One line of what detectors say.
struct Line {
    id: String,
    score: Option<f64>,
    verdict: Verdict,
    why: String,
}

impl Told {
    fn of(scene: &Scene<'_>, protected: &Protected, hash: Option<B256>) -> Self {
        let seen = View::new(scene, protected).map(|view| Seen::of(&view));
        let mut protected: Vec<Address> = protected.iter().copied().collect();
        protected.sort_unstable();
        Self {
            hash,
            sender: scene.sender(),
            frames: scene.tree.frames().len(),
            from_logs: scene.movements.from_logs(),
            protected,
            seen,
        }
    }

    fn verdict(&self) -> Verdict {
        self.seen.as_ref().map_or(Verdict::Quiet, Seen::verdict)
    }

    /// What each detector says, and what each family of shapes comes to: families alone tell, only
    /// their sum wakes.
    fn lines(seen: &Seen) -> Vec<Line> {
        let assessment = &seen.assessment;
        let mut lines = vec![Line {
            id: "flow/attack_shape".to_owned(),
            score: Some(assessment.score),
            verdict: assessment.verdict,
            why: String::new(),
        }];
        lines.extend(Family::ALL.iter().filter_map(|family| {
            let score = assessment.score_of(*family);
            let verdict = if score >= NOTIFY_SCORE_MIN { Verdict::Notify } else { Verdict::Quiet };
            let id = format!("{} alone", family.as_str());
            (score > 0.0).then(|| Line { id, score: Some(score), verdict, why: String::new() })
        }));
        if let Some(borrowed) = &seen.borrowed {
            let signs: Vec<&str> =
                borrowed.companions.iter().map(|one| one.signal.as_str()).collect();
            lines.push(Line {
                id: "flow/flash_loan".to_owned(),
                score: None,
                verdict: borrowed.verdict(),
                why: match signs.is_empty() {
                    true => "a loan and no further sign".to_owned(),
                    false => format!("a loan, and {}", signs.join(", ")),
                },
            });
        }
        if let Some(extraction) = &seen.extraction {
            lines.push(Line {
                id: "flow/value_extracted".to_owned(),
                score: None,
                verdict: Verdict::Quiet,
                why: format!("not judged without prices: {}", in_kind(extraction)),
            });
        }
        lines
    }

    fn json(&self) -> Value {
        let Some(seen) = &self.seen else {
            return json!({
                "transaction": self.hash,
                "sender": self.sender,
                "frames": self.frames,
                "protected": self.protected,
                "is_touched": false,
                "verdict": Verdict::Quiet.as_str(),
                "score": 0.0,
                "thresholds": thresholds(),
                "contributions": [],
                "detectors": [],
            });
        };
        let Seen { assessment, path, .. } = seen;
        let contributions: Vec<Value> = assessment
            .contributions
            .iter()
            .map(|line| {
                json!({
                    "shape": line.found.signal.as_str(),
                    "meaning": line.found.signal.meaning(),
                    "family": line.family.as_str(),
                    "weight": line.weight,
                    "count": line.found.count,
                    "frame": line.found.frame,
                    "seen": line.found.what,
                })
            })
            .collect();
        let detectors: Vec<Value> = Self::lines(seen)
            .into_iter()
            .map(|line| {
                json!({
                    "detector": line.id,
                    "score": line.score.map(rounded),
                    "verdict": line.verdict.as_str(),
                    "why": line.why,
                })
            })
            .collect();
        json!({
            "transaction": self.hash,
            "sender": self.sender,
            "frames": self.frames,
            "protected": self.protected,
            "is_touched": true,
            "tokens_from": if self.from_logs { "logs" } else { "calls" },
            "verdict": self.verdict().as_str(),
            "score": rounded(assessment.score),
            "thresholds": thresholds(),
            "everyday_share_max": assessment.everyday_share(),
            "everyday_pairs": EVERYDAY_PAIRS,
            "path": path.as_ref().map(|path| json!({
                "exact": path.exact.to_string(),
                "general": path.general.to_string(),
            })),
            "contributions": contributions,
            "detectors": detectors,
        })
    }

    fn print(&self) {
        let name = self.hash.map_or("the transaction".to_owned(), |hash| hash.to_string());
        print_line(&format!("{name}: {}", words::counted(self.frames as u64, "frame")));
        if let Some(sender) = self.sender {
            print_line(&format!("sent by {sender}"));
        }
        let Some(seen) = &self.seen else {
            let none = if self.protected.len() == 1 {
                "the protected contract takes no part in it: there is nothing to judge"
            } else {
                "none of the protected contracts takes part in it: there is nothing to judge"
            };
            print_line(&none);
            return;
        };
        let Seen { assessment, path, .. } = seen;
        let ends = match self.verdict() {
            Verdict::Page => "somebody would be woken",
            Verdict::Notify => "somebody would be told",
            Verdict::Quiet => "nobody would be told",
        };
        print_line(&format!(
            "{}: {ends} (score {:.1}; told from {NOTIFY_SCORE_MIN:.1}, woken from {PAGE_SCORE_MIN:.1})",
            self.verdict().as_str(),
            assessment.score,
        ));
        if assessment.score > 0.0 {
            print_line(&format!(
                "at most {} of the everyday uses it was fitted against score as much",
                words::percent(assessment.everyday_share()),
            ));
        }
        let source = if self.from_logs {
            "token transfers are read from logs"
        } else {
            "token transfers are read from calls: what tokens do on their own is not seen"
        };
        print_line(&source);
        if let Some(path) = path {
            print_line(&format!("path {} (in general {})", path.exact, path.general));
        }
        if assessment.contributions.is_empty() {
            print_line(&"no shape of an attack was seen");
            return;
        }
        print_line(&"");
        for line in &assessment.contributions {
            print_line(&format!(
                "{:>5}  {:26} frame {:>5}  {}",
                if line.weight > 0.0 { format!("+{:.1}", line.weight) } else { "·".to_owned() },
                line.found.signal.as_str(),
                line.found.frame,
                line.found.what,
            ));
        }
        print_line(&"");
        for Line { id, score, verdict, why } in Self::lines(seen) {
            let score = score.map_or_else(String::new, |score| format!("{score:.1}"));
            let line = format!("{score:>5}  {id:26} {:7}{why}", verdict.as_str());
            print_line(&line.trim_end());
        }
    }
}

/// Who gained what at whose cost, in counts of assets.
fn in_kind(extraction: &Extraction) -> String {
    let counted = |nets: &[(Asset, detect::trace::Net)], is_gain: bool| {
        let of = |net: &detect::trace::Net| if is_gain { net.gain() } else { net.loss() };
        let count = nets.iter().filter(|(_, net)| !of(net).is_zero()).count();
        words::counted(count as u64, "asset")
    };
    format!(
        "the sender's side gained {} and gave {}, protected contracts lost {} and got {}",
        counted(&extraction.theirs, true),
        counted(&extraction.theirs, false),
        counted(&extraction.ours, false),
        counted(&extraction.ours, true),
    )
}

fn thresholds() -> Value {
    json!({ "notify": NOTIFY_SCORE_MIN, "page": PAGE_SCORE_MIN })
}

/// Sums of tenths, without what floats add.
fn rounded(score: f64) -> f64 {
    (score * 10.0).round() / 10.0
}
