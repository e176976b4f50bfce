//! The pages with a day of made-up data: `cargo run -p bellwether --example pages [PORT] [empty]`.
//!
//! For work on templates and style: no chain, no configuration, nothing kept.

use std::net::Ipv4Addr;

use bellwether::web::{self, Site};
use model::UnixMillis;
use store::Store;

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/pages/sample.rs"]
mod sample;

fn now() -> UnixMillis {
    UnixMillis(jiff::Timestamp::now().as_millisecond())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = arguments.iter().find_map(|text| text.parse().ok()).unwrap_or(7411);
    let store = Store::in_memory()?;
    let is_empty = arguments.iter().any(|text| text == "empty");
    if !is_empty {
        sample::fill(&store, now());
        sample::fill_nights(&store, now());
    }
    // Held, so that readers of `/events` stay connected.
    let (sources, _changes) = sample::sources(store, now);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, web::router(Site::new(sources))).await?;
    Ok(())
}
