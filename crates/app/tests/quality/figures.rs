//! The measuring itself, and the page that says what came out.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use detect::trace::{Protected, Scene, Signal, Verdict, View, weight};

use crate::{
    corpus::{self, Attack},
    fit::{HeldOut, Patterns},
    mutation,
    rules::{Judged, RULES},
};

/// Everyday pairs of transaction and contract, by what was said to them.
#[derive(Default)]
pub(crate) struct Everyday {
    pub(crate) pairs: usize,
    /// Pairs told of or paged, by rule; the last is any rule.
    told: [usize; RULES.len() + 1],
    pub(crate) paged: [usize; RULES.len() + 1],
    /// The same where token transfers are read from logs, any rule.
    told_with_logs: usize,
    transactions_told: usize,
    /// What paged, for whoever has to mend it.
    pub(crate) pages: Vec<String>,
    pub(crate) scores: Vec<f64>,
    signals: BTreeMap<Signal, usize>,
    frames: usize,
    spent: Duration,
}

/// Everything that was measured.
pub(crate) struct Figures {
    attacks: Vec<(Attack, Option<Judged>)>,
    pub(crate) everyday: Everyday,
    whole: usize,
    calling: usize,
    blocks: usize,
    patterns: Patterns,
    held_out: HeldOut,
    mutated: Vec<(&'static str, usize)>,
}

/// Wilson's 95 % interval of a share, in per cent.
pub(crate) fn interval(hits: usize, of: usize) -> String {
    if of == 0 {
        return "no data".to_owned();
    }
    let (n, p, z) = (of as f64, hits as f64 / of as f64, 1.96);
    let centre = p + z * z / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 100.0 / (1.0 + z * z / n);
    let (low, high) = ((centre - spread).max(0.0) * scale, (centre + spread) * scale);
    format!("{hits} of {of} = {:.1} % ({low:.1} to {high:.1})", 100.0 * p)
}

impl Figures {
    pub(crate) fn measure(folder: &Path) -> Self {
        let attacks: Vec<(Attack, Option<Judged>)> = corpus::attacks(folder)
            .into_iter()
            .map(|attack| {
                let judged = Judged::from(&attack.trace, None, &attack.victims, attack.moment);
                (attack, judged)
            })
            .collect();
        let mut patterns = Patterns::default();
        let transactions = corpus::everyday(folder);
        let everyday = everyday(&transactions, &mut patterns);
        for (attack, judged) in &attacks {
            let victim = attack.victims.iter().min();
            if let (Some(victim), Some(judged)) = (victim, judged) {
                patterns.attack(victim, judged);
            }
        }
        let held_out = patterns.cross_validated();
        let mutated = mutation::ALL.iter().map(|mutation| {
            let is_found = |(attack, judged): &&(Attack, Option<Judged>)| {
                judged.is_some()
                    && (mutation.apply)(&attack.trace).iter().any(|trace| {
                        let judged = Judged::from(trace, None, &attack.victims, attack.moment);
                        judged.is_some_and(|judged| judged.verdict() == Verdict::Page)
                    })
            };
            (mutation.name, attacks.iter().filter(is_found).count())
        });
        Self {
            mutated: mutated.collect(),
            whole: corpus::transactions_in_blocks(folder),
            calling: transactions.len(),
            blocks: corpus::blocks_count(folder),
            attacks,
            everyday,
            patterns,
            held_out,
        }
    }

    fn touched(&self) -> impl Iterator<Item = &Judged> {
        self.attacks.iter().filter_map(|(_, judged)| judged.as_ref())
    }

    /// Attacks of which the labelled victim takes part and that some rule pages.
    pub(crate) fn paged(&self) -> usize {
        self.touched().filter(|judged| judged.verdict() == Verdict::Page).count()
    }

    /// The page's generated part.
    pub(crate) fn page(&self) -> String {
        let mut page = String::new();
        self.write_data(&mut page);
        self.write_rules(&mut page);
        self.write_mutated(&mut page);
        self.write_shapes(&mut page);
        self.write_missed(&mut page);
        page
    }

    /// Lines that `cargo xtask quality` makes rows of its table from: one for each rule and verdict,
    /// for all of them together, held out and mutated, and one for each detector there is.
    pub(crate) fn lines(&self) -> String {
        let touched = self.touched().count();
        let Everyday { pairs, told, paged, .. } = &self.everyday;
        let mut lines = String::new();
        let mut line =
            |rule: &str, data: &str, n: String, hits: usize, wrong: Option<[usize; 2]>| {
                let figure = serde_json::json!({
                    "detector": rule, "data": data, "n": n, "recall": [hits, touched],
                    "false_per_call": wrong, "lead": "in the attack's own block",
                });
                writeln!(lines, "figure {figure}").unwrap();
            };
        let n = |pairs: usize| format!("{touched} attacks, {pairs} everyday calls");
        for (at, rule) in RULES.iter().enumerate() {
            let at_least = |least| self.touched().filter(|j| j.verdicts[at] >= least).count();
            let (pages, tells) = (at_least(Verdict::Page), at_least(Verdict::Notify));
            let data = "recorded attacks and blocks, in-sample; pages";
            line(rule, data, n(*pairs), pages, Some([paged[at], *pairs]));
            let data = "the same; tells or pages";
            line(rule, data, n(*pairs), tells, Some([told[at], *pairs]));
        }
        let any = "flow/*";
        let data = "recorded attacks and blocks, in-sample; any of them pages";
        line(any, data, n(*pairs), self.paged(), Some([paged[RULES.len()], *pairs]));
        let held = &self.held_out;
        let data = "the same, held out: fitted on four fifths, tried on the fifth";
        line(any, data, n(held.pairs), held.paged, Some([held.false_pages, held.pairs]));
        for (name, hits) in self.mutated.iter().filter(|(name, _)| *name != "as recorded") {
            let data = format!("attacks mutated: {name}; any of them pages");
            line(any, &data, format!("{touched} attacks"), *hits, None);
        }
        for detector in detect::detectors::ALL {
            writeln!(lines, "detector {}", detector.spec().id).unwrap();
        }
        lines
    }

    /// What differs from run to run.
    pub(crate) fn speed(&self) -> String {
        let Everyday { spent, frames, .. } = self.everyday;
        let ms = spent.as_secs_f64() * 1e6 / frames as f64;
        format!(
            "{ms:.2} ms per 1,000 frames, each of their contracts protected in turn (this build)"
        )
    }

    fn write_data(&self, page: &mut String) {
        let touched = self.touched().count();
        let rows = [
            (
                "recorded attack transactions, Ethereum and BSC, call traces without logs",
                self.attacks.len(),
            ),
            ("of these, with the labelled victim taking part (what can be protected)", touched),
            ("everyday blocks of mainnet, 2015 to 2026, some recorded as flat traces", self.blocks),
            ("transactions in them", self.whole),
            ("of these, calling something", self.calling),
            (
                "pairs of transaction and called contract, each contract protected in turn",
                self.everyday.pairs,
            ),
        ];
        page.push_str("| data | n |\n|---|---|\n");
        for (what, n) in rows {
            writeln!(page, "| {what} | {n} |").unwrap();
        }
    }

    fn write_rules(&self, page: &mut String) {
        let touched = self.touched().count();
        let Everyday { pairs, told, paged, .. } = &self.everyday;
        page.push_str(
            "\n| rule | attacks that page | attacks at least told of | everyday pairs that page | told of |\n\
             |---|---|---|---|---|\n",
        );
        for (at, rule) in RULES.iter().chain(&["any of them"]).enumerate() {
            let of_rule = |judged: &Judged| match judged.verdicts.get(at) {
                Some(verdict) => *verdict,
                None => judged.verdict(),
            };
            let at_least =
                |least: Verdict| self.touched().filter(|judged| of_rule(judged) >= least).count();
            let name = if at < RULES.len() { format!("`{rule}`") } else { format!("**{rule}**") };
            writeln!(
                page,
                "| {name} | {} | {} | {} of {pairs} | {} |",
                interval(at_least(Verdict::Page), touched),
                interval(at_least(Verdict::Notify), touched),
                paged[at],
                interval(told[at], *pairs),
            )
            .unwrap();
        }
        let all = self.attacks.len();
        let held = &self.held_out;
        let per_block = self.everyday.transactions_told as f64 / self.blocks as f64;
        let rows = [
            ("attacks that page, of all recorded".to_owned(), interval(self.paged(), all)),
            (
                "everyday transactions told of for any contract that they call".to_owned(),
                format!(
                    "{}, {per_block:.2} a block",
                    interval(self.everyday.transactions_told, self.whole)
                ),
            ),
            (
                "everyday pairs told of with token transfers read from logs".to_owned(),
                self.everyday.told_with_logs.to_string(),
            ),
            (
                "held out, `flow/attack_shape`: weights and threshold from four fifths, tried on the fifth"
                    .to_owned(),
                interval(held.paged_by_shape, held.attacks),
            ),
            (
                "held out, any of them".to_owned(),
                format!(
                    "**{}** of attacks page, and {} of {} everyday pairs (with and without logs)",
                    interval(held.paged, held.attacks),
                    held.false_pages,
                    held.pairs
                ),
            ),
        ];
        page.push_str("\n| | |\n|---|---|\n");
        for (what, figure) in rows {
            writeln!(page, "| {what} | {figure} |").unwrap();
        }
        page.push_str(
            "\nWeights that a fit of today's shapes on all the data would set otherwise:\n\n",
        );
        page.push_str("| shape | shipped | fitted |\n|---|---|---|\n");
        for (signal, fitted) in Signal::ALL.iter().zip(self.patterns.fitted_on_all()) {
            let (_, shipped) = weight(*signal);
            if (shipped - fitted).abs() >= 0.3 {
                writeln!(page, "| `{}` | {shipped:.1} | {fitted:.1} |", signal.as_str()).unwrap();
            }
        }
    }

    fn write_mutated(&self, page: &mut String) {
        let touched = self.touched().count();
        page.push_str("\n### Mutated attacks\n\n");
        page.push_str("| mutation | attacks that page, any rule |\n|---|---|\n");
        for (name, hits) in &self.mutated {
            writeln!(page, "| {name} | {} |", interval(*hits, touched)).unwrap();
        }
    }

    fn write_shapes(&self, page: &mut String) {
        let touched = self.touched().count();
        page.push_str("\n### What is found, by shape\n\n");
        page.push_str("| shape | weight | in attacks | in everyday pairs |\n|---|---|---|---|\n");
        let mut rows: Vec<_> = Signal::ALL
            .iter()
            .map(|signal| {
                let has = |judged: &&Judged| judged.found.iter().any(|one| one.signal == *signal);
                (self.touched().filter(has).count(), *signal)
            })
            .collect();
        rows.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (hits, signal) in rows {
            let usual = self.everyday.signals.get(&signal).copied().unwrap_or(0);
            let share = 100.0 * usual as f64 / self.everyday.pairs as f64;
            let (word, weight) = (signal.as_str(), weight(signal).1);
            let attacks = interval(hits, touched);
            writeln!(page, "| `{word}` | {weight:.1} | {attacks} | {share:.2} % |").unwrap();
        }
    }

    fn write_missed(&self, page: &mut String) {
        let missed: Vec<_> = self
            .attacks
            .iter()
            .filter(|(_, judged)| judged.as_ref().is_none_or(|j| j.verdict() < Verdict::Page))
            .collect();
        writeln!(page, "\n### The {} attacks that nobody would be woken by\n", missed.len())
            .unwrap();
        page.push_str("| attack | transaction | as labelled | said | why it is missed |\n");
        page.push_str("|---|---|---|---|---|\n");
        for (attack, judged) in missed {
            let said = judged.as_ref().map_or("quiet", |judged| judged.verdict().as_str());
            let hash = attack.hash.to_string();
            let kind = attack.kind.as_deref().unwrap_or("·").replace('|', "/");
            let why = why_missed(judged.as_ref());
            let (name, hash) = (&attack.name, &hash[..10]);
            writeln!(page, "| {name} | `{hash}…` | {kind} | {said} | {why} |").unwrap();
        }
    }
}

/// The reason in words, from what was seen.
fn why_missed(judged: Option<&Judged>) -> String {
    let Some(judged) = judged else {
        return "the labelled victim takes no part in the recorded transaction".to_owned();
    };
    let has = |signals: &[Signal]| judged.found.iter().any(|f| signals.contains(&f.signal));
    let signs: Vec<String> = judged
        .found
        .iter()
        .filter(|one| weight(one.signal).1 > 0.0)
        .map(|one| format!("`{}`", one.signal.as_str()))
        .collect();
    if signs.is_empty() {
        return "ordinary calls, told from use only by what is right: a stolen key, a forged proof, \
                an overflow"
            .to_owned();
    }
    let cause = if has(&[Signal::AllowanceUsed, Signal::HolderEmptied]) {
        "taken from others' allowances; the protected contract lost nothing"
    } else if has(&[Signal::Reentered, Signal::ReenteredByOther]) {
        "calls that come back are everyday use of many contracts"
    } else if has(&[Signal::CalledOnBorrowedMoney]) {
        "a loan without a trade back and without more paid out than in"
    } else if has(&[Signal::PowerUsed, Signal::AllowedSender, Signal::MadeTokens]) {
        "a power used by somebody who should not have it: who may is not in the calls"
    } else if has(&[Signal::CalledByNewborn, Signal::RepeatedOften, Signal::Repeated]) {
        "odd machinery, and no loss or price that is seen in the calls"
    } else {
        "value left by ordinary calls: needs balances and history"
    };
    format!("{cause}; {} weigh {:.1} of 5.5", signs.join(", "), judged.score)
}

fn everyday(transactions: &[corpus::Everyday], patterns: &mut Patterns) -> Everyday {
    let mut seen = Everyday::default();
    let began = Instant::now();
    for with_logs in [false, true] {
        for tx in transactions {
            let logs = match (with_logs, &tx.logs) {
                (true, None) => continue,
                (true, Some(logs)) => Some(logs.as_slice()),
                (false, _) => None,
            };
            let scene = Scene::new(&tx.trace, logs);
            seen.frames += tx.trace.frames.len();
            let mut is_told = false;
            for contract in &scene.called {
                let protected: Protected = [*contract].into_iter().collect();
                let Some(view) = View::new(&scene, &protected) else { continue };
                let judged = Judged::of(&view, tx.moment);
                patterns.everyday(&tx.hash, &judged);
                is_told |= judged.verdict() >= Verdict::Notify;
                if judged.verdict() == Verdict::Page {
                    seen.pages.push(format!("{} for {contract}: {judged:?}", tx.hash));
                }
                if with_logs {
                    seen.told_with_logs += usize::from(judged.verdict() >= Verdict::Notify);
                } else {
                    seen.count(&judged);
                }
            }
            seen.transactions_told += usize::from(is_told && !with_logs);
        }
    }
    seen.spent = began.elapsed();
    seen
}

impl Everyday {
    fn count(&mut self, judged: &Judged) {
        self.pairs += 1;
        self.scores.push(judged.score);
        let all = judged.verdicts.into_iter().chain([judged.verdict()]);
        for (at, verdict) in all.enumerate() {
            self.told[at] += usize::from(verdict >= Verdict::Notify);
            self.paged[at] += usize::from(verdict == Verdict::Page);
        }
        for one in &judged.found {
            *self.signals.entry(one.signal).or_default() += 1;
        }
    }
}
