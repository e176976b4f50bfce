//! The ledger as a page and as JSON.

use model::UnixMillis;
use store::Retention;

use crate::http::{Served, now};

#[tokio::test]
async fn the_page_tells_what_is_missing_by_whom_why_and_what_closes_it() {
    let text = Served::full().await.get("/coverage").await.text();
    for wanted in [
        "of what can go wrong, by value at risk",
        "6 holes in what was judged",
        // A monitor that came in the middle of the day, and what nobody has fetched yet.
        "600 blocks paused added later own-node being judged afterwards, once its blocks are final",
        "1,424,788 blocks paused not followed at that time nobody bellwether coverage backfill \
         --network mainnet --monitor paused --from 18000000 --to 19424787",
        "in quarantine: block could not be verified: receipts root differs",
        "tried again until an endpoint can prove the block",
        "blind at this moment; filled when it can see again",
        // Almost all is not all, and not knowing a value is said.
        "99.9 %",
        "nothing to watch",
        "35.3 % ?",
        "1 hole closed lately",
        "no block judged yet",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is not in {text}");
    }
    assert!(!text.contains("Removed by retention"), "nothing was removed");
}

#[tokio::test]
async fn what_retention_removed_is_on_the_page_and_in_the_answer() {
    let served = Served::full().await;
    let network = crate::sample::name("mainnet");
    let limits = Retention { events_s: 0, coverage_s: 7_200, ..Retention::default() };
    served.store.forget(&network, &limits, UnixMillis(now().0 - 120_000)).unwrap();
    let text = served.get("/coverage").await.text();
    for wanted in ["Removed by retention", "rows of the ledger, one a block", "1,135", "2 min ago"]
    {
        assert!(text.contains(wanted), "{wanted:?} is not in {text}");
    }
    let ledger = served.get("/api/v1/ledger?network=mainnet").await.json();
    let forgotten = &ledger["networks"][0]["forgotten"];
    assert_eq!(forgotten[0]["what"], "coverage");
    assert_eq!(forgotten[0]["removed"], 1_135);
    // What was judged by whom is not forgotten with the rows.
    let before = Served::full().await.get("/api/v1/ledger?network=mainnet").await.json();
    assert_eq!(ledger["value"], before["value"]);
    assert_eq!(ledger["networks"][0]["missing"], before["networks"][0]["missing"]);
}
