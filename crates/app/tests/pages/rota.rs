//! Who is on call and where alerts go, as pages and as a calendar.

use crate::http::Served;

#[tokio::test]
async fn the_page_tells_who_is_on_call_and_when_nobody_will_be() {
    let page = Served::full().await.get("/on-call").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    for wanted in [
        "primary",
        "bob",
        "Nobody is on call for",
        "in the next 28 days",
        "27 times 10 d in all",
        "[[schedule.rotation]] for that time in on-call.toml",
        "on call by primary",
        "phone (voice), team-chat (chat)",
        "Asia/Singapore",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    assert!(page.body.contains("url(#rota-gap)"), "a gap is hatched");
    assert!(page.body.contains("stroke-dasharray"), "an override is marked");
    assert!(page.body.contains("/on-call/primary.ics"));
}

#[tokio::test]
async fn a_schedule_is_a_calendar_with_its_gaps() {
    let served = Served::full().await;
    let calendar = served.get("/on-call/primary.ics").await;
    assert_eq!(calendar.status, 200);
    assert!(calendar.body.starts_with("BEGIN:VCALENDAR\r\n"), "{}", calendar.body);
    for wanted in ["SUMMARY:noor", "SUMMARY:bob", "SUMMARY:NOBODY ON CALL"] {
        assert!(calendar.body.contains(wanted), "{wanted}");
    }
    assert_eq!(served.get("/on-call/secondary.ics").await.status, 404);
}

#[tokio::test]
async fn an_alert_is_tried_out_without_scripts() {
    let served = Served::full().await;
    let text = served.get("/routes").await.text();
    for wanted in ["network=\"mainnet\"", "high or worse", "12 a week", "Where would it go?"] {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    assert!(!text.contains("Where it would go"), "nothing was asked");
    let asked =
        "/routes?severity=critical&network=mainnet&monitor=&deployment=&at=2024-03-11T12:00Z";
    let text = served.get(asked).await.text();
    for wanted in [
        "yes, and it stays here",
        "noor chat team-chat at once",
        "on call by an override",
        "bob voice phone at once",
        "not on call then; by primary from",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
    let text = served.get("/routes?severity=awful").await.text();
    assert!(text.contains("not tried unknown severity"), "{text}");
}
