//! A drill is told like the real thing, a canary to the sink alone; neither touches what is real.

use std::{collections::BTreeMap, sync::Arc};

use bellwether_alert::{
    DRILL, Labels, NotTellable, Tellable, fingerprint,
    life::{Deed, Stage},
    pager::{DRILL_S_MAX, Facts, Input, Outcome, Pagers, Refusal, Side, Sides, Stored},
    public::{NotPublic, Publishable},
};
use model::{
    Alert, AlertId, AlertState, B256, BlockRef, Finding, Provenance, Severity, UnixMillis,
    UnixSeconds,
};
use proptest::prelude::*;

use crate::{
    pager::night::{START_MS, facts, id, plan, silence},
    play::{finding, name},
};

fn drill_finding() -> Finding {
    let block = BlockRef { number: 7, hash: B256::ZERO };
    let real = finding("mainnet", "vault", "drain", Severity::Critical, block, UnixSeconds(9));
    Finding { detector: Provenance::detector_of(&name("tuesday")), ..real }
}

fn alert_of(finding: Finding) -> Alert {
    let fingerprint = fingerprint(&finding);
    Alert {
        id: AlertId::derive(&fingerprint, finding.id),
        fingerprint,
        network: Some(finding.network.clone()),
        monitor: finding.monitor.clone(),
        deployment: finding.deployment.clone(),
        state: AlertState::Confirmed,
        severity: finding.severity,
        findings: Vec::new(),
        more: Vec::new(),
        opened_at: finding.origin.timestamp,
        last_finding_at: finding.origin.timestamp,
        created_at: UnixMillis(0),
        told: BTreeMap::new(),
        cause: finding.into(),
    }
}

#[test]
fn only_what_is_real_may_be_shown_to_everybody() {
    let drill = alert_of(drill_finding());
    assert_eq!(Publishable::of(drill.clone()), Err(NotPublic::Drill(name("tuesday"))));
    let real = alert_of(Finding { detector: "expression".to_owned(), ..drill_finding() });
    assert_eq!(Publishable::of(real.clone()).unwrap().alert(), &real);
    assert_ne!(real.fingerprint, drill.fingerprint);
    assert_ne!(real.id, drill.id, "what one alert is told by is not the other's");
}

#[test]
fn facts_of_a_drill_say_so_and_those_stored_before_are_real() {
    let facts = Facts::of(&alert_of(drill_finding()), "drill");
    assert_eq!(facts.labels.get(DRILL), "tuesday");
    let mut stored = serde_json::to_value(&facts).unwrap();
    assert_eq!(serde_json::from_value::<Facts>(stored.clone()).unwrap(), facts);
    stored.as_object_mut().unwrap().remove("provenance").unwrap();
    let old: Facts = serde_json::from_value(stored).unwrap();
    assert_eq!(old.provenance, Provenance::Live);
}

/// One thing that happens on one of the sides.
#[derive(Debug, Clone)]
enum Happening {
    Alert { number: u8, severity: usize },
    Said { number: u8, deed: usize },
    Silence { matchers: usize, two: bool },
    Passes { s: i64 },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1..6u8, 0..5usize).prop_map(|(number, severity)| Happening::Alert { number, severity }),
        2 => (1..6u8, 0..4usize).prop_map(|(number, deed)| Happening::Said { number, deed }),
        2 => (0..3usize, any::<bool>()).prop_map(|(matchers, two)| Happening::Silence { matchers, two }),
        4 => prop_oneof![1..40i64, 100..4_000i64].prop_map(|s| Happening::Passes { s }),
    ]
}

/// Alerts of all sides have the same labels but for the drill's own, so that they would share groups,
/// silences and readers if anything let them.
fn input(happening: &Happening, side: Side, at: usize, now: UnixMillis) -> Option<Input> {
    let offset = match side {
        Side::Live => 0,
        Side::Drill => 100,
        Side::Canary => 200,
    };
    Some(match happening {
        Happening::Alert { number, severity } => {
            let mut facts = facts(number + offset, Severity::ALL[*severity]);
            if side == Side::Drill {
                facts.provenance = Provenance::Drill { drill: name("tuesday") };
                facts.labels.set(DRILL, "tuesday");
            }
            if side == Side::Canary {
                facts.provenance = Provenance::Canary;
            }
            Input::Alert(facts)
        }
        Happening::Said { number, deed } => {
            let deeds = [Deed::Acknowledge, Deed::Resolve, Deed::Benign, Deed::Reopen];
            let (alerts, deed) = (vec![id(number + offset)], deeds[*deed].clone());
            Input::Said { alerts, by: name("ann"), deed, at: now, reason: String::new() }
        }
        Happening::Silence { matchers, two } => {
            let matchers = ["protocol=acme", "monitor=drain", "severity=high"][*matchers];
            let signed: &[&str] = if *two { &["ann", "bob"] } else { &["ann"] };
            let of_drills = match side {
                Side::Live | Side::Canary => String::new(),
                Side::Drill => format!(", {DRILL}=tuesday"),
            };
            let mut silence =
                silence(&format!("s-{at}"), &format!("{matchers}{of_drills}"), signed, 1);
            (silence.from, silence.until) = (now, now.plus(3_600_000));
            Input::Silence(silence)
        }
        Happening::Passes { .. } => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is drilled and whichever canaries fly meanwhile, what is real is told as if nothing
    /// was, and drills as if there were no canaries.
    #[test]
    fn no_drill_and_no_canary_changes_what_is_real_nor_the_other_way_round(
        happenings in proptest::collection::vec((happening(), 0..3usize), 1..40),
    ) {
        let plan = Arc::new(plan());
        let mut both = Pagers::new(&plan);
        let new = || Pagers::new(&plan);
        let mut alone = Sides { live: new(), drill: new(), canary: new() };
        let mut now = UnixMillis(START_MS);
        for (at, (happening, side)) in happenings.iter().enumerate() {
            let side = Side::ALL[*side];
            if let Happening::Passes { s } = happening {
                now = now.plus(s * 1_000);
            }
            let input = input(happening, side, at, now);
            // Word of an alert that nobody knows is refused on the side of what is real.
            let side = match &input {
                Some(Input::Said { alerts, .. }) if both.card(alerts[0]).is_none() => Side::Live,
                // Nobody can ask for quiet from canaries: it is asked of what is real.
                Some(Input::Silence(_)) if side == Side::Canary => Side::Live,
                _ => side,
            };
            let (outcomes, _) = both.apply_all(input.clone(), now);
            let mut of = |its: Side| {
                let input = input.clone().filter(|_| its == side);
                alone.of_mut(its).apply_all(input, now).0
            };
            let expected = Sides {
                live: of(Side::Live).live,
                drill: of(Side::Drill).drill,
                canary: of(Side::Canary).canary,
            };
            for message in &outcomes.canary.messages {
                prop_assert_eq!(message.to.to_string(), Provenance::SINK);
            }
            prop_assert_eq!(outcomes, expected);
        }
    }
}

#[test]
fn a_critical_drill_calls_people_as_the_real_thing_would_in_messages_of_its_own() {
    let mut pagers = Pagers::new(&Arc::new(plan()));
    let now = UnixMillis(START_MS);
    let mut drill = facts(101, Severity::Critical);
    drill.provenance = Provenance::Drill { drill: name("tuesday") };
    let real = facts(1, Severity::Critical);
    let inputs = [Input::Alert(drill), Input::Alert(real)];
    let (outcomes, refused) = pagers.apply_all(inputs, now);
    assert_eq!(refused, []);
    let told = |outcome: &Outcome| -> Vec<String> {
        outcome.messages.iter().map(|m| format!("{:?} {}", m.kind, m.to)).collect()
    };
    assert_eq!(told(&outcomes.drill), told(&outcomes.live), "the same people, the same channels");
    assert!(!outcomes.live.messages.is_empty());
    for (message, number) in outcomes
        .live
        .messages
        .iter()
        .map(|m| (m, 1))
        .chain(outcomes.drill.messages.iter().map(|m| (m, 101)))
    {
        let about: Vec<AlertId> = message.lines.iter().map(|line| line.alert).collect();
        assert_eq!(about, [id(number)], "no message speaks of both");
    }
    let groups =
        |outcome: &Outcome| outcome.messages.iter().filter_map(|m| m.group).collect::<Vec<_>>();
    assert!(groups(&outcomes.live).iter().all(|group| !groups(&outcomes.drill).contains(group)));
    // One word about both: each pager hears of its own.
    let alerts = vec![id(1), id(101)];
    let said = |alerts| Input::Said {
        alerts,
        by: name("ann"),
        deed: Deed::Acknowledge,
        at: now,
        reason: "on it".to_owned(),
    };
    pagers.apply_all([said(vec![id(101)])], now);
    let stage = |pagers: &Pagers, number| pagers.card(id(number)).unwrap().life().stage();
    assert_eq!(stage(&pagers, 101), Stage::Acknowledged);
    assert!(stage(&pagers, 1).is_unattended(), "nobody is on what is real");
    pagers.apply_all([said(alerts)], now);
    assert_eq!(stage(&pagers, 1), Stage::Acknowledged);
}

#[test]
fn a_silences_name_is_one_silence_and_both_sides_come_back_from_their_rows() {
    let plan = Arc::new(plan());
    let mut pagers = Pagers::new(&plan);
    let now = UnixMillis(START_MS);
    let of_drills = silence("quiet", &format!("{DRILL}=tuesday"), &["ann"], 1);
    let sign = Input::Sign { silence: name("quiet"), by: name("bob") };
    let (outcomes, refused) = pagers.apply_all([Input::Silence(of_drills), sign], now);
    assert_eq!(refused, []);
    assert!(outcomes.live.rows.is_empty(), "nothing real was silenced");
    let real = silence("quiet", "protocol=acme", &["ann"], 1);
    let (_, refused) = pagers.apply_all([Input::Silence(real)], now);
    assert_eq!(refused, [(0, Refusal::SilenceExists(name("quiet")))]);

    let mut drill = facts(101, Severity::High);
    drill.provenance = Provenance::Drill { drill: name("tuesday") };
    let more =
        pagers.apply_all([Input::Alert(drill), Input::Alert(facts(1, Severity::High))], now).0;
    let mut rows: BTreeMap<String, Stored> = BTreeMap::new();
    for (side, outcome) in outcomes.each().into_iter().chain(more.each()) {
        for row in outcome.rows {
            rows.insert(format!("{}{}", side.prefix(), row.key()), row.stored());
        }
    }
    let mut stored: Sides<Vec<Stored>> = Sides::default();
    for (key, row) in rows {
        stored.of_mut(Side::of_key(&key)).push(row);
    }
    let restored = Pagers::restore(&plan, stored).unwrap();
    for side in Side::ALL {
        let cards = |pagers: &Pagers| pagers.of(side).cards().cloned().collect::<Vec<_>>();
        let silences = |pagers: &Pagers| pagers.of(side).silences().cloned().collect::<Vec<_>>();
        assert_eq!(cards(&restored), cards(&pagers));
        assert_eq!(silences(&restored), silences(&pagers));
    }
    assert_eq!(restored.next_due(), pagers.next_due());
}

#[test]
fn another_systems_label_makes_no_drill() {
    // An alert from outside may carry any label; what decides is where it came from.
    let mut foreign = facts(1, Severity::Critical);
    foreign.labels = Labels::default().with(DRILL, "tuesday").with("protocol", "acme");
    let mut pagers = Pagers::new(&Arc::new(plan()));
    let (outcomes, _) = pagers.apply_all([Input::Alert(foreign)], UnixMillis(START_MS));
    assert!(!outcomes.live.messages.is_empty());
    assert_eq!(outcomes.drill, Outcome::default());
}

#[test]
fn a_drill_that_nobody_answers_ends_by_itself_and_says_so() {
    let mut pagers = Pagers::new(&Arc::new(plan()));
    let mut now = UnixMillis(START_MS);
    let mut drill = facts(101, Severity::Critical);
    drill.provenance = Provenance::Drill { drill: name("tuesday") };
    pagers.apply_all([Input::Alert(drill)], now);
    let end = now.plus(DRILL_S_MAX as i64 * 1_000);
    let mut pages = 0;
    while let Some(due) = pagers.next_due().filter(|due| *due < end) {
        now = now.max(due);
        let (outcomes, _) = pagers.apply_all([Input::Tick], now);
        pages += outcomes.drill.messages.len();
        assert_eq!(outcomes.live, Outcome::default());
    }
    assert!(pages > 3, "it escalates until then: {pages}");
    assert_eq!(pagers.next_due(), Some(end));
    let (outcomes, refused) = pagers.apply_all([Input::Tick], end);
    assert_eq!(refused, []);
    assert!(!outcomes.drill.messages.is_empty(), "who was called hears that it is over");
    let card = pagers.card(id(101)).unwrap();
    assert_eq!(card.life().stage(), Stage::Resolved);
    let last = card.life().steps().last().unwrap();
    assert_eq!(last.reason, "a drill ends by itself after 60 min");
    // And then it is over: nobody is called for it any more.
    let late = end.plus(86_400_000);
    while let Some(due) = pagers.next_due().filter(|due| *due < late) {
        let (outcomes, _) = pagers.apply_all([Input::Tick], due);
        assert!(outcomes.drill.messages.is_empty());
    }
}

fn canary(number: u8) -> Facts {
    Facts { provenance: Provenance::Canary, ..facts(200 + number, Severity::Critical) }
}

#[test]
fn a_canary_is_told_to_the_sink_at_once_and_to_nobody_else_however_bad_it_looks() {
    let mut pagers = Pagers::new(&Arc::new(plan()));
    let now = UnixMillis(START_MS);
    let (outcomes, refused) = pagers.apply_all([Input::Alert(canary(1))], now);
    assert_eq!(refused, []);
    assert_eq!((&outcomes.live, &outcomes.drill), (&Outcome::default(), &Outcome::default()));
    let told: Vec<String> = outcomes.canary.messages.iter().map(|m| m.to.to_string()).collect();
    assert_eq!(told, [Provenance::SINK]);
    assert_eq!(pagers.card(id(201)), None, "people have nothing to say about it");
    let said = Input::Said {
        alerts: vec![id(201)],
        by: name("ann"),
        deed: Deed::Acknowledge,
        at: now,
        reason: String::new(),
    };
    let (_, refused) = pagers.apply_all([said], now);
    assert_eq!(refused, [(0, Refusal::NoAlert(id(201)))]);
    // It is told once, whatever happens to the plan.
    let outcomes = pagers.replan(&Arc::new(plan()), now);
    assert_eq!(outcomes.canary, Outcome::default());
    let later = now.plus(30 * 86_400_000);
    while let Some(due) = pagers.next_due().filter(|due| *due < later) {
        assert_eq!(pagers.apply_all([Input::Tick], due).0.canary.messages, []);
    }
}

#[test]
fn a_sink_that_fails_is_no_alarm_about_what_is_real() {
    let mut pagers = Pagers::new(&Arc::new(plan()));
    let now = UnixMillis(START_MS);
    let (outcomes, _) = pagers.apply_all([Input::Alert(canary(1))], now);
    let sent = &outcomes.canary.messages[0];
    let (whom, error) = (sent.to.clone(), "the sink is gone".to_owned());
    let failed = Input::Failed { message: sent.id, whom, error };
    assert_eq!(pagers.apply_all([failed], now).0.live, Outcome::default());
}

#[test]
fn canaries_take_no_more_room_after_a_year_than_after_one() {
    let mut pagers = Pagers::new(&Arc::new(plan()));
    let mut rows: BTreeMap<String, Stored> = BTreeMap::new();
    let mut now = UnixMillis(START_MS);
    let mut most = 0;
    for number in 0..400u32 {
        let mut facts = canary(1);
        facts.alert = AlertId([(number % 256) as u8; 16]);
        facts.alert.0[..4].copy_from_slice(&number.to_be_bytes());
        let outcome = pagers.apply_all([Input::Alert(facts)], now).0.canary;
        assert_eq!(outcome.messages.len(), 1, "each goes the whole way");
        for key in &outcome.gone {
            assert!(rows.remove(&key.to_string()).is_some(), "{key} was stored");
        }
        rows.extend(outcome.rows.into_iter().map(|row| (row.key().to_string(), row.stored())));
        most = most.max(rows.len());
        now = now.plus(300_000);
    }
    assert!(most <= 4, "card, group, reader, week: {:?}", rows.keys().collect::<Vec<_>>());
}

#[test]
fn a_canary_is_neither_published_nor_put_into_words() {
    let detector = Provenance::CANARY_DETECTOR.to_owned();
    let canary = alert_of(Finding { detector, ..drill_finding() });
    assert_eq!(Publishable::of(canary.clone()), Err(NotPublic::Canary));
    assert_eq!(Tellable::of(canary.clone()), Err(NotTellable));
    let drill = alert_of(drill_finding());
    assert_ne!((&canary.fingerprint, canary.id), (&drill.fingerprint, drill.id));
    assert_eq!(Tellable::of(drill.clone()).unwrap().into_alert(), drill);
}
