//! Parts of the state before a block, read from one endpoint.
//!
//! By the parent's hash (EIP-1898) where the endpoint can; otherwise by its number, and then, as with
//! hashes of earlier blocks, the answers count only if the endpoint still holds the parent at that
//! number afterwards.

use alloy_primitives::{Bytes as Code, U256};
use bytes::Bytes;
use model::BlockRef;
use serde::de::DeserializeOwned;

use super::{call::Endpoint, execution::Unexecuted, fetch::Bodies, reads::is_hash_refused};
use crate::{
    At as BlockAt,
    execute::{Answer, Question},
    rpc::{Request, RpcError, RpcErrorKind},
    verify,
    wire::hex::Quantity,
};

/// Where the state is read.
#[derive(Debug)]
pub(super) struct At {
    parent: BlockRef,
    is_by_hash: bool,
    /// Whether something was asked that names the chain's block rather than this very one.
    is_to_be_confirmed: bool,
}

impl At {
    /// The state that a block's parent left.
    pub(super) fn parent(endpoint: &Endpoint, parent: BlockRef) -> Self {
        let is_by_hash = endpoint.can(|abilities| abilities.call_at_hash);
        Self { parent, is_by_hash, is_to_be_confirmed: false }
    }

    /// Requests that answering takes.
    pub(super) fn cost(&self, questions: &[Question]) -> u32 {
        let one = |question: &Question| match question {
            Question::Account(_) => 3,
            Question::Storage(..) | Question::BlockHash(_) => 1,
        };
        questions.iter().map(one).fold(0, u32::saturating_add)
    }

    fn word(&self) -> String {
        match self.is_by_hash {
            true => format!(r#"{{"blockHash":"{:#x}"}}"#, self.parent.hash),
            false => format!(r#""{:#x}""#, self.parent.number),
        }
    }
}

impl Endpoint {
    /// What the endpoint says of each.
    pub(super) async fn state(
        &self,
        at: &mut At,
        questions: Vec<Question>,
    ) -> Result<Vec<(Question, Answer)>, Unexecuted> {
        let mut answers = self.call_all(&requests(&questions, at)).await;
        if at.is_by_hash && answers.iter().any(is_hash_refused) {
            at.is_by_hash = false;
            answers = self.call_all(&requests(&questions, at)).await;
            // A node that refuses both ways refuses the state, not the form.
            if answers.iter().all(Result::is_ok) {
                self.learn(|abilities| &mut abilities.call_at_hash, false);
            }
        }
        at.is_to_be_confirmed |= !at.is_by_hash
            || questions.iter().any(|question| matches!(question, Question::BlockHash(_)));
        let mut answers = answers.into_iter();
        let mut next = || -> Result<Bytes, Unexecuted> {
            let answer = answers.next().unwrap_or(Ok(None));
            let answer = answer.inspect_err(|error| {
                tracing::debug!(
                    network = %self.network, endpoint = %self.name, %error, "state cannot be read"
                );
            })?;
            answer.ok_or_else(|| unreadable("state", "null"))
        };
        let mut known = Vec::with_capacity(questions.len());
        for question in questions {
            let answer = match question {
                Question::Account(_) => {
                    let Quantity(balance): Quantity<U256> = read("eth_getBalance", &next()?)?;
                    let Quantity(nonce): Quantity<u64> = read("eth_getTransactionCount", &next()?)?;
                    let code: Code = read("eth_getCode", &next()?)?;
                    Answer::Account { balance, nonce, code }
                }
                Question::Storage(..) => {
                    let Quantity(word): Quantity<U256> = read("eth_getStorageAt", &next()?)?;
                    Answer::Storage(word)
                }
                Question::BlockHash(number) => {
                    let (header, _) = verify::head(&next()?, &self.prove)
                        .map_err(|why| unreadable("eth_getBlockByNumber", &why.to_string()))?;
                    if header.number != number {
                        return Err(unreadable("eth_getBlockByNumber", "another block"));
                    }
                    Answer::BlockHash(header.hash)
                }
            };
            known.push((question, answer));
        }
        Ok(known)
    }

    /// Holds the answers against the chain that the endpoint shows now, where they depend on it.
    pub(super) async fn confirm(&self, at: &At) -> Result<(), Unexecuted> {
        if !at.is_to_be_confirmed {
            return Ok(());
        }
        let shown = self.block(BlockAt::Number(at.parent.number), Bodies::HashesOnly).await;
        match shown {
            Ok((header, _)) if header.hash == at.parent.hash => Ok(()),
            _ => Err(Unexecuted::Reorganised),
        }
    }
}

fn requests(questions: &[Question], at: &At) -> Vec<Request> {
    let at = at.word();
    let mut requests = Vec::with_capacity(questions.len());
    for question in questions {
        match question {
            Question::Account(of) => {
                for method in ["eth_getBalance", "eth_getTransactionCount", "eth_getCode"] {
                    requests.push(Request::new(method, format!(r#"["{of:#x}",{at}]"#)));
                }
            }
            Question::Storage(of, slot) => {
                let params = format!(r#"["{of:#x}","{slot:#066x}",{at}]"#);
                requests.push(Request::new("eth_getStorageAt", params));
            }
            Question::BlockHash(number) => {
                let params = format!(r#"["{number:#x}",false]"#);
                requests.push(Request::new("eth_getBlockByNumber", params));
            }
        }
    }
    requests
}

fn read<T: DeserializeOwned>(method: &'static str, json: &[u8]) -> Result<T, Unexecuted> {
    sonic_rs::from_slice(json).map_err(|_| unreadable(method, "no such value"))
}

fn unreadable(method: &'static str, what: &str) -> Unexecuted {
    let kind = RpcErrorKind::NotJsonRpc(format!("the answer is {what}"));
    Unexecuted::Unreachable(RpcError { method, kind })
}
