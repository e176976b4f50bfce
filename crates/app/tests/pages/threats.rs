//! The threat map as a page and as JSON.

use std::sync::Arc;

use bellwether::web::SiteInfo;
use expect_test::expect;
use store::Store;
use tokio::sync::watch;

use crate::{
    http::{Served, now},
    sample::HOSTILE,
};

#[tokio::test]
async fn the_map_shows_domains_apart_gaps_and_matrices() {
    assert_eq!(now().0, 1_710_000_000_000, "the page is judged for 2024-03-09");
    let page = Served::full().await.get("/threats").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    for wanted in [
        "2 in the map, 7 gaps on 2024-03-09",
        "The domains are not added up",
        "vault-drained (critical) has no plan",
        "staff-phished should have been reviewed by 2024-03-01, 8 d ago",
        "plan plans/drain.md belongs to no threat",
        "2024-03-01, overdue",
        "Threat × monitor no gap",
        "Threat × plan 1 without a link",
        "none written down",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    assert!(!page.body.contains(HOSTILE), "a title is text");
    assert!(!page.body.contains("<script>alert"), "a title is text");
}

#[tokio::test]
async fn without_a_map_nothing_is_called_safe() {
    let (_keep, none) = watch::channel(Arc::new(SiteInfo::default()));
    let served = Served::over(Store::in_memory().unwrap(), |sources| sources.info = none).await;
    let page = served.get("/threats").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(text.contains("no threat is written down"), "{text}");
    assert!(!text.contains("no gap"), "{text}");
}

#[tokio::test]
async fn the_api_tells_the_same() {
    let served = Served::full().await;
    let map = served.get("/api/v1/threats").await.json();
    assert_eq!(map["on"], "2024-03-09");
    let kinds: Vec<&str> =
        map["gaps"].as_array().unwrap().iter().map(|gap| gap["kind"].as_str().unwrap()).collect();
    expect!["no-plan no-control no-event no-panel plan-without-threat overdue overdue"]
        .assert_eq(&kinds.join(" "));
    assert_eq!(map["domains"][2]["expected_loss_a_year"], serde_json::Value::Null);
    assert_eq!(map["domains"][0]["expected_loss_a_year"], "3960000");
    assert_eq!(map["matrices"][0]["rows"][0]["linked"][0], "vault-outflow");
    assert_eq!(served.get("/api/v1/threats?on=1").await.status, 400);
}
