//! Queues of Safes, as the Safe transaction service gives them. Nothing in them is believed: the
//! service, or who stands between it and us, may be the attacker.

use alloy_primitives::{Address, B256, Bytes, U256};
use anyhow::{Context, bail, ensure};
use detect::signing::{PROPOSALS_MAX, Proposed};
use serde::Deserialize;
use serde_json::Value;

/// What the service says of a Safe.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Described {
    /// Where.
    pub address: Address,
    /// Its version, as it answers itself.
    pub version: String,
    /// The nonce of its next transaction.
    #[serde(deserialize_with = "number")]
    pub nonce: U256,
    /// Signatures that it takes.
    pub threshold: u32,
    /// Owners.
    pub owners: Vec<Address>,
}

/// Reads what `GET /api/v1/safes/ADDRESS/` answers.
///
/// # Errors
/// When it is something else.
pub fn describe(text: &str) -> anyhow::Result<Described> {
    serde_json::from_str(text).context("not what the service says of a Safe")
}

/// A queue, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The Safe, where entries name one.
    pub safe: Option<Address>,
    /// What waits, in the order given. What was executed is left out.
    pub waiting: Vec<Proposed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    safe: Option<Address>,
    to: Address,
    #[serde(deserialize_with = "number")]
    value: U256,
    #[serde(default)]
    data: Option<Bytes>,
    operation: u8,
    #[serde(default, deserialize_with = "number")]
    safe_tx_gas: U256,
    #[serde(default, deserialize_with = "number")]
    base_gas: U256,
    #[serde(default, deserialize_with = "number")]
    gas_price: U256,
    #[serde(default)]
    gas_token: Option<Address>,
    #[serde(default)]
    refund_receiver: Option<Address>,
    #[serde(deserialize_with = "number")]
    nonce: U256,
    #[serde(default)]
    safe_tx_hash: Option<B256>,
    #[serde(default)]
    is_executed: bool,
    #[serde(default)]
    confirmations: Option<Vec<Confirmation>>,
}

#[derive(Deserialize)]
struct Confirmation {
    owner: Address,
}

/// Reads what `GET /api/v1/safes/ADDRESS/multisig-transactions/?executed=false` answers: a page with
/// `results`, or the list alone.
///
/// # Errors
/// Which entry cannot be read and why, entries of several Safes, and more of them than are judged.
pub fn read(text: &str) -> anyhow::Result<Queue> {
    let mut whole: Value = serde_json::from_str(text).context("not JSON")?;
    if whole["next"].is_string() {
        bail!(
            "the answer goes on at \"next\": ask for more at once (limit=100), or judge each page"
        );
    }
    let list = match whole.get_mut("results") {
        Some(results) => results.take(),
        None => whole,
    };
    let Value::Array(entries) = list else { bail!("neither a list nor a page with results") };
    ensure!(
        entries.len() <= PROPOSALS_MAX,
        "{} proposals, {PROPOSALS_MAX} are judged at most",
        entries.len()
    );
    let (mut safe, mut waiting) = (None, Vec::new());
    for (at, entry) in entries.into_iter().enumerate() {
        let entry: Entry =
            serde_json::from_value(entry).with_context(|| format!("proposal {}", at + 1))?;
        if let (Some(one), Some(other)) = (safe, entry.safe) {
            ensure!(one == other, "proposals of several Safes: {one} and {other}");
        }
        safe = safe.or(entry.safe);
        if !entry.is_executed {
            waiting.push(entry.proposed());
        }
    }
    Ok(Queue { safe, waiting })
}

impl Entry {
    fn proposed(self) -> Proposed {
        Proposed {
            to: self.to,
            value: self.value,
            data: self.data.unwrap_or_default(),
            operation: self.operation,
            safe_tx_gas: self.safe_tx_gas,
            base_gas: self.base_gas,
            gas_price: self.gas_price,
            gas_token: self.gas_token.unwrap_or_default(),
            refund_receiver: self.refund_receiver.unwrap_or_default(),
            nonce: self.nonce,
            stated_hash: self.safe_tx_hash,
            signed_by: self.confirmations.unwrap_or_default().iter().map(|c| c.owner).collect(),
        }
    }
}

/// The service writes numbers as numbers here and as text there.
fn number<'de, D: serde::Deserializer<'de>>(input: D) -> Result<U256, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Text(String),
        Nothing(()),
    }
    match Written::deserialize(input)? {
        Written::Number(number) => Ok(U256::from(number)),
        Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        Written::Nothing(()) => Ok(U256::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = r#"{"safe":"0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a","to":"0x1010101010101010101010101010101010101010","value":"1000000000000000000","data":null,"operation":0,"gasToken":"0x0000000000000000000000000000000000000000","safeTxGas":0,"baseGas":0,"gasPrice":"0","refundReceiver":null,"nonce":7,"isExecuted":false,"confirmations":[{"owner":"0x0101010101010101010101010101010101010101","signature":"0x"}],"confirmationsRequired":2}"#;

    #[test]
    fn a_page_of_the_service_and_its_list_alone_are_the_same() {
        let page = format!(r#"{{"count":1,"next":null,"results":[{ENTRY}]}}"#);
        let read_page = read(&page).unwrap();
        assert_eq!(read_page, read(&format!("[{ENTRY}]")).unwrap());
        let one = &read_page.waiting[0];
        assert_eq!(one.value, U256::from(10).pow(U256::from(18)));
        assert_eq!((one.nonce, one.signed_by.len()), (U256::from(7), 1));
        let executed = ENTRY.replace("\"isExecuted\":false", "\"isExecuted\":true");
        assert!(read(&format!("[{executed}]")).unwrap().waiting.is_empty());
    }

    #[test]
    fn what_is_no_queue_says_where() {
        let said = |text: &str| format!("{:#}", read(text).unwrap_err());
        assert!(said("{}").contains("neither a list"), "{}", said("{}"));
        let broken = format!("[{ENTRY},{}]", ENTRY.replace("0x1010", "0xzz"));
        assert!(said(&broken).starts_with("proposal 2: "), "{}", said(&broken));
        let foreign = format!("[{ENTRY},{}]", ENTRY.replace("0x5a5a", "0x5b5b"));
        assert!(said(&foreign).contains("several Safes"), "{}", said(&foreign));
        let page = r#"{"next":"https://example.org/?offset=100","results":[]}"#;
        assert!(said(page).contains("goes on"));
    }
}
