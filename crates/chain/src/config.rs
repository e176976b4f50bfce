//! What a person decides about following one network: where to ask, how patiently, how deep to
//! look, how much to believe.
//!
//! The program reads files and fills these structs; nothing here touches a file or the clock.
//! [`NetworkConfig::mistakes`] finds everything that is wrong with one at once.

use std::sync::Arc;

use model::{BlockNumber, Name, Secret};

use crate::{Prove, execute::Executor};

/// How one network is followed.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// The network's name, which every event carries.
    pub name: Name,
    /// EIP-155 chain id. An endpoint that reports another one is never used.
    pub chain_id: u64,
    /// Endpoints in the order of preference. One is enough, more give failover.
    pub endpoints: Vec<EndpointConfig>,
    /// When a block counts as final.
    pub finality: Finality,
    /// Where to begin when there is no cursor.
    pub start: Start,
    /// Whether call traces are fetched.
    pub traces: TraceMode,
    /// Who executes blocks that no node traces; `None` leaves them without traces.
    pub executor: Option<Arc<dyn Executor>>,
    /// What is recomputed before a block is believed.
    pub prove: Prove,
    /// Ask a second endpoint whether it sees the same chain; `None` trusts each endpoint alone.
    pub cross_check: Option<CrossCheck>,
    /// Intervals and patience.
    pub timing: Timing,
    /// Bounds of memory and parallelism.
    pub limits: Limits,
}

/// One node, or one provider's address.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// How status, errors and bundles refer to it; the URL is never shown.
    pub name: Name,
    /// `http://` or `https://` address of the JSON-RPC.
    pub url: Secret<String>,
    /// `ws://` or `wss://` address whose `newHeads` wake us; polling goes on in any case.
    pub ws_url: Option<Secret<String>>,
    /// Extra HTTP headers, such as `authorization`, sent with each request.
    pub headers: Vec<(String, Secret<String>)>,
    /// Requests per second that the endpoint's owner allows; each call of a batch counts as one.
    /// `None` does not limit.
    pub requests_per_second: Option<u32>,
}

/// When a block counts as final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// At once: for chains with instant finality.
    Latest,
    /// When the node's `safe` tag reaches it.
    Safe,
    /// When the node's `finalized` tag reaches it.
    Finalized,
    /// When this many blocks were built on it.
    Blocks(u64),
}

/// Where to begin when there is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the head the endpoints show first.
    Head,
    /// With this block.
    Block(BlockNumber),
}

/// Whether call traces are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceMode {
    /// Never.
    Off,
    /// Where an endpoint offers them. A block whose traces cannot be had after all attempts is
    /// committed without; its level says so to the detectors.
    Auto,
    /// Always. A block whose traces cannot be had is quarantined.
    Required,
}

/// Asking a second endpoint before believing the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossCheck {
    /// How far behind the block at hand the compared block lies. 0 compares the block itself;
    /// more tolerates endpoints that learn of a block at different moments.
    pub depth_blocks: u64,
}

/// Intervals and patience, in milliseconds.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Between two looks at an endpoint's head.
    pub poll_interval_ms: u64,
    /// A request without an answer for this long has failed.
    pub request_timeout_ms: u64,
    /// A connection that is not established for this long has failed.
    pub connect_timeout_ms: u64,
    /// Pause after the first failed round over all endpoints; doubles with each further round.
    pub retry_base_ms: u64,
    /// Longest pause between two rounds.
    pub retry_max_ms: u64,
    /// First pause before a quarantined block is tried again; doubles with each failure.
    pub recovery_base_ms: u64,
    /// Longest pause between two attempts at a quarantined block.
    pub recovery_max_ms: u64,
    /// How long a branch that is shorter than ours, or that contradicts a final block, must stand
    /// before it is believed.
    pub reorg_patience_ms: u64,
    /// Between two questions for the `safe` or `finalized` tag.
    pub finality_interval_ms: u64,
    /// A WebSocket without a frame for this long is replaced.
    pub ws_silence_ms: u64,
    /// A block that takes longer than this to be executed here stays without traces. Detectors of
    /// all levels wait for it, so that it is less than a block of mainnet.
    pub execution_timeout_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            poll_interval_ms: 2_000,
            request_timeout_ms: 10_000,
            connect_timeout_ms: 5_000,
            retry_base_ms: 250,
            retry_max_ms: 10_000,
            recovery_base_ms: 5_000,
            recovery_max_ms: 300_000,
            reorg_patience_ms: 60_000,
            finality_interval_ms: 12_000,
            ws_silence_ms: 60_000,
            execution_timeout_ms: 10_000,
        }
    }
}

/// Bounds of memory and parallelism.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest answer that is read, in bytes. The largest mainnet blocks with traces stay below
    /// 100 MB.
    pub response_bytes_max: usize,
    /// Blocks fetched at the same time while catching up.
    pub parallel_blocks: usize,
    /// Blocks remembered by hash. A reorg within them is followed; a deeper one stops us with a
    /// critical status. 1,024 blocks are 3.4 hours of mainnet.
    pub window_blocks: usize,
    /// Rounds over all endpoints before a block that others were built on is quarantined.
    pub attempts_max: u32,
    /// Calls in one batch request.
    pub batch_calls_max: usize,
    /// Requests for parts of the state before a block that executing it may take. A full block of
    /// mainnet takes some thousands.
    pub execution_reads_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            response_bytes_max: 128 << 20,
            parallel_blocks: 8,
            window_blocks: 1_024,
            attempts_max: 6,
            batch_calls_max: 100,
            execution_reads_max: 20_000,
        }
    }
}

/// One thing that is wrong with a [`NetworkConfig`]. Names the key; never shows a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigMistake {
    /// The list of endpoints is empty.
    #[error("network {network}: endpoints is empty, at least one is needed")]
    NoEndpoints {
        /// Network.
        network: Name,
    },
    /// Two endpoints share a name.
    #[error("network {network}: two endpoints are called {endpoint}")]
    DuplicateEndpoint {
        /// Network.
        network: Name,
        /// The shared name.
        endpoint: Name,
    },
    /// A URL cannot be used.
    #[error("network {network}, endpoint {endpoint}: {key} is not a URL with scheme {allowed}")]
    BadUrl {
        /// Network.
        network: Name,
        /// Endpoint.
        endpoint: Name,
        /// `url` or `ws_url`.
        key: &'static str,
        /// The schemes that are allowed.
        allowed: &'static str,
    },
    /// A header's name or value cannot be sent.
    #[error("network {network}, endpoint {endpoint}: header {header:?} cannot be sent over HTTP")]
    BadHeader {
        /// Network.
        network: Name,
        /// Endpoint.
        endpoint: Name,
        /// Name of the header, as configured.
        header: String,
    },
    /// A number that must be positive is 0.
    #[error("network {network}: {key} is 0, allowed is 1 or more")]
    Zero {
        /// Network.
        network: Name,
        /// The key.
        key: String,
    },
    /// Blocks would be forgotten before they are final.
    #[error(
        "network {network}: finality waits for {blocks} blocks, but only window_blocks = {window} are remembered"
    )]
    FinalityBeyondWindow {
        /// Network.
        network: Name,
        /// Blocks to wait for.
        blocks: u64,
        /// Blocks remembered.
        window: usize,
    },
    /// A cross-check has nobody to ask.
    #[error("network {network}: cross_check needs at least two endpoints, there is {endpoints}")]
    NobodyToAsk {
        /// Network.
        network: Name,
        /// How many there are.
        endpoints: usize,
    },
}

impl NetworkConfig {
    /// Everything that is wrong with this configuration; empty when nothing is.
    pub fn mistakes(&self) -> Vec<ConfigMistake> {
        let network = &self.name;
        let mut mistakes = Vec::new();
        if self.endpoints.is_empty() {
            mistakes.push(ConfigMistake::NoEndpoints { network: network.clone() });
        }
        for (at, endpoint) in self.endpoints.iter().enumerate() {
            if self.endpoints[..at].iter().any(|earlier| earlier.name == endpoint.name) {
                let endpoint = endpoint.name.clone();
                mistakes
                    .push(ConfigMistake::DuplicateEndpoint { network: network.clone(), endpoint });
            }
            endpoint.mistakes(network, &mut mistakes);
        }
        if self.cross_check.is_some() && self.endpoints.len() < 2 {
            mistakes.push(ConfigMistake::NobodyToAsk {
                network: network.clone(),
                endpoints: self.endpoints.len(),
            });
        }
        if let Finality::Blocks(blocks) = self.finality
            && blocks >= self.limits.window_blocks as u64
        {
            mistakes.push(ConfigMistake::FinalityBeyondWindow {
                network: network.clone(),
                blocks,
                window: self.limits.window_blocks,
            });
        }
        let positive = [
            ("poll_interval_ms", self.timing.poll_interval_ms),
            ("request_timeout_ms", self.timing.request_timeout_ms),
            ("connect_timeout_ms", self.timing.connect_timeout_ms),
            ("retry_base_ms", self.timing.retry_base_ms),
            ("retry_max_ms", self.timing.retry_max_ms),
            ("recovery_base_ms", self.timing.recovery_base_ms),
            ("recovery_max_ms", self.timing.recovery_max_ms),
            ("finality_interval_ms", self.timing.finality_interval_ms),
            ("ws_silence_ms", self.timing.ws_silence_ms),
            ("execution_timeout_ms", self.timing.execution_timeout_ms),
            ("response_bytes_max", self.limits.response_bytes_max as u64),
            ("parallel_blocks", self.limits.parallel_blocks as u64),
            ("window_blocks", self.limits.window_blocks as u64),
            ("attempts_max", u64::from(self.limits.attempts_max)),
            ("batch_calls_max", self.limits.batch_calls_max as u64),
            ("execution_reads_max", u64::from(self.limits.execution_reads_max)),
        ];
        for (key, value) in positive {
            if value == 0 {
                mistakes.push(ConfigMistake::Zero { network: network.clone(), key: key.into() });
            }
        }
        mistakes
    }
}

impl EndpointConfig {
    fn mistakes(&self, network: &Name, mistakes: &mut Vec<ConfigMistake>) {
        let mut check_url =
            |url: &Secret<String>, key, allowed: &'static str, schemes: [&str; 2]| {
                let is_good = reqwest::Url::parse(url.reveal())
                    .is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host());
                if !is_good {
                    mistakes.push(ConfigMistake::BadUrl {
                        network: network.clone(),
                        endpoint: self.name.clone(),
                        key,
                        allowed,
                    });
                }
            };
        check_url(&self.url, "url", "http:// or https://", ["http", "https"]);
        if let Some(ws_url) = &self.ws_url {
            check_url(ws_url, "ws_url", "ws:// or wss://", ["ws", "wss"]);
        }
        for (header, value) in &self.headers {
            let is_good = reqwest::header::HeaderName::from_bytes(header.as_bytes()).is_ok()
                && reqwest::header::HeaderValue::from_str(value.reveal()).is_ok();
            if !is_good {
                mistakes.push(ConfigMistake::BadHeader {
                    network: network.clone(),
                    endpoint: self.name.clone(),
                    header: header.clone(),
                });
            }
        }
        if self.requests_per_second == Some(0) {
            mistakes.push(ConfigMistake::Zero {
                network: network.clone(),
                key: format!("requests_per_second of endpoint {}", self.name),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn endpoint(name: &str, url: &str) -> EndpointConfig {
        EndpointConfig {
            name: Name::new(name).unwrap(),
            url: Secret::new(url.to_owned()),
            ws_url: None,
            headers: Vec::new(),
            requests_per_second: None,
        }
    }

    fn network(endpoints: Vec<EndpointConfig>) -> NetworkConfig {
        NetworkConfig {
            name: Name::new("mainnet").unwrap(),
            chain_id: 1,
            endpoints,
            finality: Finality::Finalized,
            start: Start::Head,
            traces: TraceMode::Auto,
            executor: None,
            prove: Prove::default(),
            cross_check: None,
            timing: Timing::default(),
            limits: Limits::default(),
        }
    }

    #[test]
    fn a_good_configuration_has_no_mistakes() {
        let good = network(vec![endpoint("a", "https://rpc.example/key")]);
        assert_eq!(good.mistakes(), []);
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_no_url_is_shown() {
        let mut wrong = network(vec![
            endpoint("a", "ftp://secret.example/key"),
            endpoint("a", "https://rpc.example"),
        ]);
        wrong.endpoints[1].ws_url = Some(Secret::new("https://secret.example".into()));
        wrong.endpoints[1].headers = vec![("x y".into(), Secret::new("secret".into()))];
        wrong.endpoints[1].requests_per_second = Some(0);
        wrong.timing.poll_interval_ms = 0;
        wrong.limits.window_blocks = 0;
        let told: Vec<String> = wrong.mistakes().iter().map(ToString::to_string).collect();
        assert!(!told.join("\n").contains("secret"));
        expect![[r#"
            network mainnet, endpoint a: url is not a URL with scheme http:// or https://
            network mainnet: two endpoints are called a
            network mainnet, endpoint a: ws_url is not a URL with scheme ws:// or wss://
            network mainnet, endpoint a: header "x y" cannot be sent over HTTP
            network mainnet: requests_per_second of endpoint a is 0, allowed is 1 or more
            network mainnet: poll_interval_ms is 0, allowed is 1 or more
            network mainnet: window_blocks is 0, allowed is 1 or more"#]]
        .assert_eq(&told.join("\n"));
        assert_eq!(
            network(Vec::new()).mistakes()[0].to_string(),
            "network mainnet: endpoints is empty, at least one is needed"
        );
    }

    #[test]
    fn blocks_are_remembered_until_they_are_final() {
        let mut short = network(vec![endpoint("a", "https://rpc.example")]);
        short.finality = Finality::Blocks(64);
        short.limits.window_blocks = 64;
        assert_eq!(
            short.mistakes()[0].to_string(),
            "network mainnet: finality waits for 64 blocks, but only window_blocks = 64 are remembered"
        );
        short.limits.window_blocks = 65;
        assert_eq!(short.mistakes(), []);
    }

    #[test]
    fn a_cross_check_needs_somebody_to_ask() {
        let mut alone = network(vec![endpoint("a", "https://rpc.example")]);
        alone.cross_check = Some(CrossCheck { depth_blocks: 0 });
        assert_eq!(
            alone.mistakes()[0].to_string(),
            "network mainnet: cross_check needs at least two endpoints, there is 1"
        );
    }
}
