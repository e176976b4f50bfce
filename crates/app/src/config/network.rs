//! `networks/*.toml`: where to ask, how deep to look, how much to believe.

use std::sync::Arc;

use chain::{
    Prove,
    config::{
        ConfigMistake, CrossCheck, EndpointConfig, Finality, Limits, NetworkConfig, Start, Timing,
        TraceMode,
    },
    execute::Executor,
};
use evm::execution::HardFork;
use model::Name;
use registry::Explorer;

use super::{
    folder::{Surroundings, stem},
    mistake::SourceFile,
    secret::{Literal, Missing, secret},
    table::{Collector, Table, parse},
};
use crate::execution::OwnExecution;

/// A network as declared: how to follow it, and where its explorer is.
#[derive(Debug, Clone)]
pub struct Network {
    /// How it is followed.
    pub chain: NetworkConfig,
    /// Where links to transactions and addresses go.
    pub explorer: Option<Explorer>,
}

/// Longest interval between two looks at a chain's head: a day. Anything longer is a typing error.
const INTERVAL_MS_MAX: u64 = 86_400_000;

pub(super) fn network(
    file: &SourceFile,
    around: &dyn Surroundings,
    missing: Missing,
    out: &Collector,
) -> Option<Network> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let name = match Name::new(stem(&file.path)) {
        Ok(name) => Some(name),
        Err(error) => {
            table.mistake(0..0, format!("the file's name is the network's name: {error}"));
            None
        }
    };
    let chain_id = table.required_integer("chain_id");
    let finality =
        table.parsed("finality", parse_finality).map_or(Finality::Finalized, |f| f.value);
    let start = table.parsed("start", parse_start).map_or(Start::Head, |s| s.value);
    let traces = table.parsed("traces", parse_traces).map_or(TraceMode::Auto, |t| t.value);
    let executes = table.parsed("execute", parse_execute).is_none_or(|e| e.value);
    let hard_fork = table.parsed("hard_fork", |text| {
        text.parse::<HardFork>().map_err(|unknown| unknown.to_string())
    });
    let cross_check = table
        .integer_in("cross_check_depth_blocks", 0..1_000)
        .map(|depth_blocks| CrossCheck { depth_blocks });
    let timing = timing(&table);
    let limits = limits(&table);
    let prove_senders = table.boolean("prove_senders").unwrap_or(true);
    let explorer = table.parsed("explorer", Explorer::new).map(|e| e.value);
    let mut endpoints = Vec::new();
    for (at, table) in table.tables("endpoint").into_iter().enumerate() {
        endpoints.extend(endpoint(&table, at, around, missing));
        table.finish();
    }
    let has_endpoints = table.has("endpoint");
    table.finish();
    let (name, chain_id) = (name?, chain_id?.value);
    let prove = Prove { senders: prove_senders, ..Prove::everything().on_chain(chain_id) };
    let own_execution = || -> Arc<dyn Executor> {
        Arc::new(OwnExecution::new(chain_id, hard_fork.map(|fork| fork.value)))
    };
    let chain = NetworkConfig {
        name,
        chain_id,
        endpoints,
        finality,
        start,
        traces,
        executor: executes.then(own_execution),
        prove,
        cross_check,
        timing,
        limits,
    };
    for mistake in chain.mistakes() {
        // An endpoint with a mistake of its own is not in the list; saying "no endpoints" as well
        // would send the reader to the wrong place. An absent secret makes no URL to complain about.
        let is_echo = has_endpoints && matches!(mistake, ConfigMistake::NoEndpoints { .. })
            || missing == Missing::IsFine && matches!(mistake, ConfigMistake::BadUrl { .. });
        if !is_echo {
            out.add(super::Mistake::in_file(&file.path, mistake.to_string()));
        }
    }
    Some(Network { chain, explorer })
}

fn endpoint(
    table: &Table<'_>,
    at: usize,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<EndpointConfig> {
    let name = table.name("name").map(|n| n.value);
    let url = secret(table, "url", Literal::LoopbackUrl, around, missing);
    if !table.has("url") {
        table.mistake_help(table.span(), "url is missing", "write url = { env = \"RPC_MAINNET\" }");
    }
    let ws_url = secret(table, "ws_url", Literal::LoopbackUrl, around, missing).map(|s| s.value);
    let requests_per_second =
        table.integer_in("requests_per_second", 1..100_001).and_then(|n| u32::try_from(n).ok());
    let mut headers = Vec::new();
    for header in table.tables("header") {
        let name = header.required_text("name");
        let value = secret(&header, "value", Literal::Never, around, missing);
        header.finish();
        if let (Some(name), Some(value)) = (name, value) {
            headers.push((name.value, value.value));
        }
    }
    let name = name.or_else(|| Name::new(&format!("endpoint-{}", at + 1)).ok())?;
    Some(EndpointConfig { name, url: url?.value, ws_url, headers, requests_per_second })
}

fn timing(table: &Table<'_>) -> Timing {
    let mut timing = Timing::default();
    let fields: [(&'static str, &mut u64); 6] = [
        ("poll_interval", &mut timing.poll_interval_ms),
        ("request_timeout", &mut timing.request_timeout_ms),
        ("reorg_patience", &mut timing.reorg_patience_ms),
        ("finality_interval", &mut timing.finality_interval_ms),
        ("recovery_interval", &mut timing.recovery_base_ms),
        ("retry_interval", &mut timing.retry_base_ms),
    ];
    for (key, field) in fields {
        let Some(written) = table.duration_ms(key) else { continue };
        if (1..=INTERVAL_MS_MAX).contains(&written.value) {
            *field = written.value;
        } else {
            table.mistake(written.span, format!("{key} must be from 1ms to 1d"));
        }
    }
    timing
}

fn limits(table: &Table<'_>) -> Limits {
    let mut limits = Limits::default();
    if let Some(blocks) = table.integer_in("parallel_blocks", 1..65) {
        limits.parallel_blocks = blocks as usize;
    }
    if let Some(blocks) = table.integer_in("window_blocks", 16..store::CANONICAL_BLOCKS_MAX as u64)
    {
        limits.window_blocks = blocks as usize;
    }
    if let Some(attempts) = table.integer_in("attempts_max", 1..1_001) {
        limits.attempts_max = attempts as u32;
    }
    limits
}

fn parse_finality(text: &str) -> Result<Finality, String> {
    match text {
        "latest" => Ok(Finality::Latest),
        "safe" => Ok(Finality::Safe),
        "finalized" => Ok(Finality::Finalized),
        _ => text
            .strip_suffix(" blocks")
            .and_then(|n| n.trim().parse().ok())
            .map(Finality::Blocks)
            .ok_or_else(|| {
                format!(
                    "unknown finality {text:?} (one of: latest, safe, finalized, or \"12 blocks\")"
                )
            }),
    }
}

fn parse_start(text: &str) -> Result<Start, String> {
    match text {
        "head" => Ok(Start::Head),
        _ => text
            .strip_prefix("block ")
            .and_then(|n| n.trim().replace('_', "").parse().ok())
            .map(Start::Block)
            .ok_or_else(|| format!("unknown start {text:?} (\"head\" or \"block 19_426_587\")")),
    }
}

fn parse_traces(text: &str) -> Result<TraceMode, String> {
    match text {
        "off" => Ok(TraceMode::Off),
        "auto" => Ok(TraceMode::Auto),
        "required" => Ok(TraceMode::Required),
        _ => Err(format!("unknown traces {text:?} (one of: off, auto, required)")),
    }
}

/// Whether blocks that no node traces are executed here.
fn parse_execute(text: &str) -> Result<bool, String> {
    match text {
        "auto" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("unknown execute {text:?} (one of: off, auto)")),
    }
}
