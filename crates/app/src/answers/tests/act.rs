use alert::{life::Deed, pager::Input};
use expect_test::expect;
use model::Severity;

use super::{MESSAGE, NOW, World, person};
use crate::answers::{Closed, System, WRONG_MAX, Who, Wish};

fn ann() -> Who {
    Who::Account(System::Slack, "U061F7AUR".to_owned())
}

fn bob() -> Who {
    Who::Account(System::Slack, "U0BOB".to_owned())
}

#[test]
fn an_answer_is_told_to_the_pager_once_with_who_and_when() {
    let world = World::new();
    let token = world.token(Wish::Acknowledge);
    world.answers.look(&token).unwrap();
    assert_eq!(world.told(), [], "looking does nothing");
    let done = world.answers.act(&token, &ann(), "slack").unwrap();
    expect!["Acknowledged by ann, 2027-01-15 12:01:00 UTC"].assert_eq(&done.told());
    let said = Input::Said {
        alerts: vec![world.alert.id],
        by: person("ann"),
        deed: Deed::Acknowledge,
        at: NOW,
        reason: "acknowledged over slack".to_owned(),
    };
    assert_eq!(world.told(), std::slice::from_ref(&said));
    let again = world.answers.act(&token, &bob(), "telegram").unwrap_err();
    assert!(matches!(again, Closed::Answered(_)), "{again}");
    expect!["Answered before. Acknowledged by ann over slack, 2027-01-15 12:01:00 UTC"]
        .assert_eq(&again.told());
    assert_eq!(world.told(), [said], "nothing more");
    world.answers.act(&world.token(Wish::Resolve), &bob(), "slack").unwrap();
    assert_eq!(world.told().len(), 2, "another button counts");
}

#[test]
fn nobody_unknown_does_anything_and_the_button_is_left_for_others() {
    let world = World::new();
    for wish in [Wish::Acknowledge, Wish::Resolve, Wish::Benign, Wish::SilenceHour] {
        let token = world.token(wish);
        for who in [
            Who::Account(System::Slack, "U666".to_owned()),
            Who::Link(None),
            Who::Link(Some(person("eve"))),
        ] {
            let closed = world.answers.act(&token, &who, "link").unwrap_err();
            assert!(matches!(closed, Closed::Stranger(_)), "{closed}");
        }
        assert_eq!(world.told(), []);
        assert_eq!(world.store.answers(MESSAGE, wish.code()).unwrap(), []);
    }
    let reader = Who::Link(Some(person("bob")));
    assert!(world.answers.act(&world.token(Wish::Benign), &reader, "link").is_err());
    world.answers.act(&world.token(Wish::Acknowledge), &reader, "link").unwrap();
}

#[test]
fn what_brings_quiet_goes_stale_within_a_day_and_the_rest_within_a_week() {
    let hour_ms = 3_600_000;
    for (age_ms, acknowledges, silences) in [
        (23 * hour_ms, true, true),
        (25 * hour_ms, true, false),
        (7 * 24 * hour_ms, true, false),
        (7 * 24 * hour_ms + 1, false, false),
    ] {
        let world = World::with("team", NOW.plus(-age_ms), Severity::Low);
        for (wish, counts) in [(Wish::Acknowledge, acknowledges), (Wish::SilenceShift, silences)] {
            let outcome = world.answers.act(&world.token(wish), &ann(), "slack");
            match outcome {
                Ok(_) => assert!(counts, "{wish:?} after {age_ms} ms"),
                Err(Closed::Expired(_)) => assert!(!counts, "{wish:?} after {age_ms} ms"),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_silence_over_what_looks_like_an_attack_waits_for_a_second_person() {
    let world = World::with("team", NOW.plus(-60_000), Severity::Critical);
    let token = world.token(Wish::SilenceHour);
    let first = world.answers.act(&token, &ann(), "slack").unwrap();
    let silence = first.unsigned.clone().unwrap();
    expect!["Silenced for 1 h by ann, 2027-01-15 12:01:00 UTC. It hides what looks like an attack only once a second person has signed: they press Silence 1 h in their own message"]
        .assert_eq(&first.told());
    let again = world.answers.act(&token, &ann(), "slack").unwrap_err();
    assert!(matches!(again, Closed::Answered(_)), "nobody signs twice: {again}");
    world.page();
    let second = world.answers.act(&token, &bob(), "slack").unwrap();
    assert_eq!(second.unsigned, None);
    let signed = |by: &str| Input::Sign { silence: silence.clone(), by: person(by) };
    let told = world.told();
    assert!(told.contains(&signed("ann")) && told.contains(&signed("bob")), "{told:#?}");
    let silences = told.iter().filter_map(|input| match input {
        Input::Silence(silence) => Some(silence),
        _ => None,
    });
    assert!(silences.clone().all(|silence| silence.faults().is_empty()));
    assert!(silences.clone().all(|s| s.id == silence && s.until == NOW.plus(3_600_000)));

    let calm = World::with("team", NOW.plus(-60_000), Severity::Low);
    let done = calm.answers.act(&calm.token(Wish::SilenceHour), &ann(), "slack").unwrap();
    assert_eq!(done.unsigned, None, "what looks like no attack needs one person");
}

#[test]
fn what_is_over_on_the_chain_has_no_buttons_and_a_path_is_judged_where_there_is_one() {
    let world = World::new();
    let mut void = world.alert.clone();
    void.state = model::AlertState::Retracted;
    assert_eq!(world.answers.buttons(MESSAGE, &[void]).unwrap(), []);
    let wishes: Vec<Wish> = world
        .answers
        .buttons(MESSAGE, std::slice::from_ref(&world.alert))
        .unwrap()
        .iter()
        .map(|button| button.wish)
        .collect();
    assert_eq!(wishes[0], Wish::Acknowledge);
    assert!(!wishes.contains(&Wish::PathFine), "it is about no path: {wishes:?}");
}

#[test]
fn wrong_tokens_are_refused_and_after_some_not_even_looked_at() {
    let world = World::new();
    let right = world.token(Wish::Acknowledge);
    let refused = |token: &str| world.answers.look(token).unwrap_err();
    for _ in 0..WRONG_MAX {
        assert!(matches!(refused("guessed"), Closed::Forged));
    }
    assert!(matches!(refused("guessed"), Closed::TooMany));
    world.answers.act(&right, &ann(), "slack").expect("a right one is never held up");
}
