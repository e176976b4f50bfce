//! What everybody hears: looked at once per change, said once per channel, taken back to those who
//! were told.

use bellwether_store::{PagingStep, PublicSaid, PublicStep, PublicTelling, Store, Subscribed};
use model::{AlertId, Name, Secret, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn touched(store: &Store, alert: AlertId, at: UnixMillis) {
    let step = PagingStep { public: vec![alert], at, ..PagingStep::default() };
    store.commit_paging(&step).unwrap();
}

fn looked_at(alert: AlertId, touched: i64, tellings: Vec<PublicTelling>) -> PublicStep {
    PublicStep {
        alert,
        touched,
        look_at: None,
        id: Some([alert.0[0]; 16]),
        body: Some(format!("{{\"n\":{}}}", alert.0[0])),
        updated_at: NOW,
        tellings,
    }
}

fn said(alert: AlertId, is_end: bool) -> PublicSaid {
    PublicSaid { alerts: vec![alert], is_end, body: format!("{{\"end\":{is_end}}}") }
}

#[test]
fn a_change_that_comes_while_one_looks_is_looked_at_again() {
    let store = Store::in_memory().unwrap();
    let alert = AlertId([1; 16]);
    touched(&store, alert, NOW);
    let due = store.public_due(NOW, 10).unwrap();
    assert_eq!((due.len(), due[0].touched, &due[0].body), (1, 1, &None));
    touched(&store, alert, NOW.plus(1));
    store.commit_public(&[looked_at(alert, 1, Vec::new())]).unwrap();
    let due = store.public_due(NOW.plus(1), 10).unwrap();
    assert_eq!((due.len(), due[0].touched), (1, 2), "the second change counts");
    store.commit_public(&[looked_at(alert, 2, Vec::new())]).unwrap();
    assert!(store.public_due(NOW.plus(1_000_000), 10).unwrap().is_empty());
    assert_eq!(store.public_entry([1; 16]).unwrap().unwrap().alert, alert);
    assert_eq!(store.public_entries(true, 10).unwrap().len(), 1);
}

#[test]
fn a_channel_says_each_thing_once_and_the_end_after_the_beginning() {
    let store = Store::in_memory().unwrap();
    let (alert, hook) = (AlertId([1; 16]), name("hook"));
    touched(&store, alert, NOW);
    let news = vec![PublicTelling::News(hook.clone())];
    store.commit_public(&[looked_at(alert, 1, news)]).unwrap();
    assert_eq!(store.public_queue(&hook, 10).unwrap().len(), 1);
    store.say_in_public(&hook, false, &[said(alert, false)], "{}", NOW).unwrap();
    assert!(store.public_queue(&hook, 10).unwrap().is_empty());
    assert_eq!(store.public_tellers(alert).unwrap(), ["hook"]);
    store.say_in_public(&hook, false, &[said(alert, true)], "{}", NOW).unwrap();
    let first = store.public_messages_due(NOW, 10).unwrap();
    assert_eq!(first.len(), 1, "the end waits for the beginning");
    store.public_attempted(first[0].number, false, Some(NOW.plus(60_000)), "HTTP 503").unwrap();
    assert!(store.public_messages_due(NOW, 10).unwrap().is_empty());
    store.public_attempted(first[0].number, true, None, "HTTP 200").unwrap();
    let second = store.public_messages_due(NOW, 10).unwrap();
    assert_eq!(second[0].body, "{\"end\":true}");
    store.public_attempted(second[0].number, false, None, "HTTP 404").unwrap();
    let counts = store.public_message_counts().unwrap().remove(0);
    assert_eq!((counts.due, counts.delivered, counts.failed), (0, 1, 1));
    assert_eq!(counts.trouble.as_deref(), Some("HTTP 404"));
}

#[test]
fn subscribers_hear_news_and_the_end_of_what_they_were_told() {
    let store = Store::in_memory().unwrap();
    let (alert, list) = (AlertId([1; 16]), name("list"));
    touched(&store, alert, NOW);
    store.commit_public(&[looked_at(alert, 1, Vec::new())]).unwrap();
    let join = |n: u8| {
        let address = Secret::new(format!("reader{n}@example.org"));
        let link = ([n; 32], NOW.plus(1_000));
        store.subscribe(&list, &address, [n; 16], link, NOW).unwrap()
    };
    assert_eq!(join(1), Subscribed::Now);
    assert_eq!(join(1), Subscribed::UsedBefore, "a link counts once");
    store.say_in_public(&list, true, &[said(alert, false)], "{}", NOW).unwrap();
    join(2);
    let all = |now| store.public_messages_due(now, 10).unwrap();
    assert_eq!(all(NOW).len(), 1);
    store.public_attempted(all(NOW)[0].number, true, None, "250").unwrap();
    store.say_in_public(&list, true, &[said(alert, true)], "{}", NOW).unwrap();
    let end = all(NOW);
    assert_eq!(end.len(), 1, "who came later never heard of it");
    let reader = store.subscriber(end[0].subscriber).unwrap().unwrap();
    assert_eq!(reader.address.reveal(), "reader1@example.org");
    assert!(store.may_leave([1; 16]).unwrap());
    assert!(store.leave_list([1; 16]).unwrap());
    assert!(!store.leave_list([1; 16]).unwrap());
    assert!(all(NOW).is_empty(), "nothing is sent to who left");
    assert!(store.remove_subscriber("reader2@example.org").unwrap());
    assert!(store.subscribers().unwrap().is_empty());
}

#[test]
fn what_is_old_goes_and_what_waits_stays() {
    let store = Store::in_memory().unwrap();
    let (told, silent) = (AlertId([1; 16]), AlertId([2; 16]));
    for alert in [told, silent] {
        touched(&store, alert, NOW);
    }
    store.commit_public(&[looked_at(told, 1, Vec::new())]).unwrap();
    let waits =
        PublicStep { id: None, look_at: Some(NOW.plus(9_000)), ..looked_at(silent, 1, Vec::new()) };
    store.commit_public(&[waits.clone()]).unwrap();
    let later = NOW.plus(1_000);
    assert_eq!(store.forget_public(later, NOW).unwrap(), 0);
    store.commit_public(&[PublicStep { look_at: None, ..waits }]).unwrap();
    assert_eq!(store.forget_public(later, NOW).unwrap(), 1);
    assert_eq!(store.forget_public(later, later).unwrap(), 1);
}
