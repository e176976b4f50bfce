//! What an endpoint can be told to do wrong, one real failure of real nodes each.

use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;

/// A way to fail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Fault {
    /// A JSON-RPC error inside HTTP 200.
    Error {
        /// JSON-RPC error code.
        code: i64,
        /// Its message.
        message: String,
    },
    /// An HTTP status (503, 429 …) without a JSON-RPC answer. Over WebSocket it closes the
    /// connection.
    Http {
        /// Status code.
        status: u16,
    },
    /// A `null` result.
    Null,
    /// An empty list, whatever was asked (receipts, logs).
    Empty,
    /// The endpoint believes in a head this many blocks behind the real one, and knows nothing
    /// newer.
    Lag {
        /// Blocks behind.
        blocks: u64,
    },
    /// The answer comes late.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Text that is not JSON.
    Garbage,
    /// WebSocket connections are closed.
    DropWebsocket,
}

/// A fault with what it applies to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// A JSON-RPC method, or `*` for all but those of the `devnet_` namespace.
    pub method: String,
    /// What goes wrong.
    pub fault: Fault,
    /// How many requests it spoils; `None` is all until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// Spoils only requests whose parameters hold this text: a hash, an address, a height.
    #[serde(default)]
    pub about: Option<String>,
}

impl FaultRule {
    /// Spoils every request of a method until cleared.
    pub fn always(method: &str, fault: Fault) -> Self {
        Self { method: method.to_owned(), fault, times: None, about: None }
    }

    /// Spoils the next `times` requests of a method.
    pub fn times(method: &str, fault: Fault, times: u32) -> Self {
        Self { method: method.to_owned(), fault, times: Some(times), about: None }
    }

    /// The same for requests alone whose parameters hold this text.
    #[must_use]
    pub fn about(mut self, text: impl Into<String>) -> Self {
        self.about = Some(text.into());
        self
    }

    fn applies_to(&self, method: &str, params: &Value) -> bool {
        let is_for_requests = self.fault != Fault::DropWebsocket;
        let is_any = self.method == "*" && !method.starts_with("devnet_");
        let is_about = |text: &String| params.to_string().contains(text.as_str());
        is_for_requests
            && (self.method == method || is_any)
            && self.about.as_ref().is_none_or(is_about)
    }
}

/// Most rules one endpoint holds; more than one per method would only hide each other.
const RULES_MAX: usize = 64;

/// The faults of one endpoint.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<FaultRule>>,
}

impl Faults {
    /// Adds a rule. Several may apply to one request: lag and delay add to any other. Beyond 64
    /// rules the oldest is replaced.
    pub fn add(&self, rule: FaultRule) {
        let mut rules = self.lock();
        if rules.len() >= RULES_MAX {
            rules.remove(0);
        }
        rules.push(rule);
    }

    /// This rule and no other from now on, without a moment between.
    pub fn replace(&self, rule: FaultRule) {
        *self.lock() = vec![rule];
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The faults for one request, counted as used.
    pub(super) fn take(&self, method: &str, params: &Value) -> Vec<Fault> {
        let mut taken = Vec::new();
        self.lock().retain_mut(|rule| {
            if !rule.applies_to(method, params) {
                return true;
            }
            taken.push(rule.fault.clone());
            rule.times = rule.times.map(|times| times.saturating_sub(1));
            rule.times != Some(0)
        });
        taken
    }

    /// Blocks that the endpoint lags behind for everything, without counting a use.
    pub(super) fn lag_blocks(&self) -> u64 {
        let rules = self.lock();
        let lags =
            rules.iter().filter(|rule| rule.method == "*").filter_map(|rule| match rule.fault {
                Fault::Lag { blocks } => Some(blocks),
                _ => None,
            });
        lags.max().unwrap_or(0)
    }

    /// Whether WebSocket connections are to be closed; uses up one of the rule's times.
    pub(super) fn is_websocket_dropped(&self) -> bool {
        let mut is_dropped = false;
        self.lock().retain_mut(|rule| {
            if rule.fault != Fault::DropWebsocket {
                return true;
            }
            is_dropped = true;
            rule.times = rule.times.map(|times| times.saturating_sub(1));
            rule.times != Some(0)
        });
        is_dropped
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<FaultRule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
