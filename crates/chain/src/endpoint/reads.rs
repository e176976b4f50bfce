//! Reads of the state after one block, at one endpoint.
//!
//! By block hash (EIP-1898) where the endpoint can; otherwise by number, and the answers count
//! only if the endpoint still holds the same block at that number afterwards.

use model::{BlockRef, Bytes, ReadRequest, StateRead, U256};

use super::{call::Endpoint, fetch::Bodies};
use crate::{
    At,
    rpc::{ErrorClass, Request, RpcError, RpcErrorKind},
};

impl Endpoint {
    /// An answer per request; `None` where the node could not say. A call that reverts is an
    /// answer.
    pub(super) async fn reads(
        &self,
        block: BlockRef,
        requests: &[ReadRequest],
    ) -> Vec<Option<StateRead>> {
        if self.can(|abilities| abilities.call_at_hash) {
            let at = format!(r#"{{"blockHash":"{:#x}"}}"#, block.hash);
            let answers = self.read_at(&at, requests).await;
            let is_unsupported = !answers.is_empty() && answers.iter().all(is_hash_refused);
            self.learn(|abilities| &mut abilities.call_at_hash, !is_unsupported);
            if !is_unsupported {
                return collect(requests, answers);
            }
        }
        let answers = self.read_at(&format!(r#""{:#x}""#, block.number), requests).await;
        let still_there = self.block(At::Number(block.number), Bodies::HashesOnly).await;
        match still_there {
            Ok((header, _)) if header.hash == block.hash => collect(requests, answers),
            _ => vec![None; requests.len()],
        }
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
            })
            .collect();
        self.call_all(&calls).await
    }
}

/// Whether the endpoint dislikes the form of the block, rather than the call.
fn is_hash_refused(answer: &Result<Option<bytes::Bytes>, RpcError>) -> bool {
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

/// The answer in bytes: what a call returned, or a balance as one word.
fn answer_of(request: &ReadRequest, json: &[u8]) -> Option<Bytes> {
    match request {
        ReadRequest::Call { .. } => sonic_rs::from_slice(json).ok(),
        ReadRequest::Balance(_) => {
            let balance: U256 = sonic_rs::from_slice(json).ok()?;
            Some(balance.to_be_bytes::<32>().into())
        }
    }
}
