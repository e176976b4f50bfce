//! What people bear, as a page and as JSON.

use bellwether::pulse::Stage;
use store::Store;

use crate::{
    http::{Served, now},
    sample,
};

async fn nights() -> Served {
    let store = Store::in_memory().unwrap();
    sample::fill(&store, now());
    sample::fill_nights(&store, now());
    Served::over(store, |_| {}).await
}

#[tokio::test]
async fn the_page_tells_what_people_bear_and_which_rule_to_tune_first() {
    let page = nights().await.get("/fatigue").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    for wanted in [
        "over 4 weeks",
        "let gas-price notify and not page until it is tuned",
        "bellwether quality promote gas-price notify --by NAME",
        "anomaly/level",
        "all/pages: over its budget of 12 in",
        "budget 12",
        "too many",
        "later",
        "ann",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    assert!(!page.body.contains("<img src=x"), "what a stranger wrote is text");
}

#[tokio::test]
async fn the_same_is_json_and_a_time_that_cannot_be_is_refused() {
    let served = nights().await;
    let answer = served.get("/api/v1/fatigue?weeks=4").await;
    let found: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(found["proposal"]["monitor"], "gas-price");
    assert_eq!(found["proposal"]["benign"]["k"], found["proposal"]["benign"]["n"]);
    let routes = found["routes"].as_array().unwrap();
    let pages = routes.iter().find(|route| route["route"] == "all/pages").unwrap();
    assert!(pages["weeks_over"].as_u64().unwrap() >= 1, "{pages}");
    assert_eq!(served.get("/api/v1/fatigue?weeks=0").await.status, 400);
    assert_eq!(served.get("/api/v1/fatigue?since=4w").await.status, 400);
}

#[tokio::test]
async fn nothing_is_claimed_where_nobody_was_told_of_anything() {
    let text = Served::empty().await.get("/fatigue").await.text();
    assert!(text.contains("no data"), "{text}");
    assert!(text.contains("Nothing to propose"), "{text}");
}

#[tokio::test]
async fn a_pager_that_failed_is_red_on_the_first_page_and_is_not_ready() {
    let store = Store::in_memory().unwrap();
    sample::fill(&store, now());
    let served = Served::over(store, |sources| {
        sources.turns.start([Stage::Pager], now());
        sources.turns.failed(&Stage::Pager, "a row cannot be read".to_owned());
    })
    .await;
    let why = "deciding who hears what failed: a row cannot be read";
    let status: serde_json::Value =
        serde_json::from_str(&served.get("/api/v1/status").await.body).unwrap();
    assert_eq!(status["trust"]["verdict"], "no");
    assert_eq!(status["trust"]["reasons"][0]["code"], "stalled");
    assert!(served.get("/").await.text().contains(why));
    let ready = served.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.body.contains(why), "{}", ready.body);
}
