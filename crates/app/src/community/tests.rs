use std::{collections::BTreeMap, sync::Arc};

use alert::public::{self, Entry, Notice, Publishable, Standing, Subject, consider};
use expect_test::expect;
use model::{Alert, Name, Severity, UnixMillis};
use registry::Explorer;
use store::{PagingStep, PublicStep, Store};

use super::*;
use crate::{
    answers::{Answers, Parts},
    notify::safe,
    signature::SigningKey,
};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// An alert whose every text is hostile, seen by everybody as far as the allow-list lets it.
fn hostile() -> Notice {
    let finding = crate::notify::message::tests::finding();
    let mut alert: Alert = crate::notify::message::tests::alert_of(finding).0;
    let first = alert.finding_mut().unwrap();
    first.title =
        "token \"<b>@everyone</b> https://evil.example [x](http://y)\u{202e}\" moved".to_owned();
    first.detector = "flow/flash_loan".to_owned();
    let shown = Publishable::of(alert).unwrap();
    let life = alert::life::Life::new(alert::life::Truth::Confirmed, NOW, "");
    let headline = safe::title(&shown.finding().title);
    let subject = Subject {
        shown: &shown,
        severity: Severity::Critical,
        life: &life,
        silence: None,
        headline: &headline,
    };
    let policy = public::Policy {
        rules: vec![public::Rule::of(vec!["flow/*".parse().unwrap()])],
        fields: public::Field::ALL.into(),
    };
    let standing = consider(None, &subject, &policy, NOW);
    standing.notice().unwrap().clone()
}

fn community(store: &Store) -> Arc<Community> {
    let settings = Settings {
        name: "Meridian <alerts> & \"friends\"".to_owned(),
        url: "https://alerts.example.org".to_owned(),
        listen: None,
        key: Some(Arc::new(SigningKey::generate().unwrap())),
        policy: public::Policy::default(),
        channels: Vec::new(),
    };
    let explorer = Explorer::new("https://etherscan.io").unwrap();
    let answers = Answers::new(Parts {
        store: store.clone(),
        key: None,
        inbox: crate::paging::Inbox::new(store.clone(), Arc::default()),
        plan: Arc::new(crate::paging::nobody()),
        people: Arc::default(),
        teacher: None,
        clock: || NOW,
    });
    let explorers = BTreeMap::from([(name("mainnet"), explorer)]);
    Arc::new(Community::new(settings, explorers, answers.unwrap()).unwrap())
}

/// A store in which this was published.
fn published(notice: &Notice) -> Store {
    let store = Store::in_memory().unwrap();
    let alert = model::AlertId([9; 16]);
    let step = PagingStep { public: vec![alert], at: NOW, ..PagingStep::default() };
    store.commit_paging(&step).unwrap();
    let standing = Standing::Published { notice: Box::new(notice.clone()) };
    let step = PublicStep {
        alert,
        touched: 1,
        look_at: None,
        id: Some(notice.id.0),
        body: Some(stored(&Entry { standing, since: NOW })),
        updated_at: NOW,
        tellings: Vec::new(),
    };
    store.commit_public(&[step]).unwrap();
    store
}

#[test]
fn every_detector_has_its_place_before_the_public() {
    let ours: Vec<&str> = detect::detectors::ALL.iter().map(|d| d.spec().id).collect();
    let known: Vec<&str> = public::known().collect();
    let missing: Vec<&&str> = ours.iter().filter(|id| !known.contains(id)).collect();
    assert_eq!(missing, [&""; 0], "say in alert/src/public/class.rs what publishing it would do");
    let gone: Vec<&&str> = known.iter().filter(|id| !ours.contains(id)).collect();
    assert_eq!(gone, [&""; 0], "no detector is called so");
}

#[test]
fn whatever_stands_on_the_chain_feeds_stay_feeds() {
    let notice = hostile();
    let store = published(&notice);
    let community = community(&store);
    let listing = community.listing(&store).unwrap();
    for feed in [listing.atom(), listing.rss(), listing.json()] {
        let read = feed_rs::parser::parse(feed.text.as_bytes()).unwrap();
        assert_eq!(read.title.unwrap().content, "Meridian <alerts> & \"friends\"");
        assert_eq!(read.entries.len(), 1);
        assert!(!feed.text.contains("https://evil"), "{}", feed.text);
        assert!(!feed.text.contains('\u{202e}'));
        assert_eq!(feed.changed_at, NOW);
    }
    assert_eq!(listing.atom().tag, listing.atom().tag);
    assert_ne!(listing.atom().tag, listing.rss().tag);
    let sealed = community.settings.seal(&notice, 0).unwrap();
    let key = community.settings.key.as_ref().unwrap().public();
    assert_eq!(opened(&sealed, &key).unwrap().notice, notice);
    assert_eq!(mail_date(NOW), "Fri, 15 Jan 2027 08:00:00 GMT");
}

#[test]
fn a_notice_in_words_links_to_configured_places_alone() {
    let notice = hostile();
    let store = Store::in_memory().unwrap();
    let community = community(&store);
    let links: Vec<String> =
        lines(&notice, &community.explorers).into_iter().filter_map(|line| line.link).collect();
    assert!(links.iter().all(|link| link.starts_with("https://etherscan.io/")), "{links:?}");
    expect![[r#"[CRITICAL] The protocol was called on borrowed money"#]]
        .assert_eq(subject(&notice).split(" (").next().unwrap());
    let ends = [
        public::Status::Ongoing,
        public::Status::Over,
        public::Status::Harmless,
        public::Status::Retracted,
    ]
    .map(|status| subject(&Notice { status, revision: 2, ..notice.clone() }));
    let ends: Vec<&str> = ends.iter().filter_map(|end| end.split(" The protocol").next()).collect();
    assert_eq!(ends, ["[CRITICAL] Update:", "Over:", "Nothing bad:", "Retracted:"]);
}

#[test]
fn a_link_to_subscribe_is_for_that_alone_and_for_a_day() {
    let store = Store::in_memory().unwrap();
    let community = community(&store);
    let expires = NOW.plus(1_000);
    let mut payload = expires.0.to_be_bytes().to_vec();
    payload.extend_from_slice(b"reader@example.org");
    let token = community.answers.seal("subscribe", &payload).unwrap();
    let read = |token: &str, now| community.address_in(token, now).map(|a| a.reveal().clone());
    assert_eq!(read(&token, NOW).unwrap(), "reader@example.org");
    assert!(read(&token, expires.plus(1)).is_err());
    let other = community.answers.seal("something else", &payload).unwrap();
    assert!(read(&other, NOW).is_err());
    assert!(community.answers.look(&token).is_err(), "no answer to an alert");
    for at in 0..token.len() {
        let mut forged = token.clone();
        let c = if forged.as_bytes()[at] == b'A' { "B" } else { "A" };
        forged.replace_range(at..=at, c);
        assert!(read(&forged, NOW).is_err() || forged == token, "{at}");
    }
}
