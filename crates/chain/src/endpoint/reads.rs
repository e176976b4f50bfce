//! Reads of the state after one block, at one endpoint.
//!
//! By block hash (EIP-1898) where the endpoint can; otherwise by number, and the answers count
//! only if the endpoint still holds the same block at that number afterwards.

use alloy_primitives::{Address, keccak256};
use model::{BlockRef, Bytes, ReadRequest, StateRead, U256};

use super::{call::Endpoint, fetch::Bodies};
use crate::{
    At,
    rpc::{ErrorClass, Request, RpcError, RpcErrorKind},
    wire::{hex::Quantity, state_diff},
};

impl Endpoint {
    /// An answer per request, in their order; `None` where the node could not say. A call that
    /// reverts is an answer.
    pub(super) async fn reads(
        &self,
        block: BlockRef,
        requests: &[ReadRequest],
    ) -> Vec<Option<StateRead>> {
        let is_of_writes = |request: &ReadRequest| matches!(request, ReadRequest::Writes(_));
        if !requests.iter().any(is_of_writes) {
            return self.reads_of_state(block, requests).await;
        }
        // One question about the block answers all that ask which words changed.
        let plain: Vec<ReadRequest> =
            requests.iter().filter(|request| !is_of_writes(request)).cloned().collect();
        let mut plain = self.reads_of_state(block, &plain).await.into_iter();
        let mut writes = self.writes(block, requests).await.into_iter();
        let answer = |request: &ReadRequest| match request {
            ReadRequest::Writes(_) => writes.next().flatten(),
            _ => plain.next().flatten(),
        };
        requests.iter().map(answer).collect()
    }

    /// The answers to those requests that ask which words of a contract changed.
    async fn writes(&self, block: BlockRef, requests: &[ReadRequest]) -> Vec<Option<StateRead>> {
        let of: Vec<Address> = requests
            .iter()
            .filter_map(|request| match request {
                ReadRequest::Writes(of) => Some(*of),
                _ => None,
            })
            .collect();
        let nothing = vec![None; of.len()];
        if !self.can(|abilities| abilities.state_diff) {
            return nothing;
        }
        let tracer = r#"{"tracer":"prestateTracer","tracerConfig":{"diffMode":true}}"#;
        let params = format!(r#"["{:#x}",{tracer}]"#, block.hash);
        match self.call(&Request::new("debug_traceBlockByHash", params)).await {
            Ok(Some(body)) => match state_diff::read(&body, &of) {
                Ok(answers) => {
                    self.learn(|abilities| &mut abilities.state_diff, true);
                    let read = |(of, answer)| {
                        Some(StateRead { request: ReadRequest::Writes(of), result: Ok(answer) })
                    };
                    of.into_iter().zip(answers).map(read).collect()
                }
                Err(_malformed) => nothing,
            },
            Err(error) if error.class() == ErrorClass::NotSupported => {
                self.learn(|abilities| &mut abilities.state_diff, false);
                nothing
            }
            Ok(None) | Err(_) => nothing,
        }
    }

    async fn reads_of_state(
        &self,
        block: BlockRef,
        requests: &[ReadRequest],
    ) -> Vec<Option<StateRead>> {
        let mut reads = vec![None; requests.len()];
        let mut open: Vec<usize> = (0..requests.len()).collect();
        if self.can(|abilities| abilities.call_at_hash) {
            let at = format!(r#"{{"blockHash":"{:#x}"}}"#, block.hash);
            let answers = self.read_at(&at, requests).await;
            open.retain(|&place| is_hash_refused(&answers[place]));
            // Some nodes know the form for one method only: that one is worth asking.
            let is_unsupported = !open.is_empty() && open.len() == requests.len();
            self.learn(|abilities| &mut abilities.call_at_hash, !is_unsupported);
            reads = collect(requests, answers);
            if open.is_empty() {
                return reads;
            }
        }
        let refused: Vec<ReadRequest> = open.iter().map(|&place| requests[place].clone()).collect();
        let answers = self.read_at(&format!(r#""{:#x}""#, block.number), &refused).await;
        let still_there = self.block(At::Number(block.number), Bodies::HashesOnly).await;
        if still_there.is_ok_and(|(header, _)| header.hash == block.hash) {
            for (place, read) in open.into_iter().zip(collect(&refused, answers)) {
                reads[place] = read;
            }
        }
        reads
    }

    async fn read_at(
        &self,
        at: &str,
        requests: &[ReadRequest],
    ) -> Vec<Result<Option<bytes::Bytes>, RpcError>> {
        let calls: Vec<Request> = requests
            .iter()
            .map(|read| match read {
                ReadRequest::Call { to, input } => {
                    let params = format!(r#"[{{"to":"{to:#x}","data":"{input}"}},{at}]"#);
                    Request::new("eth_call", params)
                }
                ReadRequest::Balance(of) => {
                    Request::new("eth_getBalance", format!(r#"["{of:#x}",{at}]"#))
                }
                ReadRequest::Storage { of, slot } => {
                    Request::new("eth_getStorageAt", format!(r#"["{of:#x}","{slot:#x}",{at}]"#))
                }
                ReadRequest::CodeHash(of) => {
                    Request::new("eth_getCode", format!(r#"["{of:#x}",{at}]"#))
                }
                ReadRequest::Writes(_) => unreachable!("they are asked for beside the others"),
            })
            .collect();
        self.call_all(&calls).await
    }
}

/// Whether the endpoint dislikes the form of the block, rather than the call.
pub(super) fn is_hash_refused(answer: &Result<Option<bytes::Bytes>, RpcError>) -> bool {
    let Err(error) = answer else { return false };
    let is_node_error = matches!(error.kind, RpcErrorKind::Node { .. });
    is_node_error
        && !error.is_revert()
        && matches!(error.class(), ErrorClass::Refused | ErrorClass::NotSupported)
}

fn collect(
    requests: &[ReadRequest],
    answers: Vec<Result<Option<bytes::Bytes>, RpcError>>,
) -> Vec<Option<StateRead>> {
    let one = |(request, answer): (&ReadRequest, Result<Option<bytes::Bytes>, RpcError>)| {
        let result = match answer {
            Ok(Some(json)) => Ok(answer_of(request, &json)?),
            Err(error) if error.is_revert() => match (request, error.kind) {
                (ReadRequest::Call { .. }, RpcErrorKind::Node { message, .. }) => Err(message),
                _ => return None,
            },
            Ok(None) | Err(_) => return None,
        };
        Some(StateRead { request: request.clone(), result })
    };
    requests.iter().zip(answers).map(one).collect()
}

/// The answer in bytes: what a call returned, else one word.
fn answer_of(request: &ReadRequest, json: &[u8]) -> Option<Bytes> {
    match request {
        ReadRequest::Call { .. } => sonic_rs::from_slice(json).ok(),
        ReadRequest::Balance(_) => {
            // Strict, so that `"0x"` is no answer instead of a balance of zero.
            let Quantity(balance) = sonic_rs::from_slice::<Quantity<U256>>(json).ok()?;
            Some(balance.to_be_bytes::<32>().into())
        }
        ReadRequest::Storage { .. } => {
            // Some nodes leave leading zeros out; nothing at all is no answer.
            let Quantity(word) = sonic_rs::from_slice::<Quantity<U256>>(json).ok()?;
            Some(word.to_be_bytes::<32>().into())
        }
        ReadRequest::CodeHash(_) => {
            let code: Bytes = sonic_rs::from_slice(json).ok()?;
            Some(keccak256(&code).0.into())
        }
        // Answered for the block as a whole.
        ReadRequest::Writes(_) => None,
    }
}
