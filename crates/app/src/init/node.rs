//! What a node says about an address: chain, code, and whether it is a proxy.

use anyhow::{Context, bail};
use chain::{
    config::{EndpointConfig, Limits, Timing},
    rpc::{HttpRpc, Request},
};
use model::{Address, B256, Bytes, Name, Secret};
use registry::proxy;
use serde::de::DeserializeOwned;

use super::{Found, from_code};

/// A contract as a node shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnChain {
    /// For the proposal.
    pub found: Found,
    /// What was recognised, and what needs a person.
    pub notes: Vec<String>,
}

/// Asks a node about one address: chain id, code, ERC-1967 implementation and its code.
///
/// # Errors
/// When the node cannot be asked, or there is no code at the address.
pub async fn address_on_chain(rpc: &Secret<String>, address: Address) -> anyhow::Result<OnChain> {
    let node = node(rpc)?;
    let chain_id: String = ask(&node, "eth_chainId", "[]".to_owned()).await?;
    let chain_id = u64::from_str_radix(chain_id.trim_start_matches("0x"), 16)
        .with_context(|| format!("reading the chain id {chain_id:?}"))?;
    let code = code_at(&node, address).await?;
    if code.is_empty() {
        bail!("there is no contract at {address} on chain {chain_id}");
    }
    let mut implementation = proxy::delegate_from_code(&code);
    for slot in proxy::IMPLEMENTATION_SLOTS {
        let params = format!("[\"{address:#x}\",\"{slot:#x}\",\"latest\"]");
        let word: B256 = ask(&node, "eth_getStorageAt", params).await?;
        implementation = implementation.or_else(|| proxy::implementation_from_word(word));
    }
    let mut notes = Vec::new();
    let judged_code = match implementation {
        Some(implementation) => {
            notes.push(format!("{address} is a proxy; its implementation is {implementation}"));
            code_at(&node, implementation).await?
        }
        None => code,
    };
    let (abi_json, interfaces) = from_code(&judged_code, implementation.is_some());
    notes.push(match interfaces.as_slice() {
        [] => format!(
            "{address}: its code answers to no well-known interface; put its ABI into abis/ for names and decoded values"
        ),
        known => format!(
            "{address}: recognised by its code as {}; put its full ABI into abis/ for everything else",
            known.join(", ")
        ),
    });
    let name = match interfaces.first() {
        Some(interface) => format!("{}-{}", super::slug(interface), short(address)),
        None => format!("contract-{}", short(address)),
    };
    let abi_json = Some(abi_json);
    Ok(OnChain { found: Found { name, chain_id, address, abi_json, first_block: None }, notes })
}

fn node(rpc: &Secret<String>) -> anyhow::Result<HttpRpc> {
    let endpoint = EndpointConfig {
        name: Name::new("given").expect("a plain slug"),
        url: rpc.clone(),
        ws_url: None,
        headers: Vec::new(),
        requests_per_second: None,
    };
    Ok(HttpRpc::new(&endpoint, &Timing::default(), &Limits::default())?)
}

async fn code_at(node: &HttpRpc, address: Address) -> anyhow::Result<Bytes> {
    ask(node, "eth_getCode", format!("[\"{address:#x}\",\"latest\"]")).await
}

async fn ask<T: DeserializeOwned>(
    node: &HttpRpc,
    method: &'static str,
    params: String,
) -> anyhow::Result<T> {
    let answer = node.call(&Request::new(method, params)).await?;
    let answer = answer.with_context(|| format!("{method} answered null"))?;
    serde_json::from_slice(&answer).with_context(|| format!("reading the answer to {method}"))
}

fn short(address: Address) -> String {
    format!("{address:#x}").chars().skip(2).take(6).collect()
}
