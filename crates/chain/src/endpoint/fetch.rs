//! Blocks, receipts and traces of one endpoint, and their verification.

use bytes::Bytes;
use model::{BlockBundle, Header};
use serde::Deserialize;

use super::call::Endpoint;
use crate::{
    At, Fault, Part, RawBlock, RawTraces, Refusal,
    rpc::{ErrorClass, Request},
    verify,
};

/// Whether a block comes with its transactions or only with their hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bodies {
    Full,
    HashesOnly,
}

/// Traces as they came, with the dialect they are in.
#[derive(Debug, Clone)]
pub(super) enum Traces {
    CallTracer(Bytes),
    Parity(Bytes),
}

impl Traces {
    fn raw(&self) -> RawTraces<'_> {
        match self {
            Self::CallTracer(body) => RawTraces::CallTracer(body),
            Self::Parity(body) => RawTraces::Parity(body),
        }
    }
}

/// The bodies of one block.
#[derive(Debug, Clone)]
pub(super) struct Bodied {
    pub(super) header: Header,
    pub(super) block: Bytes,
    pub(super) receipts: Bytes,
}

#[derive(Deserialize)]
struct Transactions<'a> {
    #[serde(borrow)]
    transactions: Vec<TransactionHash<'a>>,
}

#[derive(Deserialize)]
struct TransactionHash<'a> {
    hash: &'a str,
}

impl Endpoint {
    /// The proven header of a block, and the body it was read from.
    pub(super) async fn block(&self, at: At, bodies: Bodies) -> Result<(Header, Bytes), Fault> {
        let full = bodies == Bodies::Full;
        let request = match at {
            At::Number(number) => {
                Request::new("eth_getBlockByNumber", format!(r#"["{number:#x}",{full}]"#))
            }
            At::Block(block) => {
                Request::new("eth_getBlockByHash", format!(r#"["{:#x}",{full}]"#, block.hash))
            }
        };
        let body = self.call(&request).await?.ok_or(Fault::Absent(Part::Block))?;
        let (header, _) = verify::head(&body, &self.prove)?;
        let is_asked_for = match at {
            At::Number(number) => header.number == number,
            At::Block(block) => header.block_ref() == block,
        };
        if !is_asked_for {
            return Err(Fault::AnotherBlock { asked: at, found: header.block_ref() });
        }
        Ok((header, body))
    }

    /// The block with its receipts, not verified yet.
    pub(super) async fn bodied(&self, at: At) -> Result<Bodied, Fault> {
        let (header, block) = self.block(at, Bodies::Full).await?;
        let receipts = self.receipts(&header, &block).await?;
        Ok(Bodied { header, block, receipts })
    }

    async fn receipts(&self, header: &Header, block: &Bytes) -> Result<Bytes, Fault> {
        let hashes = sonic_rs::from_slice::<Transactions<'_>>(block).map_err(|error| {
            let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
            Refusal::Malformed { part: Part::Block, reason }
        })?;
        if hashes.transactions.is_empty() {
            // Nothing to ask for: whether the header agrees is for verification to say.
            return Ok(Bytes::from_static(b"[]"));
        }
        if self.can(|abilities| abilities.block_receipts) {
            let request =
                Request::new("eth_getBlockReceipts", format!(r#"["{:#x}"]"#, header.hash));
            match self.call(&request).await {
                Ok(answer) => {
                    self.learn(|abilities| &mut abilities.block_receipts, true);
                    return answer.ok_or(Fault::Absent(Part::Receipts));
                }
                Err(error) if error.class() == ErrorClass::NotSupported => {
                    self.learn(|abilities| &mut abilities.block_receipts, false);
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.receipts_one_by_one(&hashes.transactions).await
    }

    async fn receipts_one_by_one(&self, hashes: &[TransactionHash<'_>]) -> Result<Bytes, Fault> {
        let mut requests = Vec::with_capacity(hashes.len());
        for hash in hashes {
            // The text goes into a request: nothing but a hash may pass.
            let hash: model::B256 = hash.hash.parse().map_err(|_| Refusal::Malformed {
                part: Part::Block,
                reason: "the hash of a transaction is no hash".to_owned(),
            })?;
            requests.push(Request::new("eth_getTransactionReceipt", format!(r#"["{hash:#x}"]"#)));
        }
        let mut joined = Vec::from(b"[");
        for answer in self.call_all(&requests).await {
            let receipt = answer?.ok_or(Fault::Absent(Part::Receipts))?;
            if joined.len() > 1 {
                joined.push(b',');
            }
            joined.extend_from_slice(&receipt);
        }
        joined.push(b']');
        Ok(joined.into())
    }

    /// Call traces in whichever dialect the endpoint speaks; `None` when it offers neither.
    pub(super) async fn traces(&self, header: &Header) -> Result<Option<Traces>, Fault> {
        if self.can(|abilities| abilities.call_tracer) {
            let params = format!(r#"["{:#x}",{{"tracer":"callTracer"}}]"#, header.hash);
            match self.call(&Request::new("debug_traceBlockByHash", params)).await {
                Ok(answer) => {
                    self.learn(|abilities| &mut abilities.call_tracer, true);
                    let body = answer.ok_or(Fault::Absent(Part::Traces))?;
                    return Ok(Some(Traces::CallTracer(body)));
                }
                Err(error) if error.class() == ErrorClass::NotSupported => {
                    self.learn(|abilities| &mut abilities.call_tracer, false);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if self.can(|abilities| abilities.trace_block) {
            // By number, for lack of a variant by hash: verification compares the hashes inside.
            let params = format!(r#"["{:#x}"]"#, header.number);
            match self.call(&Request::new("trace_block", params)).await {
                Ok(answer) => {
                    self.learn(|abilities| &mut abilities.trace_block, true);
                    let body = answer.ok_or(Fault::Absent(Part::Traces))?;
                    return Ok(Some(Traces::Parity(body)));
                }
                Err(error) if error.class() == ErrorClass::NotSupported => {
                    self.learn(|abilities| &mut abilities.trace_block, false);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Verifies the bodies, away from the threads that wait for answers: recovering the senders of
    /// a full block takes tens of milliseconds.
    pub(super) async fn assemble(
        &self,
        bodied: Bodied,
        traces: Option<Traces>,
    ) -> Result<BlockBundle, Fault> {
        let (network, name, prove) = (self.network.clone(), self.name.clone(), self.prove.clone());
        let verification = tokio::task::spawn_blocking(move || {
            let raw = RawBlock {
                block: &bodied.block,
                receipts: &bodied.receipts,
                traces: traces.as_ref().map(Traces::raw),
            };
            verify::assemble(&network, &name, raw, &prove)
        });
        match verification.await {
            Ok(outcome) => Ok(outcome?),
            Err(error) if error.is_panic() => {
                Err(Fault::Verification("panicked on this block".to_owned()))
            }
            Err(_cancelled) => Err(Fault::Verification("the program is stopping".to_owned())),
        }
    }
}
