//! What people say of alerts: only with the key, kept with its history, and counted.

use bellwether::web::SiteInfo;
use serde_json::{Value, json};
use std::sync::Arc;
use store::Store;
use tokio::sync::watch;

use crate::{
    http::{Answer, Served},
    sample::{self, HOSTILE, WRITE_KEY},
};

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
const JSON: &str = "content-type: application/json\r\n";

fn form(verdict: &str, key: &str) -> String {
    let key = key.replace(' ', "+").replace(',', "%2C");
    format!("verdict={verdict}&by=ada&because=change+214&key={key}")
}

/// An alert of which nobody said anything yet.
async fn open_alert(served: &Served) -> String {
    let list = served.get("/api/v1/alerts").await.json();
    for alert in list["items"].as_array().unwrap() {
        let id = alert["id"].as_str().unwrap();
        if said(served, id).await.is_empty() && alert["state"] != "retracted" {
            return id.to_owned();
        }
    }
    panic!("people said something of every alert of the sample");
}

async fn said(served: &Served, alert: &str) -> Vec<(Value, Value)> {
    let list = served.get(&format!("/api/v1/alerts/{alert}/verdicts")).await.json();
    let items = list["items"].as_array().unwrap();
    items.iter().map(|one| (one["verdict"].clone(), one["by"].clone())).collect()
}

#[tokio::test]
async fn the_form_needs_the_key_and_keeps_the_history() {
    let served = Served::full().await;
    let alert = open_alert(&served).await;
    let path = format!("/alerts/{alert}/verdict");
    for wrong in ["", "a key of the sample, long enoug", "x"] {
        let refused = served.send(&path, FORM, &form("false-positive", wrong)).await;
        assert_eq!(refused.status, 403, "{wrong:?}");
    }
    assert_eq!(said(&served, &alert).await, []);
    let kept = served.send(&path, FORM, &form("false-positive", WRITE_KEY)).await;
    assert_eq!(kept.status, 303, "{}", kept.body);
    assert_eq!(kept.header("location"), Some(format!("/alerts/{alert}#verdict").as_str()));
    served.send(&path, FORM, &form("benign-true", WRITE_KEY)).await;
    served.send(&path, FORM, &form("withdraw", WRITE_KEY)).await;
    let words: Vec<Value> = said(&served, &alert).await.into_iter().map(|(word, _)| word).collect();
    assert_eq!(words, [json!("false-positive"), json!("benign-true"), Value::Null]);
    let page = served.get(&format!("/alerts/{alert}")).await;
    assert!(page.text().contains("What it turned out to be nobody said yet"), "{}", page.text());
    assert!(!page.body.contains(WRITE_KEY));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self'"), "{policy}");
}

#[tokio::test]
async fn what_is_said_badly_is_refused_with_what_is_allowed() {
    let served = Served::full().await;
    let alert = open_alert(&served).await;
    let path = format!("/alerts/{alert}/verdict");
    let refused = served.send(&path, FORM, &form("tp", WRITE_KEY)).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("one of: true-positive, benign-true"), "{}", refused.text());
    let nobody = form("unknown", WRITE_KEY).replace("by=ada", "by=++");
    let refused = served.send(&path, FORM, &nobody).await;
    assert!(refused.text().contains("by is empty"), "{}", refused.text());
    let missing = format!("/alerts/{}/verdict", "00".repeat(16));
    assert_eq!(served.send(&missing, FORM, &form("unknown", WRITE_KEY)).await.status, 404);
    let long = form("unknown", WRITE_KEY) + &"x".repeat(64 * 1024);
    assert_eq!(served.send(&path, FORM, &long).await.status, 400, "a body has a limit");
    assert_eq!(said(&served, &alert).await, []);
}

#[tokio::test]
async fn the_api_takes_the_key_as_a_bearer_and_tells_what_it_kept() {
    let served = Served::full().await;
    let alert = open_alert(&served).await;
    let path = format!("/api/v1/alerts/{alert}/verdicts");
    let body = json!({"verdict": "true-positive", "by": "lin", "because": "post-mortem 8"});
    let refused = served.send(&path, JSON, &body.to_string()).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (401, &json!("writing takes the write key: Authorization: Bearer KEY"))
    );
    let bearer = format!("{JSON}authorization: Bearer {WRITE_KEY}\r\n");
    let kept: Answer = served.send(&path, &bearer, &body.to_string()).await;
    assert_eq!((kept.status, &kept.json()["verdict"]), (201, &json!("true-positive")));
    assert_eq!(said(&served, &alert).await, [(json!("true-positive"), json!("lin"))]);
    let whole = served.get(&format!("/api/v1/alerts/{alert}")).await.json();
    assert_eq!(whole["verdicts"][0]["because"], "post-mortem 8");
    let misspelt = json!({"verdict": "unknown", "by": "lin", "reason": "x"});
    assert_eq!(served.send(&path, &bearer, &misspelt.to_string()).await.status, 400);
}

#[tokio::test]
async fn without_a_key_nothing_can_be_written() {
    let store = Store::in_memory().unwrap();
    sample::fill(&store, crate::http::now());
    let served = Served::over(store, |sources| {
        let info = SiteInfo { write_key: None, ..sample::info() };
        sources.info = watch::channel(Arc::new(info)).1;
    })
    .await;
    let alert = open_alert(&served).await;
    let page = served.get(&format!("/alerts/{alert}")).await;
    assert!(!page.body.contains("<form"), "there is nothing to fill in");
    assert!(page.text().contains("name a write_key in bellwether.toml"));
    let path = format!("/alerts/{alert}/verdict");
    assert_eq!(served.send(&path, FORM, &form("unknown", "")).await.status, 403);
    let bearer = format!("{JSON}authorization: Bearer \r\n");
    let api = format!("/api/v1/alerts/{alert}/verdicts");
    assert_eq!(served.send(&api, &bearer, "{}").await.status, 401);
}

#[tokio::test]
async fn figures_say_what_they_rest_on() {
    let served = Served::full().await;
    let page = served.get("/quality").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let text = page.text();
    for wanted in [
        "alerts judged by people",
        "1 of 1, 21–100 %",
        "1 of 2, 9–91 %",
        "drain-03",
        "Intervals are 95 %",
        "6 stay where they are, and what is missing",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    assert!(page.body.contains("class=\"nodata\""), "what rests on nothing is no number");
    assert!(!page.body.contains("<script>alert"));
    let told = served.get("/api/v1/quality").await.json();
    let monitors = told["monitors"].as_array().unwrap();
    let sum = |pointer: &str| -> u64 {
        monitors.iter().map(|m| m.pointer(pointer).unwrap().as_u64().unwrap()).sum()
    };
    let words = ["true_positive", "benign_true", "false_positive", "unlabelled"];
    let counted: u64 = words.iter().map(|word| sum(&format!("/verdicts/{word}"))).sum();
    assert_eq!(counted, sum("/alerts"), "every alert is counted once");
    let stages: Vec<&str> = monitors.iter().map(|m| m["stage"].as_str().unwrap()).collect();
    assert!(stages.contains(&"shadow") && stages.contains(&"page"), "{stages:?}");
    let empty = Served::empty().await.get("/quality").await;
    assert!(empty.text().contains("unknown No incident or drill is on record"), "{}", empty.text());
}

#[tokio::test]
async fn a_strangers_words_stay_words() {
    let served = Served::full().await;
    let list = served.get("/api/v1/alerts").await.json();
    let mut shown = false;
    for alert in list["items"].as_array().unwrap() {
        let page = served.get(&format!("/alerts/{}", alert["id"].as_str().unwrap())).await;
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"));
        shown |= page.text().contains("What it turned out to be false-positive")
            && page.text().contains(&HOSTILE[..8]);
    }
    assert!(shown, "the reason is shown, as text");
}
