//! Points and buckets.

use std::sync::Arc;

use bellwether_store::{
    BlockSamples, Bucket, LabelMatcher, MatchOp, RangeQuery, SERIES_PER_QUERY_MAX, Step, Store,
};
use expect_test::expect;
use model::{BlockRef, Name, Position, Sample, SeriesKey, UnixSeconds};
use proptest::prelude::*;

use crate::world::{block, name};

fn key(contract: &str) -> Arc<SeriesKey> {
    Arc::new(SeriesKey::new("calls", [("contract", contract), ("network", "mainnet")]))
}

fn sample(contract: &str, at: u64, value: f64) -> Sample {
    Sample { series: key(contract), at: UnixSeconds(at), value }
}

fn commit(store: &Store, reverted: Vec<BlockRef>, block: BlockRef, samples: Vec<Sample>) {
    let net = name("mainnet");
    let from = store.checkpoint(&net).unwrap().map_or(Position(0), |c| c.position);
    let mut step = Step::new(net, from, from.next(), 1);
    step.reverted = reverted;
    step.samples = vec![BlockSamples { block, samples }];
    store.commit(&step).unwrap();
}

fn query(from: u64, until: u64, step_s: u64) -> RangeQuery {
    RangeQuery {
        network: None,
        metric: "calls".into(),
        matchers: Vec::new(),
        from: UnixSeconds(from),
        until: UnixSeconds(until),
        step_s,
    }
}

fn points(store: &Store, contract: &str) -> Vec<(u64, f64)> {
    let matchers = vec![LabelMatcher::equal("contract", contract)];
    let answer = store.series().range(&RangeQuery { matchers, ..query(0, 10_000, 1) }).unwrap();
    let buckets = answer.into_iter().flat_map(|series| series.buckets);
    buckets.map(|bucket| (bucket.at.0, bucket.last)).collect()
}

#[test]
fn buckets_tell_minimum_maximum_mean_last_and_count() {
    let store = Store::in_memory().unwrap();
    let values = [(59, 9.0), (60, 4.0), (61, 1.0), (119, 7.0), (180, -2.0)];
    let samples = values.iter().map(|&(at, value)| sample("vault", at, value)).collect();
    commit(&store, Vec::new(), block(1, 1), samples);
    let answer = store.series().range(&query(60, 240, 60)).unwrap();
    assert_eq!(answer.len(), 1);
    assert_eq!((&answer[0].network, &answer[0].key), (&name("mainnet"), key("vault").as_ref()));
    let at = UnixSeconds;
    assert_eq!(
        answer[0].buckets,
        [
            Bucket { at: at(60), min: 1.0, max: 7.0, mean: 4.0, last: 7.0, n: 3 },
            Bucket { at: at(180), min: -2.0, max: -2.0, mean: -2.0, last: -2.0, n: 1 },
        ],
        "the minute without values is absent"
    );
}

#[test]
fn the_highest_block_of_a_second_is_its_value_and_a_reversal_brings_the_one_below_back() {
    let store = Store::in_memory().unwrap();
    commit(&store, Vec::new(), block(1, 1), vec![sample("vault", 100, 1.0)]);
    commit(&store, Vec::new(), block(2, 2), vec![sample("vault", 100, 2.0)]);
    let other = vec![sample("vault", 101, 3.0), sample("vault", 40, 3.0), sample("new", 101, 1.0)];
    commit(&store, Vec::new(), block(3, 3), other);
    assert_eq!(points(&store, "vault"), [(40, 3.0), (100, 2.0), (101, 3.0)]);
    let undone = vec![block(3, 3), block(2, 2)];
    commit(&store, undone, block(2, 22), vec![sample("vault", 102, 5.0)]);
    assert_eq!(points(&store, "vault"), [(100, 1.0), (102, 5.0)]);
    assert_eq!(points(&store, "new"), []);
}

#[test]
fn a_reversal_on_one_network_leaves_the_others_alone() {
    let store = Store::in_memory().unwrap();
    for (network, revert) in [("a", false), ("b", false), ("a", true)] {
        let net = name(network);
        let from = store.checkpoint(&net).unwrap().map_or(Position(0), |c| c.position);
        let mut step = Step::new(net, from, from.next(), 1);
        if revert {
            step.reverted = vec![block(1, 1)];
        } else {
            let samples = vec![sample("vault", 100, 1.0)];
            step.samples = vec![BlockSamples { block: block(1, 1), samples }];
        }
        store.commit(&step).unwrap();
    }
    let networks: Vec<Name> =
        store.series().range(&query(0, 200, 1)).unwrap().into_iter().map(|s| s.network).collect();
    assert_eq!(networks, [name("b")]);
}

#[test]
fn totals_add_up_every_block_even_of_one_second() {
    let store = Store::in_memory().unwrap();
    commit(&store, Vec::new(), block(1, 1), vec![sample("a", 10, 2.0), sample("b", 10, f64::NAN)]);
    commit(&store, Vec::new(), block(2, 2), vec![sample("a", 10, 3.0)]);
    commit(&store, Vec::new(), block(3, 3), vec![sample("a", 19, 4.0)]);
    let totals = |from, until| {
        store.series().totals("calls", &[], UnixSeconds(from), UnixSeconds(until)).unwrap()
    };
    let all = totals(0, 20);
    assert_eq!(all.len(), 1, "a series without a value has no total");
    assert_eq!((all[0].sum, all[0].n), (9.0, 3));
    assert_eq!((all[0].first_at, all[0].last_at), (UnixSeconds(10), UnixSeconds(19)));
    assert_eq!(totals(0, 19)[0].sum, 5.0);
    assert_eq!(totals(20, 30), []);
}

#[test]
fn matchers_work_as_in_prometheus() {
    let store = Store::in_memory().unwrap();
    let samples = ["a", "b", "c"].map(|contract| sample(contract, 10, 1.0)).to_vec();
    commit(&store, Vec::new(), block(1, 1), samples);
    let series = store.series();
    let keys = |label: &str, op: MatchOp| -> String {
        let matcher = LabelMatcher { label: label.into(), op };
        let found = series.keys(None, "calls", &[matcher]).unwrap();
        let contracts: Vec<_> =
            found.iter().map(|(_, key)| key.label("contract").unwrap_or_default()).collect();
        contracts.join(" ")
    };
    assert_eq!(keys("contract", MatchOp::Equal("b".into())), "b");
    assert_eq!(keys("contract", MatchOp::NotEqual("b".into())), "a c");
    assert_eq!(keys("contract", MatchOp::OneOf(vec!["c".into(), "a".into()])), "a c");
    assert_eq!(keys("function", MatchOp::Equal(String::new())), "a b c", "absent is empty");
    assert_eq!(keys("function", MatchOp::NotEqual(String::new())), "");
    assert_eq!(series.metrics().unwrap(), ["calls"]);
    assert_eq!(series.keys(Some(&name("other")), "calls", &[]).unwrap(), []);
}

#[test]
fn the_last_value_is_the_newest_even_when_it_is_no_number() {
    let store = Store::in_memory().unwrap();
    let samples = vec![sample("a", 10, 1.0), sample("a", 12, f64::NAN), sample("b", 11, 2.0)];
    commit(&store, Vec::new(), block(1, 1), samples);
    let last = store.series().last(None, "calls", &[]).unwrap();
    let shown: Vec<String> = last
        .iter()
        .map(|(network, key, at, value)| format!("{network} {key} {} {value}", at.0))
        .collect();
    expect![[r#"
        mainnet calls{contract="a",network="mainnet"} 12 NaN
        mainnet calls{contract="b",network="mainnet"} 11 2"#]]
    .assert_eq(&shown.join("\n"));
    assert_eq!(points(&store, "a"), [(10, 1.0)], "in a chart it is as if it were not there");
}

#[test]
fn values_that_are_large_or_infinite_survive() {
    let store = Store::in_memory().unwrap();
    let values = [f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, -0.0];
    let samples = (0..).zip(values).map(|(at, value)| sample("a", at, value)).collect();
    commit(&store, Vec::new(), block(1, 1), samples);
    let read: Vec<f64> = points(&store, "a").into_iter().map(|(_, value)| value).collect();
    assert_eq!(read, values);
}

#[test]
fn queries_that_cannot_be_answered_say_why() {
    let store = Store::in_memory().unwrap();
    let refused = |query: &RangeQuery| store.series().range(query).unwrap_err().to_string();
    expect!["bad query: a step of 0 seconds"].assert_eq(&refused(&query(0, 1, 0)));
    expect!["bad query: a range that ends where it begins, or before"]
        .assert_eq(&refused(&query(5, 5, 1)));
    expect!["buckets: 18446744073709551615 asked for, at most 11000 in one query"]
        .assert_eq(&refused(&query(0, u64::MAX, 1)));
    let many = (0..=SERIES_PER_QUERY_MAX).map(|i| sample(&i.to_string(), 1, 1.0)).collect();
    commit(&store, Vec::new(), block(1, 1), many);
    expect!["series: 1001 asked for, at most 1000 in one query"]
        .assert_eq(&refused(&query(0, 10, 1)));
}

#[test]
fn pruning_deletes_what_is_older_than_the_raw_tier_and_says_when_there_is_more() {
    let store = Store::in_memory().unwrap();
    let old = (0..60_000).map(|at| sample("a", at, 1.0));
    let new = [sample("a", 70_000, 2.0), sample("b", 70_001, 3.0)];
    commit(&store, Vec::new(), block(1, 1), old.chain(new).collect());
    let (network, before) = (name("mainnet"), UnixSeconds(60_000));
    let series = store.series();
    assert!(series.prune(&network, before).unwrap().has_more);
    let rest = series.prune(&network, before).unwrap();
    assert_eq!((rest.points, rest.has_more), (10_000, false));
    assert_eq!(series.prune(&network, before).unwrap().points, 0);
    let elsewhere = series.prune(&name("base"), UnixSeconds(90_000)).unwrap();
    assert_eq!(elsewhere.points, 0, "another network's points are its own");
    let left: Vec<u64> =
        series.last(None, "calls", &[]).unwrap().iter().map(|(_, _, at, _)| at.0).collect();
    assert_eq!(left, [70_000, 70_001]);
}

proptest! {
    #[test]
    fn buckets_agree_with_arithmetic_on_the_points(
        points in prop::collection::btree_map(0u64..500, -1e6f64..1e6, 1..60),
        from in 0u64..300,
        length in 1u64..300,
        step_s in 1u64..50,
    ) {
        let store = Store::in_memory().unwrap();
        let samples = points.iter().map(|(&at, &value)| sample("a", at, value)).collect();
        commit(&store, Vec::new(), block(1, 1), samples);
        let answer = store.series().range(&query(from, from + length, step_s)).unwrap();
        let buckets = answer.into_iter().flat_map(|series| series.buckets).collect::<Vec<_>>();
        let mut expected: Vec<(u64, Vec<f64>)> = Vec::new();
        for (&at, &value) in points.range(from..from + length) {
            let begins = at / step_s * step_s;
            match expected.last_mut() {
                Some((last, values)) if *last == begins => values.push(value),
                _ => expected.push((begins, vec![value])),
            }
        }
        prop_assert_eq!(buckets.len(), expected.len());
        for (bucket, (at, values)) in buckets.iter().zip(&expected) {
            let n = values.len();
            prop_assert_eq!((bucket.at.0, bucket.n), (*at, n as u64));
            prop_assert_eq!(bucket.min, values.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(bucket.max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            prop_assert_eq!(bucket.last, values[n - 1]);
            prop_assert!((bucket.mean - values.iter().sum::<f64>() / n as f64).abs() < 1e-6);
        }
    }
}
