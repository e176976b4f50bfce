//! How well the fused probability agrees with what was so: the weights of the detectors of calls,
//! fitted on four fifths of the recorded attacks and everyday calls and tried on the fifth.
//!
//! `cargo xtask quality exploits` prints the shares that [`detect::fusion::weights`] has.

use std::collections::BTreeSet;

use detect::{
    fusion::{Calibration, LLR_RANGE, Outcome, Reliability, weights},
    trace::{
        Protected, Scene, Verdict, View,
        reentry::{by_sender, is_poorer, reentries},
    },
};
use model::{Address, Frame, Log, TxTrace};

use crate::{
    corpus, folder,
    prices::Moment,
    rules::{Judged, RULES},
};

const FOLDS: usize = 5;

/// The detectors of the calls of one transaction, those of [`RULES`] first.
const DETECTORS: usize = RULES.len() + 1;

fn id(detector: usize) -> &'static str {
    RULES.get(detector).copied().unwrap_or("flow/reentrant_call")
}

/// A transaction and a contract of it.
struct Case {
    fold: usize,
    is_attack: bool,
    tells: [bool; DETECTORS],
    /// What `flow/attack_shape` weighs it.
    score: f64,
}

impl Case {
    fn of(
        (trace, logs): (&TxTrace, Option<&[Log]>),
        protected: &Protected,
        moment: Moment,
        (key, is_attack): (u8, bool),
    ) -> Option<Self> {
        let scene = Scene::new(trace, logs);
        let judged = Judged::of(&View::new(&scene, protected)?, moment);
        let comes_back = |of: &Address| {
            let found = reentries(trace, *of, |frame: &Frame| frame.input.is_empty());
            let alone: Protected = [*of].into_iter().collect();
            !found.is_empty()
                && View::new(&scene, &alone).is_some_and(|view| {
                    by_sender(&view, &found).next().is_some() || is_poorer(&view)
                })
        };
        let mut tells = [false; DETECTORS];
        for (told, verdict) in tells.iter_mut().zip(judged.verdicts) {
            *told = verdict >= Verdict::Notify;
        }
        tells[RULES.len()] = protected.iter().any(comes_back);
        Some(Self { fold: usize::from(key) % FOLDS, is_attack, tells, score: judged.score })
    }
}

/// Shares of attacks and of everyday calls in which each detector says something, and how heavy
/// everyday calls are.
struct Fitted {
    in_attacks: [f64; DETECTORS],
    in_everyday: [f64; DETECTORS],
    everyday_scores: Vec<f64>,
    base_log_odds: f64,
}

impl Fitted {
    fn on(cases: &[&Case]) -> Self {
        let of = |is_attack: bool| cases.iter().filter(move |case| case.is_attack == is_attack);
        let (attacks, everyday) = (of(true).count() as f64, of(false).count() as f64);
        let share = |is_attack: bool, n: f64| {
            std::array::from_fn(|at| {
                let told = of(is_attack).filter(|case| case.tells[at]).count();
                (told as f64 + 1.0) / (n + 2.0)
            })
        };
        let mut everyday_scores: Vec<f64> = of(false).map(|case| case.score).collect();
        everyday_scores.sort_by(f64::total_cmp);
        Self {
            in_attacks: share(true, attacks),
            in_everyday: share(false, everyday),
            everyday_scores,
            base_log_odds: (attacks / everyday).ln(),
        }
    }

    /// Those that ship, at the rate of attacks of these cases.
    fn shipped(&self) -> Self {
        let of = |at: usize| weights::of(id(at)).unwrap();
        Self {
            in_attacks: std::array::from_fn(|at| of(at).seen_in_attacks),
            in_everyday: std::array::from_fn(|at| of(at).seen_in_benign),
            everyday_scores: self.everyday_scores.clone(),
            base_log_odds: self.base_log_odds,
        }
    }

    /// The chance that a case is an attack, as fusion adds it up; `None` when nobody says anything.
    fn stated(&self, case: &Case) -> Option<f64> {
        let mut strongest: Vec<(&str, f64)> = Vec::new();
        for at in (0..DETECTORS).filter(|at| case.tells[*at]) {
            // The shape says how rare it is by itself.
            let p = match at {
                0 => {
                    let n = self.everyday_scores.len();
                    let below = self.everyday_scores.partition_point(|s| *s < case.score - 1e-9);
                    (n - below + 1) as f64 / (n + 1) as f64
                }
                _ => self.in_everyday[at],
            };
            let llr = (self.in_attacks[at] / p).ln().clamp(LLR_RANGE.0, LLR_RANGE.1);
            let group = weights::of(id(at)).unwrap().group;
            match strongest.iter_mut().find(|(known, _)| *known == group) {
                Some((_, known)) => *known = known.max(llr),
                None => strongest.push((group, llr)),
            }
        }
        let sum: f64 = strongest.iter().map(|(_, llr)| llr).sum();
        (!strongest.is_empty()).then(|| 1.0 / (1.0 + (-(self.base_log_odds + sum)).exp()))
    }

    fn outcomes<'c>(&self, cases: impl Iterator<Item = &'c &'c Case>) -> Vec<Outcome> {
        let outcome =
            |case: &&Case| Some(Outcome { stated: self.stated(case)?, is_true: case.is_attack });
        cases.filter_map(outcome).collect()
    }
}

fn show(what: &str, outcomes: &[Outcome]) -> Reliability {
    let of = Reliability::of(outcomes).unwrap();
    let so = outcomes.iter().filter(|one| one.is_true).count();
    println!(
        "| {what} | {} ({so} attacks) | {:.3} | {:.3} |",
        of.n, of.brier, of.calibration_error
    );
    of
}

#[test]
fn the_fused_probability_is_as_often_right_as_it_says() {
    let Some(folder) = folder() else { return };
    let mut cases = Vec::new();
    for attack in corpus::attacks(&folder) {
        let key = attack.victims.iter().min().map_or(0, |victim| victim[19]);
        let trace = (&attack.trace, None);
        cases.extend(Case::of(trace, &attack.victims, attack.moment, (key, true)));
    }
    for tx in corpus::everyday(&folder) {
        let called: BTreeSet<Address> = Scene::new(&tx.trace, None).called.into_iter().collect();
        for of in called {
            let protected: Protected = [of].into_iter().collect();
            let trace = (&tx.trace, tx.logs.as_deref());
            cases.extend(Case::of(trace, &protected, tx.moment, (tx.hash[31], false)));
        }
    }
    let all: Vec<&Case> = cases.iter().collect();
    let whole = Fitted::on(&all);
    println!(
        "| detector | seen in attacks | seen in everyday calls | as shipped |\n|---|---|---|---|"
    );
    for at in 0..DETECTORS {
        let shipped = weights::of(id(at)).unwrap();
        println!(
            "| `{}` | {:.3} | {:.6} | {} / {} |",
            id(at),
            whole.in_attacks[at],
            whole.in_everyday[at],
            shipped.seen_in_attacks,
            shipped.seen_in_benign
        );
    }
    let (mut held_out, mut mapped) = (Vec::new(), Vec::new());
    for fold in 0..FOLDS {
        let (test, train): (Vec<&Case>, Vec<&Case>) =
            all.iter().copied().partition(|case| case.fold == fold);
        let fitted = Fitted::on(&train);
        let stated = fitted.outcomes(test.iter());
        let calibration = Calibration::fit(&fitted.outcomes(train.iter())).unwrap();
        let map = |one: &Outcome| Outcome { stated: calibration.apply(one.stated), ..*one };
        mapped.extend(stated.iter().map(map));
        held_out.extend(stated);
    }
    println!(
        "\n| fused probability at the rate of attacks of this data | n | Brier | calibration error |\n|---|---|---|---|"
    );
    show("as shipped", &whole.shipped().outcomes(all.iter()));
    let plain = show("held out, fitted on four fifths", &held_out);
    let told = show("the same, calibrated on these four fifths", &mapped);
    println!("\n| stated | observed | n |\n|---|---|---|");
    for bin in &told.bins {
        println!("| {:.2} | {:.2} | {} |", bin.stated, bin.observed, bin.n);
    }
    let share = mapped.iter().filter(|one| one.is_true).count() as f64 / mapped.len() as f64;
    assert!(told.brier < share * (1.0 - share), "worse than always saying how many there are");
    assert!(told.brier <= plain.brier + 0.02, "calibration made it worse");
}
