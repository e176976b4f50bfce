//! How well attacks are told from everyday use by the shape of their calls, on recorded chain data:
//! `cargo xtask quality exploits` runs this and prints the figures of `docs/quality.md`. They may
//! rise; the test fails when one falls.
//!
//! The data is no part of the repository: `BELLWETHER_CORPUS` names its folder, and without it the
//! test says that it was skipped.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]
#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

mod corpus; //   attacks and everyday transactions, as recorded
mod fit; //      the weights, fitted anew without what they are tried on
mod mutation; // what an attacker could have done otherwise
mod reputation; // lists, loops, and contracts made for an attack

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use corpus::{Attack, Everyday};
use detect::trace::{
    Assessment, NOTIFY_SCORE_MIN, Protected, Scene, Signal, Verdict, View, everyday_share, observe,
    weigh, weight,
};

/// Attacks of which the labelled victim takes part that must page: what was last measured.
const PAGED_MIN: usize = 65;

fn folder() -> Option<PathBuf> {
    std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from)
}

/// Wilson's 95 % interval of a share, in per cent.
fn interval(hits: usize, of: usize) -> String {
    if of == 0 {
        return "no data".to_owned();
    }
    let (n, p, z) = (of as f64, hits as f64 / of as f64, 1.96);
    let centre = p + z * z / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 100.0 / (1.0 + z * z / n);
    format!(
        "{hits}/{of} = {:.1} % ({:.1} to {:.1})",
        100.0 * p,
        (centre - spread).max(0.0) * scale,
        (centre + spread) * scale
    )
}

fn assess(attack: &Attack, trace: &model::TxTrace) -> Option<Assessment> {
    detect::trace::assess(&Scene::new(trace, None), &attack.victims)
}

#[test]
fn attacks_are_found_and_everyday_use_wakes_nobody() {
    let Some(folder) = folder() else {
        println!("skipped: BELLWETHER_CORPUS is not set");
        return;
    };
    let attacks = corpus::attacks(&folder);
    let assessed: Vec<(&Attack, Option<Assessment>)> =
        attacks.iter().map(|attack| (attack, assess(attack, &attack.trace))).collect();
    let touched: Vec<(&Attack, &Assessment)> =
        assessed.iter().filter_map(|(attack, told)| Some((*attack, told.as_ref()?))).collect();
    let at_least = |verdict: Verdict| touched.iter().filter(|(_, a)| a.verdict >= verdict).count();
    let (paged, told) = (at_least(Verdict::Page), at_least(Verdict::Notify));

    let everyday = corpus::everyday(&folder);
    let began = Instant::now();
    let (mut frames, mut pairs) = (0, 0);
    let (mut pages, mut notices) = (Vec::new(), BTreeMap::<bool, usize>::new());
    let mut notified_transactions = 0;
    let mut by_signal: BTreeMap<Signal, (usize, usize)> = BTreeMap::new();
    let mut patterns = fit::Patterns::default();
    let mut scores: Vec<f64> = Vec::new();
    for with_logs in [false, true] {
        for tx in &everyday {
            let Some(logs) = (if with_logs { tx.logs.as_deref().map(Some) } else { Some(None) })
            else {
                continue;
            };
            let scene = Scene::new(&tx.trace, logs);
            frames += tx.trace.frames.len();
            let mut is_notified = false;
            for contract in &scene.called {
                let protected: Protected = [*contract].into_iter().collect();
                let Some(view) = View::new(&scene, &protected) else { continue };
                let found = observe(&view);
                patterns.everyday(&tx.hash, &found);
                let signals: Vec<Signal> = found.iter().map(|found| found.signal).collect();
                let assessment = weigh(found);
                if !with_logs {
                    pairs += 1;
                    scores.push(assessment.score);
                    signals.iter().for_each(|s| by_signal.entry(*s).or_default().1 += 1);
                }
                if assessment.score >= NOTIFY_SCORE_MIN {
                    *notices.entry(with_logs).or_default() += 1;
                    is_notified = true;
                }
                if assessment.verdict == Verdict::Page {
                    pages.push(format!("{} for {contract}: {:.1}", tx.hash, assessment.score));
                }
            }
            notified_transactions += usize::from(is_notified && !with_logs);
        }
    }
    let spent = began.elapsed();
    for (attack, assessment) in &touched {
        patterns.attack(&attack.hash, assessment);
        for line in &assessment.contributions {
            by_signal.entry(line.found.signal).or_default().0 += 1;
        }
    }

    println!("\nATTACKS, protected is the labelled victim");
    println!("  all                              n = {}", attacks.len());
    println!("  victim takes part                n = {}", touched.len());
    println!("  paged, of those                  {}", interval(paged, touched.len()));
    println!("  told of, of those                {}", interval(told, touched.len()));
    println!("  paged, of all                    {}", interval(paged, attacks.len()));
    let whole = corpus::transactions_in_blocks(&folder);
    println!("\nEVERYDAY USE, protected is every called contract in turn");
    println!(
        "  transactions in the blocks       n = {whole}, of which {} call something",
        everyday.len()
    );
    println!("  pairs with a contract            n = {pairs}");
    println!("  paged                            {}", pages.len());
    println!(
        "  told of, pairs                   {} (tokens from calls), {} (from logs)",
        interval(notices.get(&false).copied().unwrap_or(0), pairs),
        notices.get(&true).copied().unwrap_or(0),
    );
    println!("  told of, transactions            {}", interval(notified_transactions, whole));
    println!(
        "  per 1,000 frames                 {:.2} ms for all their contracts (this build)",
        spent.as_secs_f64() * 1e6 / frames as f64
    );
    println!("\nSHAPES                        attacks                          everyday pairs");
    for (signal, (attacked, usual)) in &by_signal {
        println!(
            "  {:27} {:32} {:.2} %",
            signal.as_str(),
            interval(*attacked, touched.len()),
            100.0 * *usual as f64 / pairs as f64
        );
    }
    println!("\nWEIGHTS that are not what the data alone gives (shipped, fitted on all of it)");
    for (signal, fitted) in Signal::ALL.iter().zip(patterns.fitted_on_all()) {
        let (_, shipped) = weight(*signal);
        if (shipped - fitted).abs() >= 0.3 {
            println!("  {:27} {shipped:.1}  {fitted:.1}", signal.as_str());
        }
    }
    let held_out = patterns.cross_validated();
    println!(
        "\nHELD OUT: weights and threshold fitted on four fifths, tried on the fifth, five times"
    );
    println!("  paged                            {}", interval(held_out.paged, held_out.attacks));
    println!("  everyday pairs paged             {} of {}", held_out.false_pages, held_out.pairs);

    println!("\nMUTATED ATTACKS");
    for mutation in mutation::ALL {
        let mutated = touched.iter().map(|(attack, _)| (mutation.apply)(&attack.trace));
        let hits = touched
            .iter()
            .zip(mutated)
            .filter(|((attack, _), parts)| {
                parts.iter().any(|trace| {
                    assess(attack, trace).is_some_and(|told| told.verdict == Verdict::Page)
                })
            })
            .count();
        println!("  {:32} {}", mutation.name, interval(hits, touched.len()));
    }

    println!("\nMISSED ATTACKS");
    for (attack, told) in &assessed {
        let reason = match told {
            None => "the labelled victim takes no part in the recorded transaction".to_owned(),
            Some(told) if told.verdict == Verdict::Page => continue,
            Some(told) if told.contributions.is_empty() => {
                "its calls are those of ordinary use: a stolen key, a forged proof or arithmetic, \
                 not a shape"
                    .to_owned()
            }
            Some(told) => {
                let shapes: Vec<&str> =
                    told.contributions.iter().map(|line| line.found.signal.as_str()).collect();
                format!("{} ({:.1}): only {}", told.verdict.as_str(), told.score, shapes.join(", "))
            }
        };
        println!("  {:24} {}: {reason}", attack.name, attack.hash);
    }
    for score in [0.5, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0, 5.5] {
        let share = scores.iter().filter(|known| **known >= score).count() as f64 / pairs as f64;
        let stated = everyday_share(score);
        assert!(share <= stated, "{share} of everyday pairs score {score}, {stated} is stated");
    }
    assert!(pages.is_empty(), "everyday use pages: {pages:#?}");
    assert!(paged >= PAGED_MIN, "{paged} attacks page, {PAGED_MIN} did before");
}

#[test]
fn both_forms_of_traces_give_the_same_fingerprints() {
    let Some(folder) = folder() else {
        println!("skipped: BELLWETHER_CORPUS is not set");
        return;
    };
    let mut compared = 0;
    for (flat, nested) in corpus::both_forms(&folder) {
        assert_eq!(flat.len(), nested.len());
        for (flat, nested) in flat.iter().zip(&nested) {
            assert_eq!(flat.hash, nested.hash);
            let (a, b) = (Scene::new(&flat.trace, None), Scene::new(&nested.trace, None));
            for contract in &a.called {
                let protected: Protected = [*contract].into_iter().collect();
                let path = |scene: &Scene<'_>| {
                    let view = View::new(scene, &protected)?;
                    Some((detect::trace::Path::of(&view, b"salt"), observe(&view)))
                };
                assert_eq!(path(&a), path(&b), "{:?} for {contract}", flat.hash);
                compared += 1;
            }
        }
    }
    assert!(compared > 5_000, "{compared} compared");
}

/// Sees to it that the blocks of the corpus are those that the figures speak of.
#[test]
fn everyday_blocks_are_read_whole() {
    let Some(folder) = folder() else {
        println!("skipped: BELLWETHER_CORPUS is not set");
        return;
    };
    let everyday: Vec<Everyday> = corpus::everyday(&folder);
    assert!(everyday.iter().all(|tx| tx.trace.frames.len() > 1));
    assert!(everyday.len() > 2_000, "{}", everyday.len());
}
