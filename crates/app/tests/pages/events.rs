//! Server-sent events.

use std::time::Duration;

use bellwether::web::EVENT_READERS_MAX;
use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};

use crate::http::Served;

const PATIENCE: Duration = Duration::from_secs(20);

/// Reads until this text has come.
async fn wait_for(stream: &mut TcpStream, wanted: &str) {
    let mut seen = String::new();
    let reading = async {
        while !seen.contains(wanted) {
            let mut bytes = [0; 1_024];
            let n = stream.read(&mut bytes).await.unwrap();
            assert!(n > 0, "the stream ended after {seen:?}, without {wanted:?}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    };
    timeout(PATIENCE, reading).await.expect("an event");
}

#[tokio::test]
async fn a_reader_hears_of_life_and_of_changes_and_the_stream_ends_with_who_tells() {
    let served = Served::full().await;
    let mut stream = served.open("GET", "/events", "").await;
    wait_for(&mut stream, "event: alive").await;
    served.changes.send(()).unwrap();
    wait_for(&mut stream, "event: changed").await;
    drop(served);
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the end").unwrap();
}

#[tokio::test]
async fn a_thousand_changes_at_once_are_one_event() {
    let served = Served::full().await;
    let mut stream = served.open("GET", "/events", "").await;
    wait_for(&mut stream, "event: alive").await;
    for _ in 0..1_000 {
        served.changes.send(()).unwrap();
    }
    drop(served);
    let mut rest = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut rest)).await.expect("the end").unwrap();
    assert_eq!(rest.matches("event: changed").count(), 1, "{rest}");
}

#[tokio::test]
async fn readers_are_bounded_and_a_place_is_free_again() {
    let served = Served::full().await;
    let mut readers = Vec::new();
    for _ in 0..EVENT_READERS_MAX {
        let mut stream = served.open("GET", "/events", "").await;
        wait_for(&mut stream, "event: alive").await;
        readers.push(stream);
    }
    let refused = served.get("/events").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("30"));
    readers.clear();
    // The server notices that a reader is gone when it writes.
    let again = async {
        loop {
            served.changes.send(()).ok();
            let mut stream = served.open("GET", "/events", "").await;
            let mut start = [0; 12];
            stream.read_exact(&mut start).await.unwrap();
            if start.ends_with(b"200") {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.expect("a free place");
}
