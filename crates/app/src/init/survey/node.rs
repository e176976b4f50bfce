//! Asking the node: many questions at once, patiently, with every failure told.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::Context;
use chain::{
    config::{EndpointConfig, Limits, Timing},
    rpc::{ErrorClass, HttpRpc, Request, RpcError},
};
use model::{BlockNumber, Bytes, Name, Secret};
use registry::recognise::{Answer, Question};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// Calls in one request; public endpoints allow between 20 and 1,000.
const BATCH_CALLS_MAX: usize = 50;
/// How often a request is made before its failure is believed.
const ATTEMPTS_MAX: u32 = 4;
/// Pause after the first failure; doubles with each further one.
const RETRY_BASE: Duration = Duration::from_millis(300);
/// Longest pause that an endpoint may ask for.
const RETRY_MAX: Duration = Duration::from_secs(8);

/// One node, asked for as long as a survey takes.
pub(super) struct Node {
    rpc: HttpRpc,
    /// EIP-155 id of its chain.
    pub(super) chain_id: u64,
    /// Its newest block when the survey began.
    pub(super) head: BlockNumber,
    /// Whether it takes several calls in one request.
    takes_batches: AtomicBool,
}

impl Node {
    /// Opens a node and learns which chain it is on.
    ///
    /// # Errors
    /// When it cannot be asked or answers nonsense.
    pub(super) async fn open(rpc: &Secret<String>) -> anyhow::Result<Self> {
        let endpoint = EndpointConfig {
            name: Name::new("given").expect("a plain slug"),
            url: rpc.clone(),
            ws_url: None,
            headers: Vec::new(),
            requests_per_second: None,
        };
        let rpc = HttpRpc::new(&endpoint, &Timing::default(), &Limits::default())?;
        let mut node = Self { rpc, chain_id: 0, head: 0, takes_batches: AtomicBool::new(true) };
        node.chain_id = node.ask::<Quantity>("eth_chainId", "[]".to_owned()).await?.0;
        node.head = node.ask::<Quantity>("eth_blockNumber", "[]".to_owned()).await?.0;
        Ok(node)
    }

    /// One request whose answer is needed.
    ///
    /// # Errors
    /// When there is no answer, or one of another shape.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: String,
    ) -> anyhow::Result<T> {
        let answers = self.all(vec![Request::new(method, params)]).await;
        let answer = answers.into_iter().next().context("asking one thing gives one answer")??;
        let answer = answer.with_context(|| format!("{method} answered null"))?;
        serde_json::from_slice(&answer).with_context(|| format!("reading the answer to {method}"))
    }

    /// Each question with its answer, about the newest state.
    pub(super) async fn answers(&self, questions: Vec<Question>) -> Vec<(Question, Answer)> {
        let requests = questions.iter().map(request).collect();
        let answers = self.all(requests).await;
        questions
            .into_iter()
            .zip(answers)
            .map(|(question, answer)| {
                let answer = read(&question, answer);
                (question, answer)
            })
            .collect()
    }

    /// Many requests, in their order; what may pass is tried again.
    pub(super) async fn all(&self, requests: Vec<Request>) -> Vec<Result<Option<Bytes>, RpcError>> {
        let mut answers = Vec::with_capacity(requests.len());
        for batch in requests.chunks(BATCH_CALLS_MAX) {
            let mut of_batch = self.some(batch).await;
            for attempt in 1..ATTEMPTS_MAX {
                let again: Vec<usize> = (0..batch.len())
                    .filter(|at| of_batch[*at].as_ref().is_err_and(may_pass))
                    .collect();
                if again.is_empty() {
                    break;
                }
                let asked_for = again
                    .iter()
                    .filter_map(|at| match of_batch[*at].as_ref().err()?.class() {
                        ErrorClass::RateLimited(pause) => Some(pause),
                        _ => None,
                    })
                    .max();
                let pause = asked_for.unwrap_or(RETRY_BASE * 2u32.pow(attempt - 1));
                tokio::time::sleep(pause.min(RETRY_MAX)).await;
                let requests: Vec<Request> = again.iter().map(|at| batch[*at].clone()).collect();
                for (at, answer) in again.into_iter().zip(self.some(&requests).await) {
                    of_batch[at] = answer;
                }
            }
            answers.extend(of_batch);
        }
        answers
    }

    /// One request, made once: for questions that are made smaller when they fail.
    pub(super) async fn once(&self, request: &Request) -> Result<Option<Bytes>, RpcError> {
        Ok(self.rpc.call(request).await?.map(Bytes::from))
    }

    /// One batch, or one request each where the node takes none.
    async fn some(&self, requests: &[Request]) -> Vec<Result<Option<Bytes>, RpcError>> {
        if requests.len() > 1 && self.takes_batches.load(Ordering::Relaxed) {
            match self.rpc.batch(requests).await {
                Ok(answers) => {
                    let own = |answer: Option<_>| answer.map(Bytes::from);
                    return answers.into_iter().map(|a| a.map(own)).collect();
                }
                Err(error) if error.class() == ErrorClass::NotSupported => {
                    self.takes_batches.store(false, Ordering::Relaxed);
                }
                Err(error) => return requests.iter().map(|_| Err(error.clone())).collect(),
            }
        }
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.push(self.once(request).await);
        }
        answers
    }
}

/// Whether asking again may help. A revert is an answer; old state that is gone stays gone.
fn may_pass(error: &RpcError) -> bool {
    let says_gone = ["missing trie node", "state", "pruned", "archive", "historical"];
    let text = error.kind.to_string().to_lowercase();
    let is_gone = says_gone.iter().any(|word| text.contains(word));
    !error.is_revert()
        && !is_gone
        && matches!(error.class(), ErrorClass::Retryable | ErrorClass::RateLimited(_))
}

fn request(question: &Question) -> Request {
    match question {
        Question::Code(of) => Request::new("eth_getCode", format!(r#"["{of:#x}","latest"]"#)),
        Question::Storage { of, slot } => {
            Request::new("eth_getStorageAt", format!(r#"["{of:#x}","{slot:#x}","latest"]"#))
        }
        Question::Call { to, input } => Request::new(
            "eth_call",
            format!(r#"[{{"to":"{to:#x}","data":"{input:#x}","input":"{input:#x}"}},"latest"]"#),
        ),
    }
}

fn read(question: &Question, answer: Result<Option<Bytes>, RpcError>) -> Answer {
    let body = match answer {
        Ok(Some(body)) => body,
        Ok(None) => return Answer::None("the node answered null".to_owned()),
        Err(error) if error.is_revert() => return Answer::Reverted,
        // A call that runs out of gas or into an invalid instruction is the contract's doing.
        Err(error) if matches!(question, Question::Call { .. }) && is_halt(&error) => {
            return Answer::Reverted;
        }
        Err(error) => return Answer::None(error.to_string()),
    };
    let read = match question {
        Question::Storage { .. } => serde_json::from_slice(&body).map(Answer::Word),
        Question::Code(_) | Question::Call { .. } => {
            serde_json::from_slice(&body).map(Answer::Bytes)
        }
    };
    read.unwrap_or_else(|error| Answer::None(format!("unreadable answer: {error}")))
}

fn is_halt(error: &RpcError) -> bool {
    let text = error.kind.to_string().to_lowercase();
    ["out of gas", "outofgas", "execution failed", "invalid jump", "stack", "opcode"]
        .iter()
        .any(|word| text.contains(word))
}

/// A hex quantity of at most 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity(pub(super) u64);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        u64::from_str_radix(digits, 16).map(Self).map_err(serde::de::Error::custom)
    }
}
