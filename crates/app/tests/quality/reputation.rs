//! What lists know of attackers, how far loops stand out, and whether a contract made for an attack
//! can be told by its code.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, hex};
use detect::detectors::reputation::weights::{INTERCEPT, TRAITS, amounts, weights};
use model::{FrameKind, Name, TxTrace};
use registry::{Category, LabelFile, Labels, labels::Imported};

use super::{corpus, figures::interval, folder};

/// Code shorter than this is no contract worth a look.
const CODE_BYTES_MIN: usize = 100;

/// Area under the curve of code alone, on each half that was held out, rounded down.
const AREA_MIN: f64 = 0.7;

/// Where the recorded blocks and most attacks are, and where the others are.
const MAINNET: &str = "mainnet";
const BSC: &str = "bsc";

/// Everyday transactions with a listed party: what was last measured, rounded up.
const LISTED_SHARE_MAX: f64 = 0.01;

fn lists(folder: &std::path::Path) -> (Labels, Imported, usize) {
    let (mut builder, mut all) = (Labels::builder(), Imported::default());
    let mut files = 0;
    let mut note = |imported: Imported| {
        files += 1;
        all.added += imported.added;
        all.more_rejected += imported.rejected.len() + imported.more_rejected;
    };
    for path in corpus::entries(&folder.join("lists/forta")) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.contains("false_positives") {
            let of = LabelFile::new(&name, "forta");
            note(builder.import_forta(&of, &corpus::unpacked(&path)).unwrap());
        }
    }
    for path in corpus::entries(&folder.join("lists/ofac")) {
        let of = LabelFile {
            category: Some(Category::Sanctioned),
            ..LabelFile::new(path.to_str().unwrap(), "ofac")
        };
        note(builder.import_text(&of, &std::fs::read_to_string(&path).unwrap()).unwrap());
    }
    for (file, network) in [("etherscan", MAINNET), ("bscscan", BSC)] {
        let path = folder.join(format!("lists/etherscan_labels/{file}.json.zst"));
        let network = Some(Name::new(network).unwrap());
        let of = LabelFile { network, ..LabelFile::new(file, "explorer") };
        note(builder.import_json(&of, &corpus::unpacked(&path)).unwrap());
    }
    (builder.build(), all, files)
}

fn parties(trace: &TxTrace) -> BTreeSet<Address> {
    trace.frames.iter().flat_map(|frame| frame.to.into_iter().chain([frame.from])).collect()
}

#[test]
fn what_lists_know_of_attackers_and_of_everybody_else() {
    let Some(folder) = folder() else { return };
    let (labels, imported, files) = lists(&folder);
    println!(
        "lists: {files} files, {} labels, {} rows not read, {} addresses in conflict",
        imported.added,
        imported.more_rejected,
        labels.conflicts().count()
    );
    assert!(labels.len() > 10_000, "{}", labels.len());
    let on = |network: &str, address: Address| {
        let network = Name::new(network).unwrap();
        let is_bad = labels.of(&network, address).any(|label| label.category.is_malicious());
        is_bad && !labels.has(&network, address, &Category::Benign)
    };
    let is_bad = |address: Address| on(MAINNET, address);

    let attacks = corpus::attacks(&folder);
    let acts = |attack: &corpus::Attack| {
        let first = &attack.trace.frames[0];
        let parties = [Some(first.from), first.to].into_iter().flatten();
        [MAINNET, BSC].into_iter().any(|network| parties.clone().any(|one| on(network, one)))
    };
    let known = attacks.iter().filter(|attack| acts(attack)).count();
    println!(
        "attacks whose sender or target is on a list of today: {}",
        interval(known, attacks.len())
    );

    let everyday = corpus::everyday(&folder);
    let told = |tx: &&corpus::Everyday| {
        let emitters = tx.logs.iter().flatten().map(|log| log.address);
        parties(&tx.trace).into_iter().chain(emitters).any(is_bad)
    };
    let hits: Vec<_> = everyday.iter().filter(told).collect();
    println!("everyday transactions with a listed party: {}", interval(hits.len(), everyday.len()));

    let share = hits.len() as f64 / everyday.len() as f64;
    assert!(share <= LISTED_SHARE_MAX, "lists tell of {share} of everyday transactions");

    // The corpus names the transactions that touch a listed address; of its lists OFAC's is here.
    let listed = std::fs::read_to_string(folder.join("blocks/known_bad_hits.json")).unwrap();
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).unwrap();
    for row in listed.iter().filter(|row| row["lists"].to_string().contains("ofac")) {
        let hash = row["tx"].as_str().unwrap();
        assert!(hits.iter().any(|tx| tx.hash.to_string() == hash), "{hash} is missed");
    }

    let path = folder.join("lists/forta/scam_detector_false_positives.csv.zst");
    let rows = corpus::unpacked(&path);
    let benign: Vec<Address> =
        rows.lines().skip(1).filter_map(|row| row.get(..42)?.parse().ok()).collect();
    let wrong = benign.iter().filter(|address| is_bad(**address)).count();
    println!(
        "innocent addresses that were once flagged, flagged by a list: {}",
        interval(wrong, benign.len())
    );
}

/// How often each function of a contract is entered by one transaction, the most of them.
fn most_calls(trace: &TxTrace, contract: Address) -> usize {
    let mut counts: BTreeMap<Option<[u8; 4]>, usize> = BTreeMap::new();
    for (at, frame) in trace.frames.iter().enumerate() {
        if frame.kind == FrameKind::Call && frame.to == Some(contract) && trace.took_effect(at) {
            *counts.entry(frame.input.first_chunk().copied()).or_default() += 1;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

#[test]
fn loops_of_attacks_against_those_of_everyday_transactions() {
    let Some(folder) = folder() else { return };
    let attacks = corpus::attacks(&folder);
    let mut of_attacks: Vec<(usize, &str)> = attacks
        .iter()
        .map(|attack| {
            let most = attack.victims.iter().map(|victim| most_calls(&attack.trace, *victim));
            (most.max().unwrap_or(0), attack.name.as_str())
        })
        .filter(|(most, _)| *most > 0)
        .collect();
    of_attacks.sort_unstable();
    let everyday = corpus::everyday(&folder);
    let mut of_pairs: Vec<usize> = Vec::new();
    for tx in &everyday {
        let called = tx.trace.frames.iter().filter_map(|frame| frame.to);
        let called: BTreeSet<Address> = called.collect();
        of_pairs
            .extend(called.iter().map(|to| most_calls(&tx.trace, *to)).filter(|most| *most > 0));
    }
    let (n, pairs) = (of_attacks.len(), of_pairs.len());
    for times in [2, 4, 8, 16, 32, 64] {
        let attacks = of_attacks.iter().filter(|(most, _)| *most >= times).count();
        let others = of_pairs.iter().filter(|most| **most >= times).count();
        println!(
            "a function of the victim called {times} times or more: attacks {}, everyday pairs {}",
            interval(attacks, n),
            interval(others, pairs)
        );
    }
    println!("longest: {:?}", of_attacks.iter().rev().take(5).collect::<Vec<_>>());
    let long = of_attacks.iter().filter(|(most, _)| *most >= 16).count() as f64 / n as f64;
    let usual = of_pairs.iter().filter(|most| **most >= 16).count() as f64 / pairs as f64;
    assert!(long > 10.0 * usual, "loops no longer stand out: {long} against {usual}");
}

/// A code, whether an attack created it, and which half it is in.
struct Sample {
    amounts: [f64; TRAITS],
    is_attack: bool,
    half: usize,
}

fn samples(folder: &std::path::Path, attacks: &[corpus::Attack]) -> Vec<Sample> {
    let mut codes: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for attack in attacks {
        for (at, frame) in attack.trace.frames.iter().enumerate() {
            let creates = matches!(frame.kind, FrameKind::Create | FrameKind::Create2);
            let counts = frame.output.len() >= CODE_BYTES_MIN && attack.trace.took_effect(at);
            if creates && counts {
                let half = usize::from(attack.hash[31]) % 2;
                codes.entry(frame.output.to_vec()).or_insert(half);
            }
        }
    }
    let others = corpus::unpacked(&folder.join("blocks/codes.json.zst"));
    let others: BTreeMap<String, Bytes> = serde_json::from_str(&others).unwrap();
    let mut all: Vec<Sample> = codes
        .iter()
        .map(|(code, half)| Sample { amounts: amounts(code), is_attack: true, half: *half })
        .collect();
    for (hash, code) in &others {
        if code.len() >= CODE_BYTES_MIN && !codes.contains_key(code.as_ref()) {
            let half = usize::from(*hex::decode(hash).unwrap().last().unwrap()) % 2;
            all.push(Sample { amounts: amounts(code), is_attack: false, half });
        }
    }
    all
}

/// Logistic regression with an L2 penalty on standardised amounts, both classes weighted alike: the
/// procedure that made the shipped weights.
fn fit(samples: &[&Sample]) -> ([f64; TRAITS], f64) {
    const PENALTY: f64 = 0.1;
    const ROUNDS: usize = 300;
    const PACE: f64 = 0.3;
    let attacks = samples.iter().filter(|sample| sample.is_attack).count() as f64;
    let others = samples.len() as f64 - attacks;
    let share = |sample: &Sample| 0.5 / if sample.is_attack { attacks } else { others };
    let (mut mean, mut spread) = ([0.0; TRAITS], [0.0; TRAITS]);
    for (at, mean) in mean.iter_mut().enumerate() {
        *mean = samples.iter().map(|s| s.amounts[at] * share(s)).sum();
        let variance: f64 =
            samples.iter().map(|s| (s.amounts[at] - *mean).powi(2) * share(s)).sum();
        spread[at] = variance.sqrt().max(1e-3);
    }
    let (mut weights, mut base) = ([0.0; TRAITS], 0.0);
    for _ in 0..ROUNDS {
        let mut slope: [f64; TRAITS] = weights.map(|weight| PENALTY * weight);
        let mut slope_base = 0.0;
        for sample in samples {
            let scaled = |at: usize| (sample.amounts[at] - mean[at]) / spread[at];
            let sum: f64 = (0..TRAITS).map(|at| weights[at] * scaled(at)).sum::<f64>() + base;
            let wanted = f64::from(u8::from(sample.is_attack));
            let error = (1.0 / (1.0 + (-sum).exp()) - wanted) * share(sample);
            slope_base += error;
            for (at, slope) in slope.iter_mut().enumerate() {
                *slope += error * scaled(at);
            }
        }
        base -= PACE * slope_base;
        for (weight, slope) in weights.iter_mut().zip(slope) {
            *weight -= PACE * slope;
        }
    }
    for at in 0..TRAITS {
        weights[at] /= spread[at];
        base -= weights[at] * mean[at];
    }
    (weights, base)
}

/// Chance that an attack's contract scores higher than another.
fn area(samples: &[&Sample], score: impl Fn(&Sample) -> f64) -> f64 {
    let of = |is_attack: bool| -> Vec<f64> {
        samples.iter().filter(|s| s.is_attack == is_attack).map(|s| score(s)).collect()
    };
    let (attacks, others) = (of(true), of(false));
    let wins: f64 = attacks
        .iter()
        .flat_map(|a| {
            others.iter().map(move |o| {
                if a > o {
                    1.0
                } else if a == o {
                    0.5
                } else {
                    0.0
                }
            })
        })
        .sum();
    wins / (attacks.len() * others.len()) as f64
}

#[test]
fn contracts_of_attacks_are_told_from_others_by_their_code() {
    let Some(folder) = folder() else { return };
    let attacks = corpus::attacks(&folder);
    let samples = samples(&folder, &attacks);
    let n = samples.iter().filter(|sample| sample.is_attack).count();
    println!("contracts that attacks created: {n}, contracts of mainnet: {}", samples.len() - n);
    let all: Vec<&Sample> = samples.iter().collect();
    let shipped = |sample: &Sample| -> f64 {
        let parts = weights().into_iter().zip(sample.amounts);
        parts.map(|((_, weight), amount)| weight * amount).sum::<f64>() + INTERCEPT
    };
    println!(
        "area under the curve, shipped weights, the data they were fitted on: {:.2}",
        area(&all, shipped)
    );
    let told = |is_attack: bool| {
        let of = all.iter().filter(|sample| sample.is_attack == is_attack);
        let told = of.clone().filter(|sample| shipped(sample) >= 0.0).count();
        interval(told, of.count())
    };
    println!(
        "score of code alone of one half or more: attacks {}, others {}",
        told(true),
        told(false)
    );
    let mut held_out = Vec::new();
    for half in 0..2 {
        let (fitted, tried): (Vec<&Sample>, Vec<&Sample>) =
            all.iter().copied().partition(|sample| sample.half != half);
        let (weights, base) = fit(&fitted);
        let score = |sample: &Sample| -> f64 {
            weights.iter().zip(sample.amounts).map(|(w, amount)| w * amount).sum::<f64>() + base
        };
        let n = tried.iter().filter(|sample| sample.is_attack).count();
        let area = area(&tried, score);
        println!("area under the curve, held-out half {half}: {area:.2}, {n} contracts of attacks");
        held_out.push(area);
    }
    let mentions = |attack: &&corpus::Attack| {
        let created = attack
            .trace
            .frames
            .iter()
            .filter(|frame| matches!(frame.kind, FrameKind::Create | FrameKind::Create2));
        let mut bytes = created.flat_map(|frame| [&frame.input, &frame.output]);
        bytes.any(|code| {
            attack
                .victims
                .iter()
                .any(|victim| code.windows(20).any(|part| part == victim.as_slice()))
        })
    };
    let creating: Vec<_> = attacks
        .iter()
        .filter(|attack| !attack.victims.is_empty())
        .filter(|attack| {
            attack
                .trace
                .frames
                .iter()
                .any(|frame| matches!(frame.kind, FrameKind::Create | FrameKind::Create2))
        })
        .collect();
    let named = creating.iter().copied().filter(mentions).count();
    println!(
        "attacks that create contracts on the spot, and mention a labelled victim in one: {}",
        interval(named, creating.len())
    );
    assert!(held_out.iter().all(|area| *area > AREA_MIN), "{held_out:?}");
}
