//! `bellwether status`: whether the program that runs can be trusted now.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use serde_json::Value;

use super::{Outcome, loaded_from};
use crate::{
    terminal::print_line,
    words::{millis, span},
};

/// How long the program may take to say how it is: one that takes longer is not well.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a status: a thousand networks.
const STATUS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Say whether the running program can be trusted, and why not: networks, stages, canaries.
///
/// Asks the program that listens where bellwether.toml says. Exit code 0 when it can be trusted, 1 when
/// something is missing, 2 when nothing answers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether status\n  bellwether status --json | jq '.canaries[].latency'"
)]
pub(super) struct Status {
    /// One JSON object, as /api/v1/status gives it, instead of text.
    #[arg(long)]
    json: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl Status {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let status = asked(config.general.listen).await?;
        if self.json {
            print_line(&status.to_string());
        } else {
            lines(&status).iter().for_each(|line| print_line(line));
        }
        let is_whole = status["trust"]["verdict"] == "yes";
        Ok(if is_whole { Outcome::Fine } else { Outcome::FoundWrong })
    }
}

async fn asked(listen: SocketAddr) -> anyhow::Result<Value> {
    // Plain HTTP on this machine, but a client wants to know how it would be otherwise.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build()?;
    let asked = client.get(format!("http://{listen}/api/v1/status")).send().await;
    let mut answer = asked
        .map_err(reqwest::Error::without_url)
        .with_context(|| format!("asking the program that listens on {listen}"))?;
    if !answer.status().is_success() {
        bail!("the program that listens on {listen} answers {}", answer.status());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > STATUS_BYTES_MAX {
            bail!("the answer of {listen} does not end");
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).context("reading the answer")
}

/// As a person reads it.
fn lines(status: &Value) -> Vec<String> {
    let text = |value: &Value| crate::words::clean(value.as_str().unwrap_or("?"));
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut lines = vec![format!("can be trusted: {}", text(&status["trust"]["verdict"]))];
    for reason in list(&status["trust"]["reasons"]) {
        let network = reason["network"].as_str().map(|name| format!("{name} "));
        let network = network.unwrap_or_default();
        lines.push(format!("  {}: {network}{}", text(&reason["code"]), text(&reason["text"])));
    }
    for network in list(&status["networks"]) {
        let judged = network["judged"]["number"].as_u64();
        let judged = judged.map_or("nothing judged".to_owned(), |n| format!("judged up to {n}"));
        let lag = network["lag_s"].as_u64().map(|s| format!(", {} behind", span(s)));
        let lag = lag.unwrap_or_default();
        lines.push(format!("network {}: {judged}{lag}", text(&network["name"])));
    }
    for stage in list(&status["stages"]) {
        let network = stage["network"].as_str().map(|name| format!(" of {name}"));
        let age = span(stage["age_s"].as_u64().unwrap_or_default());
        let network = network.unwrap_or_default();
        lines.push(format!("stage {}{network}: came round {age} ago", text(&stage["stage"])));
    }
    for canary in list(&status["canaries"]) {
        let name = text(&canary["network"]);
        let arrived = match canary["arrived_ago_ms"].as_u64() {
            Some(ms) => format!("the newest arrived {} ago", span(ms / 1_000)),
            None => "none arrived yet".to_owned(),
        };
        let lost = canary["lost"].as_u64().filter(|lost| *lost > 0);
        let lost = lost.map_or(String::new(), |lost| format!(", {lost} lost"));
        lines.push(format!("canaries of {name}: {arrived}{lost}"));
        for took in list(&canary["latency"]) {
            let ms = |key: &str| millis(took[key].as_u64().unwrap_or_default());
            let (last, median, p99) = (ms("last_ms"), ms("median_ms"), ms("p99_ms"));
            let stage = text(&took["stage"]);
            lines.push(format!("  {stage:<10} {last:>8}, median {median}, 99 of 100 {p99}"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn it_reads_like_a_person_wrote_it() {
        let latency = json!({"stage": "whole", "last_ms": 31, "median_ms": 29, "p99_ms": 1_400});
        let status = json!({
            "trust": {"verdict": "no", "reasons": [
                {"network": "base", "code": "lag", "text": "2 min behind the head"},
                {"network": null, "code": "canary_late", "text": "no canary comes through"},
            ]},
            "networks": [{"name": "base", "judged": {"number": 7}, "lag_s": 120}],
            "stages": [{"stage": "judge", "network": "base", "age_s": 0}],
            "canaries": [{
                "network": "base", "arrived_ago_ms": 61_000, "lost": 2, "latency": [latency],
            }],
        });
        expect![[r#"
            can be trusted: no
              lag: base 2 min behind the head
              canary_late: no canary comes through
            network base: judged up to 7, 2 min behind
            stage judge of base: came round 0 s ago
            canaries of base: the newest arrived 61 s ago, 2 lost
              whole         31 ms, median 29 ms, 99 of 100 1.4 s"#]]
        .assert_eq(&lines(&status).join("\n"));
    }
}
