use model::{
    Address, Alert, AlertId, AlertState, Anchor, B256, BlockRef, Confidence, Evidence, Finding,
    FindingId, Measure, Name, Origin, Severity, UnixMillis, UnixSeconds,
};
use proptest::prelude::*;

use super::*;
use crate::life::{Deed, Life, Truth};

const START: UnixMillis = UnixMillis(1_800_000_000_000);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn alert(detector: &str) -> Publishable {
    Publishable::of(private(detector)).unwrap()
}

fn private(detector: &str) -> Alert {
    let monitor = name("secret-monitor");
    let network = name("mainnet");
    let anchor = Anchor::Episode { entity: "e".to_owned(), began: UnixSeconds(0) };
    let id = FindingId::derive(&monitor, 1, &network, &anchor, "");
    let block = BlockRef { number: 77, hash: B256::repeat_byte(7) };
    let measure = Measure {
        name: "secret measure".to_owned(),
        unit: "USD".to_owned(),
        value: 31_337.0,
        threshold: 4_242.0,
        history: None,
    };
    let first = Finding {
        id,
        detector: detector.to_owned(),
        monitor: monitor.clone(),
        version: 1,
        network: network.clone(),
        deployment: Some(name("vault")),
        address: Some(Address::repeat_byte(1)),
        severity: Severity::Critical,
        confidence: Confidence::Heuristic,
        title: "secret headline".to_owned(),
        origin: Origin {
            block,
            timestamp: UnixSeconds(1_800_000_000),
            tx: Some(B256::repeat_byte(9)),
            log_index: None,
            frame: None,
        },
        evidence: Evidence { measure: Some(measure), facts: Vec::new() },
        value_at_risk: None,
        runbook: Some("secret runbook".to_owned()),
    };
    Alert {
        id: AlertId([5; 16]),
        fingerprint: "secret fingerprint".to_owned(),
        network: Some(network),
        monitor,
        deployment: Some(name("vault")),
        state: AlertState::Confirmed,
        severity: Severity::Critical,
        cause: first.into(),
        findings: Vec::new(),
        more: Vec::new(),
        opened_at: UnixSeconds(1_800_000_000),
        last_finding_at: UnixSeconds(1_800_000_000),
        created_at: START,
        told: Default::default(),
    }
}

fn policy(detectors: &str) -> Policy {
    let rule = Rule::of(vec![detectors.parse().unwrap()]);
    Policy { rules: vec![rule], fields: Policy::FIELDS_DEFAULT.into() }
}

fn subject<'a>(shown: &'a Publishable, life: &'a Life) -> Subject<'a> {
    Subject {
        shown,
        severity: shown.alert().severity,
        life,
        silence: None,
        headline: "secret headline",
    }
}

fn confirmed() -> Life {
    Life::new(Truth::Confirmed, START, "")
}

fn told(detector: &str, life: &Life, policy: &Policy, after_ms: i64) -> String {
    let alert = alert(detector);
    consider(None, &subject(&alert, life), policy, START.plus(after_ms)).to_string()
}

#[test]
fn an_attack_that_is_certain_is_told_at_once_and_one_that_is_not_waits() {
    let flow = policy("flow/*");
    let certain = told("flow/flash_loan", &confirmed(), &flow, 0);
    assert!(certain.starts_with("published as"), "{certain}");
    let provisional = Life::new(Truth::Provisional, START, "");
    let waits = told("flow/flash_loan", &provisional, &flow, 0);
    assert_eq!(waits, "waits: its block can still be reverted");
}

#[test]
fn a_weakness_is_told_when_it_is_closed_or_its_hold_is_over_and_not_before() {
    let policy = policy("access/role_change");
    let open = confirmed();
    let waits = told("access/role_change", &open, &policy, 89 * DAY_MS);
    assert!(waits.contains("an exploitable weakness"), "{waits}");
    assert!(told("access/role_change", &open, &policy, 90 * DAY_MS).starts_with("published"));
    let mut closed = confirmed();
    closed.hear(&name("ann"), Deed::Acknowledge, START, "");
    assert!(told("access/role_change", &closed, &policy, 1).starts_with("waits"), "being closed");
    closed.hear(&name("ann"), Deed::Resolve, START.plus(1), "");
    let alert = alert("access/role_change");
    let standing = consider(None, &subject(&alert, &closed), &policy, START.plus(2));
    assert_eq!(standing.notice().unwrap().status, Status::Over);
}

#[test]
fn nobody_is_told_of_what_is_not_listed_or_is_about_the_watch_itself() {
    let policy = policy("flow/*");
    let life = confirmed();
    assert_eq!(
        told("liquidity/unexpected_outflow", &life, &policy, 0),
        "withheld: no rule of public.toml takes it"
    );
    let all = Policy {
        rules: vec![Rule::of(vec!["chain/*".parse().unwrap(), "silence/*".parse().unwrap()])],
        ..policy.clone()
    };
    assert_eq!(told("chain/blind", &life, &all, 0), "withheld: it is about the watch itself");
    let mut mild = policy.clone();
    mild.rules[0].severity_min = Severity::Critical;
    let high = Alert { severity: Severity::High, ..private("flow/flash_loan") };
    let high = Publishable::of(high).unwrap();
    let standing = consider(None, &subject(&high, &life), &mild, START);
    assert_eq!(standing.to_string(), "withheld: its rule takes critical and worse");
}

#[test]
fn what_is_silenced_or_was_nothing_before_it_was_told_is_not_told() {
    let policy = policy("flow/*");
    let alert = alert("flow/flash_loan");
    let life = confirmed();
    let silence = name("upgrade");
    let hidden =
        Subject { silence: Some((&silence, START.plus(60_000))), ..subject(&alert, &life) };
    let waits = consider(None, &hidden, &policy, START);
    assert_eq!(waits.look_at(), Some(START.plus(60_000)));
    let mut benign = confirmed();
    benign.hear(&name("ann"), Deed::Benign, START, "our own test");
    assert!(told("flow/flash_loan", &benign, &policy, 0).starts_with("withheld"));
    let void = Life::new(Truth::Retracted, START, "");
    assert!(told("flow/flash_loan", &void, &policy, 0).starts_with("withheld"));
}

#[test]
fn what_was_told_is_taken_back_in_public_also_when_its_rule_is_gone() {
    let alert = alert("flow/flash_loan");
    let mut life = confirmed();
    let first = consider(None, &subject(&alert, &life), &policy("flow/*"), START);
    let same = consider(Some(&first), &subject(&alert, &life), &policy("flow/*"), START.plus(5));
    assert_eq!(first, same, "no news is no revision");
    life.turn(Truth::Retracted, START.plus(10), "");
    let gone = Policy::default();
    let void = consider(Some(&same), &subject(&alert, &life), &gone, START.plus(10));
    let notice = void.notice().unwrap();
    assert_eq!((notice.revision, notice.status), (2, Status::Retracted));
    assert_eq!(notice.published_at, START);
    assert_eq!(notice.title, first.notice().unwrap().title, "under the name that was told");
}

#[test]
fn a_notice_holds_what_is_listed_and_nothing_else() {
    let alert = alert("flow/flash_loan");
    let life = confirmed();
    let bare = Policy { fields: Default::default(), ..policy("flow/*") };
    let notice = |policy| {
        let standing = consider(None, &subject(&alert, &life), &policy, START);
        serde_json::to_value(standing.notice().unwrap()).unwrap()
    };
    let told = notice(bare);
    let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "published_at", "revision", "status", "title", "updated_at"]);
    let usual = notice(policy("flow/*"));
    assert!(!usual.to_string().contains("secret"), "{usual}");
    assert!(!usual.to_string().contains("4242"), "{usual}");
    for field in Field::ALL {
        let one = Policy { fields: [field].into(), ..policy("flow/*") };
        let more = notice(one).as_object().unwrap().len() - keys.len();
        assert!(more <= 1, "{}", field.as_str());
    }
    let id = alert.alert().id.to_string();
    assert!(!usual.to_string().contains(&id), "the alert is not addressed from outside");
}

#[test]
fn kinds_are_sorted_so_that_they_are_found() {
    let ids: Vec<&str> = known().collect();
    assert!(ids.is_sorted());
    for id in ids {
        assert_ne!(kind(id).title, kind("nobody/knows").title, "{id}");
    }
    assert_eq!(kind("expression").class, Class::Weakness, "who does not know keeps quiet");
}

fn waiting(n: u8, severity: Severity, is_end: bool) -> Waiting {
    Waiting { alert: AlertId([n; 16]), severity, is_end, since: START }
}

#[test]
fn beyond_what_a_channel_bears_one_message_counts_the_others() {
    let allowance = Allowance { burst: 3, per_hour: 1 };
    let mut meter = Meter::new(allowance, START);
    let all: Vec<Waiting> = (0..10).map(|n| waiting(n, Severity::High, false)).collect();
    let said = bulletins(all, &mut meter, allowance, START);
    assert_eq!(said.iter().map(|b| b.others.len()).collect::<Vec<_>>(), [0, 0, 7]);
    let worse = vec![waiting(20, Severity::Critical, false)];
    assert!(bulletins(worse.clone(), &mut meter, allowance, START.plus(60_000)).is_empty());
    assert_eq!(meter.next(allowance), START.plus(3_600_000));
    assert_eq!(bulletins(worse, &mut meter, allowance, START.plus(3_600_000)).len(), 1);
}

#[test]
fn what_takes_something_back_does_not_wait() {
    let allowance = Allowance { burst: 1, per_hour: 1 };
    let mut meter = Meter::new(allowance, START);
    bulletins(vec![waiting(1, Severity::High, false)], &mut meter, allowance, START);
    let mixed = vec![
        waiting(1, Severity::High, true),
        waiting(2, Severity::High, true),
        waiting(3, Severity::Critical, false),
    ];
    let said = bulletins(mixed, &mut meter, allowance, START.plus(1));
    assert_eq!(said, [Bulletin { lead: AlertId([1; 16]), others: vec![AlertId([2; 16])] }]);
}

proptest! {
    /// Whatever waits and however often one looks: nothing is said twice or lost, and news does not
    /// exceed the allowance.
    #[test]
    fn nothing_is_lost_and_no_channel_gets_more_than_it_bears(
        arrivals in proptest::collection::vec((0..3_600_000i64, any::<bool>()), 1..60),
        burst in 1..5u32, per_hour in 1..20u32,
    ) {
        let allowance = Allowance { burst, per_hour };
        let mut meter = Meter::new(allowance, START);
        let mut queue: Vec<Waiting> = Vec::new();
        let mut said = Vec::new();
        let mut sorted = arrivals.clone();
        sorted.sort_unstable();
        let mut messages = 0;
        for (n, (at, is_bad)) in sorted.iter().enumerate() {
            let severity = if *is_bad { Severity::Critical } else { Severity::High };
            queue.push(waiting(u8::try_from(n).unwrap(), severity, false));
            for bulletin in bulletins(queue.clone(), &mut meter, allowance, START.plus(*at)) {
                messages += 1;
                let told = std::iter::once(bulletin.lead).chain(bulletin.others);
                for alert in told {
                    queue.retain(|w| w.alert != alert);
                    said.push(alert);
                }
            }
        }
        prop_assert!(messages <= burst + per_hour, "{messages}");
        // Enough time later, all of it is said.
        let end = bulletins(queue, &mut meter, allowance, START.plus(DAY_MS));
        said.extend(end.into_iter().flat_map(|b| std::iter::once(b.lead).chain(b.others)));
        said.sort_unstable();
        let all: Vec<AlertId> = (0..sorted.len()).map(|n| AlertId([n as u8; 16])).collect();
        prop_assert_eq!(said, all);
    }
}
