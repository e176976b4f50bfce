use expect_test::expect;
use model::Severity;
use reqwest::StatusCode;

use super::{NOW, World, client};
use crate::answers::{Wiring, Wish};

async fn get(url: &str) -> (StatusCode, String) {
    let answer = client().get(url).send().await.unwrap();
    let headers = answer.headers();
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    (answer.status(), main(&answer.text().await.unwrap()))
}

async fn post(url: &str, form: &str) -> (StatusCode, String) {
    let request = client().post(url).header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form.to_owned()).send().await.unwrap();
    (answer.status(), main(&answer.text().await.unwrap()))
}

/// The words of the page, without what all pages have.
fn main(html: &str) -> String {
    let (_, main) = html.split_once("<main id=\"main\">").unwrap();
    let (main, _) = main.split_once("</main>").unwrap();
    let mut text = String::new();
    let mut is_tag = false;
    for c in main.chars() {
        match c {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                text.push(' ');
            }
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn opening_the_link_does_nothing_and_the_button_counts_once() {
    let world = World::new();
    let base = world.serve(Wiring::default()).await;
    let url = format!("{base}/answer/{}", world.token(Wish::Acknowledge));
    for _ in 0..3 {
        let (status, text) = get(&url).await;
        assert_eq!(status, 200);
        assert!(text.contains("Nothing has happened yet"), "{text}");
        assert!(text.contains("Who you are ann bob"), "{text}");
    }
    let head = client().head(&url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(world.told(), []);

    let (status, text) = post(&url, "").await;
    assert_eq!(status, 403);
    assert!(text.contains("say who you are"), "{text}");
    let (status, text) = post(&url, "by=eve").await;
    assert_eq!(status, 403, "{text}");
    assert_eq!(world.told(), []);
    let (status, text) = post(&url, "by=ann").await;
    assert_eq!(status, 200);
    assert!(text.contains("Acknowledged by ann, 2027-01-15 12:01:00 UTC."), "{text}");
    let (status, text) = post(&url, "by=bob").await;
    assert_eq!(status, 409);
    let first = "Answered before. Acknowledged by ann over link, 2027-01-15 12:01:00 UTC.";
    assert!(text.contains(first), "{text}");
    let (status, text) = get(&url).await;
    assert_eq!(status, 200);
    assert!(!text.contains("Nothing has happened yet") && text.contains("by ann"), "{text}");
    assert_eq!(world.told().len(), 1);
}

#[tokio::test]
async fn what_is_forged_expired_or_unreadable_says_so_plainly() {
    let world = World::with("team", NOW.plus(-8 * 86_400_000), Severity::Low);
    let base = world.serve(Wiring::default()).await;
    let expired = format!("{base}/answer/{}", world.token(Wish::Acknowledge));
    let (status, text) = get(&expired).await;
    assert_eq!(status, 410);
    expect![
        "This could be answered until 2027-01-14 12:01:00 UTC. Go on from the page of the alert."
    ]
    .assert_eq(&text[text.find("This could").unwrap()..]);
    assert_eq!(post(&expired, "by=ann").await.0, 410);
    let (status, text) = get(&format!("{base}/answer/{}", "A".repeat(40))).await;
    assert_eq!(status, 404);
    assert!(text.contains("no link or button of ours"), "{text}");
    assert_eq!(post(&format!("{base}/answer/x"), "by=ann").await.0, 404);
    assert_eq!(post(&expired, &"by=ann&".repeat(1_000)).await.0, 400, "longer than any form");
    assert_eq!(world.told(), []);

    let nobody = World::with("other", NOW.plus(-60_000), Severity::Low);
    let base = nobody.serve(Wiring::default()).await;
    let url = format!("{base}/answer/{}", nobody.token(Wish::Acknowledge));
    let (_, text) = get(&url).await;
    assert!(text.contains("the configuration names nobody who reads it"), "{text}");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_right_links_are_not() {
    let world = World::new();
    let base = world.serve(Wiring::default()).await;
    let mut last = StatusCode::NOT_FOUND;
    for _ in 0..=crate::answers::WRONG_MAX {
        last = get(&format!("{base}/answer/{}", "B".repeat(40))).await.0;
    }
    assert_eq!(last, 429);
    let url = format!("{base}/answer/{}", world.token(Wish::Acknowledge));
    assert_eq!(get(&url).await.0, 200);
}
