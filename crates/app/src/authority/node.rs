//! Questions to one endpoint, all at one block.

use chain::{
    config::NetworkConfig,
    logs::{LogsError, time_of},
    rpc::{HttpRpc, Request, RpcError, RpcErrorKind, SetupError},
};
use model::{Address, B256, BlockNumber, Bytes, Name, ReadRequest, UnixSeconds};
use registry::authority::Moment;
use serde::de::DeserializeOwned;

/// Questions in one HTTP request.
const BATCH: usize = 50;

/// Why a node cannot say who holds what.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// No HTTP client could be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// It could not be asked.
    #[error("endpoint {endpoint}")]
    Rpc {
        /// Endpoint.
        endpoint: Name,
        /// Why not.
        #[source]
        source: RpcError,
    },
    /// It answered something else.
    #[error("endpoint {endpoint}: {method} answered {found}")]
    Answer {
        /// Endpoint.
        endpoint: Name,
        /// What was asked.
        method: &'static str,
        /// What came back.
        found: String,
    },
    /// It is on another chain.
    #[error("endpoint {endpoint} is on chain {found}, the network's chain is {expected}")]
    AnotherChain {
        /// Endpoint.
        endpoint: Name,
        /// The configured chain.
        expected: u64,
        /// The endpoint's.
        found: u64,
    },
    /// History could not be read.
    #[error("endpoint {endpoint}")]
    Logs {
        /// Endpoint.
        endpoint: Name,
        /// Why not.
        #[source]
        source: LogsError,
    },
    /// Nobody can be asked.
    #[error("network {0} has no endpoint")]
    NoEndpoint(Name),
}

/// One endpoint, and the block at which everything is asked.
#[derive(Debug)]
pub struct Node {
    pub(super) rpc: HttpRpc,
    /// Its name.
    pub endpoint: Name,
    /// The block.
    pub at: Moment,
    /// What the block is called in requests.
    tag: String,
}

impl Node {
    /// The first endpoint of a network that answers, at `block` or at its newest one.
    ///
    /// # Errors
    /// When none can be asked: what the last one said.
    pub async fn open(
        network: &NetworkConfig,
        block: Option<BlockNumber>,
    ) -> Result<Self, NodeError> {
        let mut failed = NodeError::NoEndpoint(network.name.clone());
        for endpoint in &network.endpoints {
            let rpc = HttpRpc::new(endpoint, &network.timing, &network.limits)?;
            let node = Self {
                rpc,
                endpoint: endpoint.name.clone(),
                at: Moment { block: 0, at: UnixSeconds(0) },
                tag: String::new(),
            };
            match node.at(network.chain_id, block).await {
                Ok(node) => return Ok(node),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn at(mut self, chain_id: u64, block: Option<BlockNumber>) -> Result<Self, NodeError> {
        let found = self.quantity("eth_chainId", "[]").await?;
        if found != chain_id {
            let endpoint = self.endpoint;
            return Err(NodeError::AnotherChain { endpoint, expected: chain_id, found });
        }
        let number = match block {
            Some(number) => number,
            None => self.quantity("eth_blockNumber", "[]").await?,
        };
        let at = time_of(&self.rpc, number).await;
        let at =
            at.map_err(|source| NodeError::Logs { endpoint: self.endpoint.clone(), source })?;
        self.at = Moment { block: number, at };
        self.tag = format!("\"{number:#x}\"");
        Ok(self)
    }

    async fn quantity(&self, method: &'static str, params: &str) -> Result<u64, NodeError> {
        let text: String = self.ask(method, params.to_owned()).await?;
        let digits = text.strip_prefix("0x").unwrap_or_default();
        u64::from_str_radix(digits, 16).map_err(|_| NodeError::Answer {
            endpoint: self.endpoint.clone(),
            method,
            found: text.chars().take(40).collect(),
        })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: String,
    ) -> Result<T, NodeError> {
        let endpoint = || self.endpoint.clone();
        let answer = self.rpc.call(&Request::new(method, params)).await;
        let answer = answer.map_err(|source| NodeError::Rpc { endpoint: endpoint(), source })?;
        let wrong = |found: &str| NodeError::Answer {
            endpoint: endpoint(),
            method,
            found: found.to_owned(),
        };
        let answer = answer.ok_or_else(|| wrong("null"))?;
        serde_json::from_slice(&answer).map_err(|error| wrong(&error.to_string()))
    }

    /// The newest final block, where the node knows one and has reached it.
    pub async fn finalized(&self) -> Option<BlockNumber> {
        #[derive(serde::Deserialize)]
        struct Block {
            number: String,
        }
        let params = "[\"finalized\",false]".to_owned();
        let block: Block = self.ask("eth_getBlockByNumber", params).await.ok()?;
        u64::from_str_radix(block.number.strip_prefix("0x")?, 16).ok()
    }

    /// The code of an account at the block.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn code(&self, of: Address) -> Result<Bytes, NodeError> {
        self.ask("eth_getCode", format!("[\"{of:#x}\",{}]", self.tag)).await
    }

    /// One answer per question, in their order: what came back, or the contract's refusal.
    ///
    /// # Errors
    /// When the node itself cannot say; a contract that reverts has answered.
    pub async fn answers(
        &self,
        questions: &[ReadRequest],
    ) -> Result<Vec<Result<Bytes, String>>, NodeError> {
        let mut answers = Vec::with_capacity(questions.len());
        let requests: Vec<Request> = questions.iter().map(|asked| self.request(asked)).collect();
        for group in requests.chunks(BATCH) {
            match self.rpc.batch(group).await {
                Ok(found) => {
                    for answer in found {
                        answers.push(self.answer(answer)?);
                    }
                }
                Err(error) if error.kind == RpcErrorKind::BatchUnsupported => {
                    for request in group {
                        answers.push(self.answer(self.rpc.call(request).await)?);
                    }
                }
                Err(source) => {
                    return Err(NodeError::Rpc { endpoint: self.endpoint.clone(), source });
                }
            }
        }
        Ok(answers)
    }

    fn request(&self, asked: &ReadRequest) -> Request {
        let tag = &self.tag;
        match asked {
            ReadRequest::Call { to, input } => {
                let params = format!(r#"[{{"to":"{to:#x}","data":"{input}"}},{tag}]"#);
                Request::new("eth_call", params)
            }
            ReadRequest::Storage { of, slot } => {
                Request::new("eth_getStorageAt", format!(r#"["{of:#x}","{slot:#x}",{tag}]"#))
            }
            ReadRequest::Balance(of) => {
                Request::new("eth_getBalance", format!(r#"["{of:#x}",{tag}]"#))
            }
            ReadRequest::CodeHash(of) => {
                Request::new("eth_getCode", format!(r#"["{of:#x}",{tag}]"#))
            }
            ReadRequest::Writes(_) => {
                unreachable!("what transactions changed is asked for with their block")
            }
        }
    }

    fn answer(
        &self,
        answer: Result<Option<impl AsRef<[u8]>>, RpcError>,
    ) -> Result<Result<Bytes, String>, NodeError> {
        let endpoint = || self.endpoint.clone();
        let (method, json) = match answer {
            Ok(Some(json)) => ("eth_call", json),
            Ok(None) => {
                let found = "null".to_owned();
                return Err(NodeError::Answer { endpoint: endpoint(), method: "eth_call", found });
            }
            Err(error) if error.is_revert() => return Ok(Err(error.kind.to_string())),
            Err(source) => return Err(NodeError::Rpc { endpoint: endpoint(), source }),
        };
        let words = serde_json::from_slice::<Bytes>(json.as_ref());
        let words = words.map_err(|error| NodeError::Answer {
            endpoint: endpoint(),
            method,
            found: error.to_string(),
        })?;
        Ok(Ok(words))
    }
}

/// Whether code makes a contract: an account that delegates (EIP-7702) is still its key's.
pub(super) fn is_contract(code: &[u8]) -> bool {
    !code.is_empty() && !registry::proxy::is_delegation(code)
}

/// A storage word as nodes may give it, shortened, at full width.
pub(super) fn word(bytes: &[u8]) -> B256 {
    B256::left_padding_from(&bytes[bytes.len().saturating_sub(32)..])
}
