//! How well attacks are told from everyday use by the shape of their calls, on recorded chain data:
//! `cargo xtask quality exploits` runs this and prints the figures of `docs/quality.md`. They may
//! rise; the test fails when one falls, and when the page says another than was measured
//! (`UPDATE_EXPECT=1` writes it).
//!
//! The data is no part of the repository: `BELLWETHER_CORPUS` names its folder, and without it the
//! test says that it was skipped.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]
#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

mod corpus; //   attacks and everyday transactions, as recorded
mod execution; // recorded blocks, executed once more
mod facts; //    what the chain says outright, against another reading of it
mod figures; //  the measuring, and the page that says what came out
mod fit; //      the weights, fitted anew without what they are tried on
mod mutation; // what an attacker could have done otherwise
mod prices; //   what tokens cost about
mod reputation; // lists, loops, and contracts made for an attack
mod rules; //    what one transaction is judged by

use std::path::PathBuf;

use detect::trace::{Protected, Scene, View, everyday_share, observe};
use figures::Figures;

/// Attacks of which the labelled victim takes part that must page: what was last measured.
const PAGED_MIN: usize = 67;

/// The page, and what encloses its generated part.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/quality.md");
const BEGINS: &str = "<!-- exploits: written by `cargo xtask quality exploits` -->\n";
const ENDS: &str = "<!-- end of exploits -->\n";

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: BELLWETHER_CORPUS is not set");
    }
    folder
}

#[test]
fn attacks_are_found_and_everyday_use_wakes_nobody() {
    let Some(folder) = folder() else { return };
    let figures = Figures::measure(&folder);
    let measured = figures.page();
    println!("\n{measured}\n{}\n{}", figures.speed(), figures.lines());
    let everyday = &figures.everyday;
    for score in [0.5, 1.0, 2.0, 3.0, 4.0, 4.5, 5.0, 5.5] {
        let above = everyday.scores.iter().filter(|known| **known >= score).count();
        let (share, stated) = (above as f64 / everyday.pairs as f64, everyday_share(score));
        assert!(share <= stated, "{share} of everyday pairs score {score}, {stated} is stated");
    }
    let pages = &everyday.pages;
    assert!(pages.is_empty(), "everyday use pages: {pages:#?}");
    let paged = figures.paged();
    assert!(paged >= PAGED_MIN, "{paged} attacks page, {PAGED_MIN} did before");
    says(&measured);
}

/// Holds the page against what was measured.
fn says(measured: &str) {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGINS).expect("the page has a generated part");
    let (stated, after) = rest.split_once(ENDS).expect("the generated part ends");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(PAGE, format!("{before}{BEGINS}\n{measured}\n{ENDS}{after}")).unwrap();
    } else {
        assert_eq!(stated.trim(), measured.trim(), "docs/quality.md says another");
    }
}

#[test]
fn both_forms_of_traces_give_the_same_fingerprints() {
    let Some(folder) = folder() else { return };
    let mut compared = 0;
    for (_, flat, nested) in corpus::both_forms(&folder) {
        assert_eq!(flat.len(), nested.len());
        for (flat, nested) in flat.iter().zip(&nested) {
            assert_eq!(flat.hash, nested.hash);
            let (a, b) = (Scene::new(&flat.trace, None), Scene::new(&nested.trace, None));
            for contract in &a.called {
                let protected: Protected = [*contract].into_iter().collect();
                let path = |scene: &Scene<'_>| {
                    let view = View::new(scene, &protected)?;
                    Some((detect::trace::Path::of(&view), observe(&view)))
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
    let Some(folder) = folder() else { return };
    let everyday = corpus::everyday(&folder);
    assert!(everyday.iter().all(|tx| tx.trace.frames.len() > 1));
    assert!(everyday.len() > 2_000, "{}", everyday.len());
}
