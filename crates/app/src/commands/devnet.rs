//! `bellwether devnet`: the chain inside the program, for people to point things at.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use evm::{
    devnet::Devnet as Chain,
    meridian::{Meridian, Traffic},
    scenarios,
};
use serde_json::json;

use super::Outcome;
use crate::{config::parse_duration_ms, terminal::print_line};

/// Run a chain with the Meridian protocol on it, with everyday traffic, over real JSON-RPC.
///
/// HTTP and WebSocket share one port. `devnet_mine`, `devnet_reorg`, `devnet_setTime` and
/// `devnet_fault` are there besides what nodes offer.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether devnet\n  RPC_DEVNET=http://127.0.0.1:8545 RPC_DEVNET_WS=ws://127.0.0.1:8545 bellwether run examples/meridian\n  bellwether devnet --attack role_stolen"
)]
pub(super) struct Devnet {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:8545")]
    listen: SocketAddr,
    /// Time between blocks; 0s makes blocks only when devnet_mine asks for one.
    #[arg(long, default_value = "2s", value_parser = parse_duration_ms)]
    block_time: u64,
    /// Blocks of history before the first one that is made live.
    #[arg(long, default_value_t = 50)]
    history: u64,
    /// Run this attack after the history, then go on; repeat for several.
    #[arg(long, value_name = "SCENARIO")]
    attack: Vec<String>,
    /// What listens, as one JSON object.
    #[arg(long)]
    json: bool,
}

impl Devnet {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let mut attacks = Vec::new();
        for name in &self.attack {
            match scenarios::find(name) {
                Some(scenario) => attacks.push(scenario),
                None => {
                    let known: Vec<&str> = scenarios::all().iter().map(|s| s.name).collect();
                    bail!("unknown scenario {name:?} (one of: {})", known.join(", "));
                }
            }
        }
        let chain = Chain::new(Meridian::devnet_config());
        let meridian = Meridian::deploy(&chain)?;
        let mut traffic = Traffic::new(7);
        for _ in 0..self.history {
            traffic.submit(&chain, &meridian)?;
            chain.mine()?;
        }
        let endpoint = chain
            .serve(self.listen)
            .await
            .with_context(|| format!("listening on {}", self.listen))?;
        self.introduce(&endpoint, &meridian);
        let pause = Duration::from_millis(self.block_time);
        for scenario in attacks {
            print_line(&format!("{}: {}", scenario.name, scenario.story));
            let mut run = scenario.begin();
            while let Some(what) = run.step(&chain, &meridian, &mut traffic)? {
                traffic.submit(&chain, &meridian)?;
                let block = chain.mine()?;
                print_line(&format!("  block {}: {what}", block.number));
                tokio::time::sleep(pause).await;
            }
        }
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        if pause.is_zero() {
            interrupted.await.context("waiting for Ctrl-C")?;
            return Ok(Outcome::Fine);
        }
        loop {
            tokio::select! {
                asked = &mut interrupted => {
                    asked.context("waiting for Ctrl-C")?;
                    return Ok(Outcome::Fine);
                }
                () = tokio::time::sleep(pause) => {
                    traffic.submit(&chain, &meridian)?;
                    chain.mine()?;
                }
            }
        }
    }

    fn introduce(&self, endpoint: &evm::devnet::Endpoint, meridian: &Meridian) {
        let deployed = meridian.deployments();
        if self.json {
            let contracts: serde_json::Map<_, _> =
                deployed.iter().map(|d| (d.name.to_owned(), json!(d.address))).collect();
            print_line(
                &json!({"http": endpoint.url(), "ws": endpoint.ws_url(), "contracts": contracts}),
            );
            return;
        }
        print_line(&format!("JSON-RPC  {}  {}", endpoint.url(), endpoint.ws_url()));
        for contract in deployed {
            print_line(&format!("{:<22} {}", contract.name, contract.address));
        }
    }
}
