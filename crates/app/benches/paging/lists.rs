//! A hundred thousand open alerts, page by page: first and deep ones, with filters and without, in the
//! API and as pages.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use alert::AlertBook;
use bellwether::{
    paging::{Desk, Inbox},
    pulse::Vitals,
    snapshot::TrustLimits,
    web::{self, Site, SiteInfo, Sources},
};
use cpu_time::ProcessTime;
use model::UnixMillis;
use store::Store;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{broadcast, watch},
};

use crate::{
    made,
    table::{Sample, Table},
};

/// Most CPU time for one page.
const PAGE_MS_MAX: f64 = 50.0;

/// Alerts committed together.
const STEP: u64 = 500;

/// One alert each second, up to here.
const END_MS: i64 = 1_800_000_000_000;

fn now() -> UnixMillis {
    UnixMillis(END_MS)
}

pub(super) fn measure(alerts: u64, repeats: usize, table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db")).unwrap();
    let began = ProcessTime::now();
    fill(&store, alerts);
    let per_alert_ms = began.elapsed().as_secs_f64() * 1e3 / alerts as f64;
    table.heading(&format!("a page of {alerts} open alerts, CPU of server and client"));
    table.note(&format!("each alert was told before, at {per_alert_ms:.2} ms of CPU"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let address = runtime.block_on(serve(store));
    let deep = runtime.block_on(deep_cursor(address, alerts));
    let page = |path: String| (path.clone(), path);
    let asked = [
        page("/api/v1/alerts".to_owned()),
        page("/api/v1/alerts?open=true".to_owned()),
        page("/api/v1/alerts?open=true&limit=500".to_owned()),
        (
            "/api/v1/alerts?open=true, a deep page".to_owned(),
            format!("/api/v1/alerts?open=true&cursor={deep}"),
        ),
        page("/api/v1/alerts?open=true&severity=critical".to_owned()),
        page("/api/v1/alerts?open=true&monitor=monitor-7".to_owned()),
        page("/api/v1/alerts?open=true&deployment=vault-8".to_owned()),
        page("/api/v1/alerts?state=retracted".to_owned()),
        page("/alerts".to_owned()),
        ("/alerts, a deep page".to_owned(), format!("/alerts?before={deep}")),
    ];
    for (label, path) in asked {
        let times: Vec<f64> = (0..repeats)
            .map(|_| {
                let began = ProcessTime::now();
                let answer = runtime.block_on(get(address, &path));
                let time = began.elapsed();
                assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer:.300}");
                time.as_secs_f64() * 1e3
            })
            .collect();
        table.goal(&label, &Sample::new(times), "ms", PAGE_MS_MAX);
    }
}

/// Fills a store as the program does: alerts from findings, told by the pager.
fn fill(store: &Store, alerts: u64) {
    let mut desk = Desk::open(store.clone(), made::plan(false), UnixMillis(0)).unwrap();
    let mut book = AlertBook::new();
    for first in (0..alerts).step_by(STEP as usize) {
        let numbers = first..(first + STEP).min(alerts);
        let at = |number: u64| UnixMillis(END_MS - (alerts - number) as i64 * 1_000);
        let last = at(numbers.end);
        let made = numbers.map(|number| made::alert(&mut book, number, at(number))).collect();
        made::commit(store, first / STEP, made, last);
        desk.advance(last).unwrap();
    }
    while desk.next_due().is_some_and(|due| due <= now()) {
        desk.advance(now()).unwrap();
    }
}

async fn serve(store: Store) -> SocketAddr {
    let (_, info) = watch::channel(Arc::new(SiteInfo::default()));
    let sources = Sources {
        pager: Inbox::new(store.clone(), Arc::default()),
        store,
        info,
        health: Arc::new(Vec::new),
        changes: broadcast::channel(16).0,
        mailbox: None,
        teacher: None,
        vitals: watch::channel(Vitals::default()).1,
        twins: bellwether::twin::Twins::default(),
        turns: bellwether::pulse::Turns::default(),
        canaries: bellwether::canary::Canaries::default(),
        limits: TrustLimits::default(),
        clock: now,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = web::router(Site::new(sources));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A whole answer.
async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let ask = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(60), read).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

/// Where the page after nine tenths of all alerts begins.
async fn deep_cursor(address: SocketAddr, alerts: u64) -> String {
    let mut cursor = String::new();
    for _ in 0..alerts * 9 / 10 / 500 {
        let answer = get(address, &format!("/api/v1/alerts?open=true&limit=500{cursor}")).await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        // The last field of a page; the rest is megabytes.
        let (_, next) = body.rsplit_once("\"next\":\"").expect("a further page");
        let (next, _) = next.split_once('"').unwrap();
        cursor = format!("&cursor={next}");
    }
    cursor.trim_start_matches("&cursor=").to_owned()
}
