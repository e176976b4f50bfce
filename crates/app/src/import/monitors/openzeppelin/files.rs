//! The files of OpenZeppelin Monitor: their shapes, and the mistakes in them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// `config/networks/*.json`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    pub(crate) network_type: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) rpc_urls: Vec<RpcUrl>,
    pub(crate) chain_id: Option<u64>,
    #[serde(rename = "network_passphrase")]
    _network_passphrase: Option<String>,
    #[serde(rename = "block_time_ms")]
    _block_time_ms: u64,
    pub(crate) confirmation_blocks: u64,
    pub(crate) cron_schedule: String,
    pub(crate) max_past_blocks: Option<Value>,
    #[serde(rename = "store_blocks")]
    _store_blocks: Option<bool>,
    #[serde(rename = "recovery_config")]
    _recovery_config: Option<Value>,
}

/// One endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RpcUrl {
    #[serde(rename = "type_")]
    pub(crate) kind: String,
    pub(crate) url: SecretValue,
    #[serde(default = "full")]
    pub(crate) weight: u32,
}

fn full() -> u32 {
    100
}

/// Something that should not stand in a file, and where it is.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretValue {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: String,
}

/// What it holds is never shown: in the commonest kind it is the secret itself.
impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretValue").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// `config/monitors/*.json`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Monitor {
    pub(crate) name: String,
    pub(crate) networks: Vec<String>,
    pub(crate) paused: bool,
    pub(crate) addresses: Vec<Address>,
    pub(crate) match_conditions: MatchConditions,
    pub(crate) trigger_conditions: Vec<TriggerCondition>,
    pub(crate) triggers: Vec<String>,
    #[serde(default, rename = "chain_configurations")]
    _chain_configurations: Vec<Value>,
}

/// An address with its ABI.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    pub(crate) address: String,
    /// v0.1 called it `abi`.
    #[serde(default, alias = "abi")]
    pub(crate) contract_spec: Option<Value>,
}

/// What a monitor matches.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatchConditions {
    #[serde(default)]
    pub(crate) functions: Vec<Signature>,
    #[serde(default)]
    pub(crate) events: Vec<Signature>,
    #[serde(default)]
    pub(crate) transactions: Vec<Transaction>,
}

/// A function or an event.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signature {
    pub(crate) signature: String,
    #[serde(default)]
    pub(crate) expression: Option<String>,
}

/// A transaction.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transaction {
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) expression: Option<String>,
}

/// A script that may drop a match.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TriggerCondition {
    pub(crate) script_path: String,
}

/// `config/triggers/*.json`: triggers by their key.
pub(crate) type Triggers = BTreeMap<String, Trigger>;

/// Who is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trigger {
    pub(crate) name: String,
    pub(crate) trigger_type: String,
    pub(crate) config: Value,
}

/// Reads one object.
///
/// # Errors
/// What is wrong with it, with line and column.
pub(crate) fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
