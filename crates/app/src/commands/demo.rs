//! `bellwether demo`: a protocol, its traffic and its attacks, watched.

use std::{net::SocketAddr, time::Duration};

use super::Outcome;
use crate::{
    config::{PORT_DEFAULT, parse_duration_ms},
    demo::{Demo as Story, DemoOptions},
};

/// Run a protocol, its everyday traffic and its attacks on a chain inside the program, and watch it.
///
/// The chain serves real JSON-RPC; the monitor is the one that `run` starts. Exit code 0 only if
/// every attack was found, somebody was told, and nothing benign paged.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether demo\n  bellwether demo --exit-after 90s --json | jq '.scenarios[] | {name, detected, by}'"
)]
pub(super) struct Demo {
    /// End by itself after this long (90s, 2m); without, everyday life goes on until Ctrl-C.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_ms)]
    exit_after: Option<u64>,
    /// Where the page listens; port 0 takes any.
    #[arg(long, default_value_t = SocketAddr::from(([127, 0, 0, 1], PORT_DEFAULT)))]
    listen: SocketAddr,
    /// A summary in one JSON object on standard output; the story goes to standard error.
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let options = DemoOptions {
            exit_after: self.exit_after.map(Duration::from_millis),
            json: self.json,
            listen: self.listen,
        };
        let summary = Story::start(options).await?.run().await?;
        Ok(if summary.ok { Outcome::Fine } else { Outcome::FoundWrong })
    }
}
