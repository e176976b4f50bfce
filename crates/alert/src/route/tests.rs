use std::fmt::Write as _;

use expect_test::expect;
use jiff::{civil::time, tz::TimeZone};
use proptest::prelude::*;

use super::*;
use crate::{Days, Span};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn branch(name_: &str, matchers: &str, branches: Vec<Branch>) -> Branch {
    let matchers = Matcher::list(matchers).unwrap();
    Branch { matchers, branches, ..Branch::new(name(name_)) }
}

fn labels(text: &[(&str, &str)]) -> Labels {
    text.iter().copied().collect()
}

/// Where an alert goes, by `route` and, which must agree, by `explain`.
fn ways(tree: &Tree, labels: &Labels, severity: Severity, at: UnixMillis) -> Vec<String> {
    let subject = Subject { labels, severity, at };
    let routed: Vec<String> = tree.route(&subject).iter().map(|w| w.path.to_string()).collect();
    let walk = tree.explain(&subject);
    let ends = walk.iter().filter(|visit| visit.is_end).map(|visit| visit.path.to_string());
    assert_eq!(routed, ends.collect::<Vec<_>>());
    routed
}

#[test]
fn the_first_branch_that_takes_it_decides_unless_it_says_to_go_on() {
    let mut vaults = branch("vaults", "class=vault", vec![branch("usdc", "asset=usdc", vec![])]);
    vaults.continue_matching = true;
    let rest = branch("acme", "protocol=acme", vec![]);
    let tree = Tree::new(branch("all", "", vec![vaults, rest])).unwrap();
    let at = UnixMillis(0);
    let both = labels(&[("class", "vault"), ("protocol", "acme"), ("asset", "usdc")]);
    assert_eq!(ways(&tree, &both, Severity::Low, at), ["all/vaults/usdc", "all/acme"]);
    let vault = labels(&[("class", "vault")]);
    assert_eq!(ways(&tree, &vault, Severity::Low, at), ["all/vaults"]);
    assert_eq!(ways(&tree, &labels(&[]), Severity::Low, at), ["all"]);
}

#[test]
fn a_branch_has_what_it_does_not_say_from_the_one_above() {
    let mut root = branch("all", "", vec![branch("acme", "protocol=acme", vec![])]);
    root.receivers = Some(vec![name("chat")]);
    root.group_wait_s = Some(7);
    root.group_by = Some(GroupBy::Alert);
    root.muted = vec![Hours { zone: TimeZone::UTC, spans: vec![] }];
    root.branches[0].repeat_interval_s = Some(3_600);
    let tree = Tree::new(root).unwrap();
    let way = tree.way(&"all/acme".into()).unwrap();
    assert_eq!(way.receivers, [name("chat")]);
    assert_eq!((way.group_wait_s, way.repeat_interval_s), (7, 3_600));
    assert_eq!(way.group_by, GroupBy::Alert);
    assert!(way.muted.is_empty(), "hours of silence are a branch's own");
}

#[test]
fn the_walk_says_why_each_branch_took_the_alert_or_did_not() {
    let spans = vec![Span { days: Days::ALL, from: time(9, 0, 0, 0), to: time(17, 0, 0, 0) }];
    let mut office = branch("office", "", vec![]);
    office.hours = Some(Hours { zone: TimeZone::UTC, spans });
    let mut pages = branch("pages", "", vec![]);
    pages.severity_min = Severity::High;
    let below = vec![branch("usdc", "asset=~\"usdc|usdt\"", vec![])];
    let tree = Tree::new(branch(
        "all",
        "",
        vec![pages, office, branch("acme", "protocol=acme", below), branch("last", "", vec![])],
    ))
    .unwrap();
    let labels = labels(&[("protocol", "acme"), ("asset", "dai")]);
    let subject = Subject { labels: &labels, severity: Severity::Low, at: UnixMillis(0) };
    let mut said = String::new();
    for visit in tree.explain(&subject) {
        let why = visit.missed.map_or("takes it".to_owned(), |missed| missed.to_string());
        let end = if visit.is_end { ", and it stays" } else { "" };
        writeln!(said, "{:1$}{2}: {why}{end}", "", visit.depth * 2, visit.path).unwrap();
    }
    expect![[r#"
        all: takes it
          all/pages: takes alerts from high on
          all/office: not within its hours
          all/acme: takes it, and it stays
            all/acme/usdc: wants asset=~"usdc|usdt", and asset is "dai"
          all/last: a branch before it took the alert
    "#]]
    .assert_eq(&said);
}

#[test]
fn what_is_wrong_with_a_tree_is_said_all_at_once() {
    let mut repeat = branch("repeat", "class=vault", vec![]);
    (repeat.repeat_interval_s, repeat.group_interval_s) = (Some(60), Some(0));
    repeat.group_by = Some(GroupBy::Labels(vec!["a".into(), "a".into()]));
    let tree = branch(
        "all",
        "protocol=acme",
        vec![
            repeat,
            branch("never", "class=vault, class=pool", vec![]),
            branch("wide", "", vec![]),
            branch("wide", "class=oracle", vec![]),
        ],
    );
    let faults = Tree::new(tree).unwrap_err();
    let said: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
    expect![[r#"
        the root all takes only some alerts: what it does not take, nobody would hear of
        route all/repeat: group_interval may not be 0
        route all/repeat: group_by names a twice
        route all/never is never reached: repeat takes everything before it
        route all/never takes nothing: class="vault" and class="pool" never hold together
        route all has two branches called wide
        route all/wide is never reached: wide takes everything before it
    "#]]
    .assert_eq(&said);
}

#[derive(Debug, Clone)]
struct Drawn {
    matchers: Vec<(usize, usize, usize)>,
    severity: usize,
    goes_on: bool,
    below: Vec<Drawn>,
}

const VALUES: [&str; 6] = ["", "a", "b", "a|b", "a.*", "c|a"];

fn drawn() -> impl Strategy<Value = Drawn> {
    let matcher = (0..3usize, 0..4usize, 0..VALUES.len());
    let own = (proptest::collection::vec(matcher, 0..3), 0..3usize, any::<bool>());
    let leaf = own.clone().prop_map(|(matchers, severity, goes_on)| Drawn {
        matchers,
        severity,
        goes_on,
        below: vec![],
    });
    leaf.prop_recursive(3, 40, 6, move |below| {
        (own.clone(), proptest::collection::vec(below, 0..6)).prop_map(
            |((matchers, severity, goes_on), below)| Drawn { matchers, severity, goes_on, below },
        )
    })
}

fn grown(drawn: &Drawn, at: usize) -> Branch {
    let matchers = drawn.matchers.iter().map(|(label, op, value)| {
        let op = [Op::Equal, Op::NotEqual, Op::Like, Op::NotLike][*op];
        Matcher::new(["x", "y", "z"][*label], op, VALUES[*value]).unwrap()
    });
    Branch {
        matchers: matchers.collect(),
        severity_min: Severity::ALL[drawn.severity],
        continue_matching: drawn.goes_on,
        branches: drawn.below.iter().enumerate().map(|(i, b)| grown(b, i)).collect(),
        ..Branch::new(name(&format!("b{at}")))
    }
}

use crate::Op;

proptest! {
    /// The index changes what routing costs, never where alerts go.
    #[test]
    fn the_index_finds_what_asking_every_branch_finds(
        below in proptest::collection::vec(drawn(), 0..12),
        values in proptest::collection::vec(0..4usize, 3),
        severity in 0..4usize,
    ) {
        let root = Drawn { matchers: vec![], severity: 0, goes_on: false, below };
        let mut tree = Tree { nodes: Vec::new(), by_path: HashMap::new() };
        // Past the check for faults: drawn trees contradict themselves.
        tree.grow(grown(&root, 0), None);
        let values = values.iter().map(|value| ["", "a", "b", "ab"][*value]);
        let labels: Labels = ["x", "y", "z"].into_iter().zip(values).collect();
        ways(&tree, &labels, Severity::ALL[severity], UnixMillis(0));
    }
}
