//! What everybody may see, over a store full of what they may not.

use std::{collections::BTreeSet, sync::Arc};

use alert::{
    life::{Life, Truth},
    public::{Entry, Policy, Publishable, Rule, Standing, Subject, consider},
};
use bellwether::{
    answers::{Answers, Parts, People},
    community::{Community, Settings, stored},
    signature::SigningKey,
};
use model::{Severity, UnixMillis};
use store::{AlertFilter, PagingStep, PublicStep, Store};

use crate::{http::Served, http::now, sample};

/// Publishes all alerts of the sample as far as the usual fields let it.
fn publish(store: &Store) -> usize {
    let alerts = store.alerts(&AlertFilter::default(), None, 200).unwrap().items;
    let ids = alerts.iter().map(|alert| alert.id).collect();
    store.commit_paging(&PagingStep { public: ids, at: now(), ..PagingStep::default() }).unwrap();
    let detectors = alert::public::known().map(|id| id.parse().unwrap());
    let detectors = detectors.chain(["expression".parse().unwrap()]).collect();
    let rule = Rule { severity_min: Severity::Info, hold_s: 0, ..Rule::of(detectors) };
    let policy = Policy { rules: vec![rule], fields: Policy::FIELDS_DEFAULT.into() };
    let mut published = 0;
    for alert in alerts {
        let (id, life) = (alert.id, Life::new(Truth::Confirmed, now(), ""));
        let shown = Publishable::of(alert).unwrap();
        let headline = shown.finding().title.clone();
        let subject = Subject {
            shown: &shown,
            severity: shown.alert().severity,
            life: &life,
            silence: None,
            headline: &headline,
        };
        let standing = consider(None, &subject, &policy, now());
        let notice = standing.notice().map(|notice| notice.id.0);
        published += usize::from(matches!(standing, Standing::Published { .. }));
        let step = PublicStep {
            alert: id,
            touched: 1,
            look_at: None,
            id: notice,
            body: Some(stored(&Entry { standing, since: now() })),
            updated_at: now(),
            tellings: Vec::new(),
        };
        store.commit_public(&[step]).unwrap();
    }
    published
}

fn community(store: &Store) -> Arc<Community> {
    let settings = Settings {
        name: "Public alerts".to_owned(),
        url: "https://alerts.example".to_owned(),
        listen: None,
        key: Some(Arc::new(SigningKey::generate().unwrap())),
        policy: Policy::default(),
        channels: Vec::new(),
    };
    let answers = Answers::new(Parts {
        store: store.clone(),
        key: None,
        inbox: bellwether::paging::Inbox::new(store.clone(), Arc::default()),
        plan: Arc::new(bellwether::paging::nobody()),
        people: Arc::new(People::default()),
        teacher: None,
        clock: || UnixMillis(0),
    });
    Arc::new(Community::new(settings, Default::default(), answers.unwrap()).unwrap())
}

async fn served() -> (Served, usize) {
    let store = Store::in_memory().unwrap();
    sample::fill(&store, now());
    let published = publish(&store);
    let community = community(&store);
    let served = Served::over(store, |sources| {
        let mut info = (**sources.info.borrow()).clone();
        info.community = Some(community);
        sources.info = tokio::sync::watch::channel(Arc::new(info)).1;
    })
    .await;
    (served, published)
}

/// Follows every link that begins with `/public` from the list.
async fn crawl(served: &Served) -> Vec<(String, String)> {
    let mut to_see = vec!["/public/alerts".to_owned()];
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(path) = to_see.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = served.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        let links = answer.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for link in links.filter(|link| link.starts_with('/')) {
            let link = link.replace("&#x2f;", "/");
            let is_public = link.starts_with("/public/") || link.starts_with("/assets/");
            assert!(is_public, "{path} leads to {link}, which is not for everybody");
            if link.starts_with("/public/") {
                to_see.push(link);
            }
        }
        found.push((path, format!("{}\n{}", answer.head, answer.body)));
    }
    found
}

#[tokio::test]
async fn nothing_of_what_is_inside_is_seen_from_outside() {
    let (served, published) = served().await;
    assert!(published > 3, "{published} alerts are published");
    let found = crawl(&served).await;
    assert!(found.len() > 2 * published + 4, "{} pages", found.len());
    let info = sample::info();
    let mut secrets: Vec<String> = vec![sample::WRITE_KEY.to_owned(), info.name.clone()];
    secrets.extend(info.monitors.iter().map(|monitor| monitor.name.to_string()));
    let alerts = served.store.alerts(&AlertFilter::default(), None, 200).unwrap().items;
    for alert in alerts {
        let first = alert.finding().expect("alerts of chains only");
        secrets.extend([alert.id.to_string(), first.title.clone(), alert.monitor.to_string()]);
        secrets.extend(first.runbook.clone());
        secrets.extend(first.evidence.measure.iter().map(|m| m.threshold.to_string()));
        secrets.extend(alert.told.keys().map(ToString::to_string));
    }
    // Numbers of one or two digits stand in every date.
    secrets.retain(|secret| secret.len() > 4);
    for (path, text) in &found {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{path} tells {secret}");
        }
        assert!(!text.contains("<script"), "{path} needs no script");
    }
}

#[tokio::test]
async fn a_reader_that_knows_it_all_gets_no_body() {
    let (served, _) = served().await;
    for feed in ["feed.atom", "feed.rss", "feed.json"] {
        let path = format!("/public/{feed}");
        let first = served.get(&path).await;
        let tag = first.header("etag").unwrap();
        let again = served.ask("GET", &path, &format!("if-none-match: {tag}\r\n")).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{feed}");
        let changed = first.header("last-modified").unwrap();
        let again = served.ask("GET", &path, &format!("if-modified-since: {changed}\r\n")).await;
        assert_eq!(again.status, 304, "{feed}: {changed}");
        let other = served.ask("GET", &path, "if-none-match: \"other\"\r\n").await;
        assert_eq!(other.status, 200);
        assert!(first.body.len() < 512 * 1_024, "{feed} has {} bytes", first.body.len());
    }
}

#[tokio::test]
async fn without_a_file_there_is_nothing_and_nobody_can_subscribe() {
    let served = Served::full().await;
    for path in ["/public/alerts", "/public/feed.atom", "/public/key", "/public/alerts/x"] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("Meridian"), "{path}");
    }
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let asked = served.send("/public/subscribe", form, "address=a%40example.org").await;
    assert_eq!(asked.status, 404);
}
