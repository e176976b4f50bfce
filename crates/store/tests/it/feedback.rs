//! What people said: the last word holds, every word stays.

use bellwether_store::{Step, Store, StoreError};
use model::{
    Alert, AlertState, AlertVerdict, Assessment, Incident, Position, UnixMillis, UnixSeconds,
};

use crate::world::{alert, block, finding, name, put_alert};

fn with_alert() -> (Store, Alert) {
    let store = Store::in_memory().unwrap();
    let net = name("mainnet");
    let mut step = Step::new(net.clone(), Position(0), Position(1), 1);
    step.findings.push(finding(&net, 1, block(1, 1)));
    step.alerts.push(alert(&step.findings[0], AlertState::Provisional));
    store.commit(&step).unwrap();
    (store, step.alerts.remove(0))
}

fn verdict(alert: &Alert, word: Option<Assessment>, at: i64) -> AlertVerdict {
    AlertVerdict::new(alert, word, "ada", "seen", UnixMillis(at)).unwrap()
}

#[test]
fn the_last_word_holds_and_every_word_stays() {
    let (store, alert) = with_alert();
    assert_eq!(store.verdicts_on(alert.id).unwrap(), []);
    let words = [Some(Assessment::FalsePositive), Some(Assessment::TruePositive)];
    let said: Vec<AlertVerdict> =
        (1..).zip(words).map(|(at, word)| verdict(&alert, word, at)).collect();
    for one in &said {
        store.add_verdict(one).unwrap();
    }
    assert_eq!(store.verdicts_on(alert.id).unwrap(), said);
    assert_eq!(store.verdicts().unwrap()[&alert.id], said[1]);
    store.add_verdict(&verdict(&alert, None, 3)).unwrap();
    assert!(store.verdicts().unwrap().is_empty(), "taken back");
    assert_eq!(store.verdicts_on(alert.id).unwrap().len(), 3);
    assert!(store.verify().unwrap().is_sound());
}

#[test]
fn of_an_alert_that_is_not_there_nothing_is_kept() {
    let (store, alert) = with_alert();
    let other = Alert { id: model::AlertId([7; 16]), ..alert };
    let refused = store.add_verdict(&verdict(&other, Some(Assessment::Unknown), 1));
    assert!(matches!(refused, Err(StoreError::NoAlert(id)) if id == other.id), "{refused:?}");
    assert!(store.verdicts().unwrap().is_empty());
}

#[test]
fn history_cannot_be_rewritten_even_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let (_, alert) = with_alert();
    {
        let store = Store::open(&path).unwrap();
        put_alert(&store, &alert, &[]);
        store.add_verdict(&verdict(&alert, Some(Assessment::FalsePositive), 1)).unwrap();
    }
    let by_hand = rusqlite::Connection::open(&path).unwrap();
    for sql in ["UPDATE verdicts SET at = 2", "DELETE FROM verdicts"] {
        let error = by_hand.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("a verdict on record is never"), "{sql}: {error}");
    }
}

#[test]
fn an_incident_is_corrected_under_its_name_and_can_be_taken_back() {
    let store = Store::in_memory().unwrap();
    let incident = |to: u64, is_withdrawn| Incident {
        name: name("drain-07"),
        class: name("drain"),
        is_drill: false,
        network: name("mainnet"),
        from: UnixSeconds(10),
        to: UnixSeconds(to),
        loss_at: None,
        deployments: vec![name("vault")],
        attacker: None,
        by: "ada".into(),
        because: "post-mortem".into(),
        at: UnixMillis(1),
        is_withdrawn,
    };
    store.add_incident(&incident(20, false)).unwrap();
    store.add_incident(&incident(30, false)).unwrap();
    let known = store.incidents().unwrap();
    assert_eq!(known.values().cloned().collect::<Vec<_>>(), [incident(30, false)]);
    store.add_incident(&incident(30, true)).unwrap();
    assert!(store.incidents().unwrap().is_empty());
}
