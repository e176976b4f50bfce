//! Answers to messages: once each, whoever presses how often.

use bellwether_store::{AnswerRecord, Input, Store};
use model::{Name, Secret, UnixMillis};

fn answer(by: &str, at: i64) -> AnswerRecord {
    AnswerRecord {
        message: [7; 16],
        wish: 1,
        by: Name::new(by).unwrap(),
        at: UnixMillis(at),
        via: "mail link".to_owned(),
    }
}

#[test]
fn a_button_counts_once_and_says_who_pressed_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (ann, bob) = (answer("ann", 5), answer("bob", 9));
    {
        let store = Store::open(&path).unwrap();
        assert_eq!(store.add_answer(&ann, 1, &[]).unwrap(), Ok(()));
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(
        store.add_answer(&ann, 1, &[]).unwrap(),
        Err(vec![ann.clone()]),
        "also after a restart"
    );
    assert_eq!(store.add_answer(&bob, 1, &[]).unwrap(), Err(vec![ann.clone()]));
    let other = AnswerRecord { wish: 2, ..bob.clone() };
    assert_eq!(store.add_answer(&other, 1, &[]).unwrap(), Ok(()), "another button");
    assert_eq!(store.answers([7; 16], 1).unwrap(), [ann]);
    assert_eq!(store.answers([8; 16], 1).unwrap(), []);
}

#[test]
fn where_two_must_sign_the_second_counts_and_neither_counts_twice() {
    let store = Store::in_memory().unwrap();
    let (ann, bob, eve) = (answer("ann", 5), answer("bob", 9), answer("eve", 10));
    assert_eq!(store.add_answer(&ann, 2, &[]).unwrap(), Ok(()));
    assert_eq!(store.add_answer(&answer("ann", 6), 2, &[]).unwrap(), Err(vec![ann.clone()]));
    assert_eq!(store.add_answer(&bob, 2, &[]).unwrap(), Ok(()));
    assert_eq!(store.add_answer(&eve, 2, &[]).unwrap(), Err(vec![ann, bob.clone()]));
}

#[test]
fn an_answer_and_what_the_pager_is_told_of_it_are_kept_together() {
    let store = Store::in_memory().unwrap();
    let input = |json: &str| Input { kind: "said", at: UnixMillis(5), json: json.to_owned() };
    let inputs = [input("1"), input("2")];
    assert_eq!(store.add_answer(&answer("ann", 5), 1, &inputs).unwrap(), Ok(()));
    let again = store.add_answer(&answer("bob", 6), 1, &[input("3")]).unwrap();
    assert!(again.is_err());
    let waiting = store.inbox().waiting(10).unwrap();
    let told: Vec<&str> = waiting.iter().map(|input| &*input.json).collect();
    assert_eq!(told, ["1", "2"], "who comes second tells the pager nothing");
}

#[test]
fn keys_come_with_numbers_that_are_never_used_again() {
    let store = Store::in_memory().unwrap();
    let key = |byte: u8| Secret::new(vec![byte; 32]);
    let first = store.add_answer_key(&key(1), UnixMillis(10), UnixMillis(0)).unwrap();
    let second = store.add_answer_key(&key(2), UnixMillis(20), UnixMillis(15)).unwrap();
    assert!(second > first);
    let known = store.answer_keys().unwrap();
    assert_eq!(known.iter().map(|key| key.id).collect::<Vec<_>>(), [second], "the old one is gone");
    assert_eq!(known[0].key, key(2));
    assert!(store.add_answer_key(&Secret::new(vec![1; 8]), UnixMillis(30), UnixMillis(0)).is_err());
}

#[test]
fn an_inbox_is_read_on_from_where_it_was() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.answer_offset("telegram").unwrap(), None);
    store.set_answer_offset("telegram", 41).unwrap();
    store.set_answer_offset("telegram", 42).unwrap();
    assert_eq!(store.answer_offset("telegram").unwrap(), Some(42));
}
