//! Blocks that no node traces are executed here, on a state that one of the nodes gives.
//!
//! One node answers for a whole block, at the hash of its parent; where its answers lead to another
//! outcome than the receipts, the next one is asked. A node that limits requests is left alone: the
//! blocks themselves matter more than their frames.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use model::{BlockBundle, BlockRef, ExecutionCost, TraceSource, TxTrace};
use tokio::time::{Instant, timeout};

use super::{call::Endpoint, pool::Pool, state::At};
use crate::{
    Fault,
    config::NetworkConfig,
    execute::{Execution, ExecutionStatus, Executor, Failure, Step},
    rpc::{ErrorClass, RpcError, RpcErrorKind},
};

/// Executions of one block. What a transaction needs shows as it runs, one call or one word after
/// the other, and the deepest of mainnet's blocks need some dozens.
const ROUNDS_MAX: u32 = 512;

/// First rest of own execution after a node limited requests; doubles with each further time.
const REST: Duration = Duration::from_secs(60);

/// How often that doubles at most: an hour and four minutes.
const REST_DOUBLINGS_MAX: u32 = 6;

/// Share of the requests that the owner of an endpoint allows which own execution may use: the
/// others are for following the chain.
const SHARE_OF_REQUESTS: f64 = 0.5;

/// Why a block could not be executed here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unexecuted {
    #[error("{0}")]
    Failed(#[from] Failure),
    /// The node's own words are in the log: they name hashes, and this is told of every block.
    #[error("the node does not give the state before the block ({method}: error {code})")]
    StateRefused { method: &'static str, code: i64 },
    #[error("the state before the block cannot be read: {0}")]
    Unreachable(RpcError),
    #[error("the node limits requests, and executing blocks rests")]
    Limited,
    #[error("it takes more than {limit} reads of the state before it")]
    TooManyReads { limit: u32 },
    #[error("it takes more than {ROUNDS_MAX} rounds of reads")]
    TooManyRounds,
    #[error("it takes longer than {limit_ms} ms")]
    TooLong { limit_ms: u64 },
    #[error("the chain changed meanwhile")]
    Reorganised,
    #[error("executing it panicked")]
    Panicked,
}

impl Unexecuted {
    /// Whether another node may do better.
    fn is_about_node(&self) -> bool {
        matches!(
            self,
            Self::Failed(Failure::Disagrees(_))
                | Self::StateRefused { .. }
                | Self::Unreachable(_)
                | Self::Limited
                | Self::Reorganised
        )
    }
}

impl From<RpcError> for Unexecuted {
    fn from(error: RpcError) -> Self {
        match (error.class(), &error.kind) {
            (ErrorClass::RateLimited(_), _) => Self::Limited,
            (_, RpcErrorKind::Node { code, .. }) => {
                Self::StateRefused { method: error.method, code: *code }
            }
            (ErrorClass::NotSupported | ErrorClass::Refused, RpcErrorKind::Http(status)) => {
                Self::StateRefused { method: error.method, code: i64::from(*status) }
            }
            _ => Self::Unreachable(error),
        }
    }
}

/// Own execution of one network's blocks.
#[derive(Debug)]
pub(super) struct OwnExecution {
    executor: Arc<dyn Executor>,
    reads_max: u32,
    time_max: Duration,
    /// Written after each block, read by whoever shows it.
    status: Mutex<ExecutionStatus>,
    /// Written when a node limits requests.
    rest: Mutex<Rest>,
}

#[derive(Debug, Default)]
struct Rest {
    until: Option<Instant>,
    times: u32,
}

impl OwnExecution {
    /// As configured; `None` when nobody executes.
    pub(super) fn new(config: &NetworkConfig) -> Option<Self> {
        Some(Self {
            executor: config.executor.clone()?,
            reads_max: config.limits.execution_reads_max,
            time_max: Duration::from_millis(config.timing.execution_timeout_ms),
            status: Mutex::default(),
            rest: Mutex::default(),
        })
    }

    pub(super) fn status(&self) -> ExecutionStatus {
        self.count().clone()
    }

    fn count(&self) -> MutexGuard<'_, ExecutionStatus> {
        // A panic while holding the lock leaves counters, not broken invariants.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_resting(&self) -> bool {
        self.rest().until.is_some_and(|until| Instant::now() < until)
    }

    /// Reads that a block may take at an endpoint.
    fn reads_max(&self, endpoint: &Endpoint) -> u32 {
        let allowed = endpoint.requests_per_second.map_or(f64::INFINITY, f64::from);
        let affordable = allowed * SHARE_OF_REQUESTS * self.time_max.as_secs_f64();
        // Saturates where nothing is limited.
        self.reads_max.min(affordable as u32)
    }

    fn outcome(&self, outcome: &Result<(Vec<TxTrace>, ExecutionCost), Unexecuted>, took: Duration) {
        let mut rest = self.rest();
        match outcome {
            Ok(_) => *rest = Rest::default(),
            Err(Unexecuted::Limited) if rest.until.is_none_or(|until| Instant::now() >= until) => {
                let pause = REST * (1 << rest.times.min(REST_DOUBLINGS_MAX));
                *rest = Rest { until: Some(Instant::now() + pause), times: rest.times + 1 };
            }
            Err(_) => {}
        }
        drop(rest);
        let mut status = self.count();
        match outcome {
            Ok((_, cost)) => {
                status.blocks += 1;
                status.reads += u64::from(cost.reads);
                status.kept += u64::from(cost.kept);
                status.newest = *cost;
                status.newest_ms = took.as_millis() as u64;
                status.why_blind = None;
            }
            Err(why) => {
                status.blind += 1;
                status.why_blind = Some(why.to_string());
            }
        }
    }
}

impl Pool {
    /// The bundle with frames of own execution, or with the reason why it has none. `json` is the
    /// block as the endpoint gave it.
    ///
    /// # Errors
    /// When reading the state failed in a way that may pass, and `give_up` does not say that this
    /// was the last attempt; and when traces are required and there are none.
    pub(super) async fn executed(
        &self,
        first: &Endpoint,
        json: Bytes,
        bundle: BlockBundle,
        give_up: bool,
        is_required: bool,
    ) -> Result<BlockBundle, Fault> {
        let Some(own) = &self.execution else { return Ok(bundle) };
        let (began, bundle) = (Instant::now(), Arc::new(bundle));
        let execution = self.execute(own, first, &json, &bundle);
        let outcome = timeout(own.time_max, execution).await.unwrap_or_else(|_elapsed| {
            Err(Unexecuted::TooLong { limit_ms: own.time_max.as_millis() as u64 })
        });
        if let Err(Unexecuted::Unreachable(error)) = &outcome
            && !give_up
        {
            return Err(Fault::Rpc(error.clone()));
        }
        own.outcome(&outcome, began.elapsed());
        let mut bundle = Arc::unwrap_or_clone(bundle);
        match outcome {
            Ok((traces, cost)) => {
                bundle.traces = Some(traces);
                bundle.traced_by = TraceSource::OwnExecution(cost);
            }
            Err(why) => {
                let (network, block) = (&bundle.network, bundle.block_ref());
                tracing::warn!(%network, %block, %why, "block stays without call traces");
                if is_required {
                    return Err(Fault::NotExecuted(why.to_string()));
                }
                bundle.traced_by = TraceSource::Nobody(why.to_string());
            }
        }
        Ok(bundle)
    }

    async fn execute(
        &self,
        own: &OwnExecution,
        first: &Endpoint,
        json: &Bytes,
        bundle: &Arc<BlockBundle>,
    ) -> Result<(Vec<TxTrace>, ExecutionCost), Unexecuted> {
        let Some(parent) = bundle.header.parent_ref().filter(|_| !bundle.transactions.is_empty())
        else {
            // Nothing is executed in it.
            return Ok((vec![TxTrace::default(); bundle.transactions.len()], Default::default()));
        };
        if own.is_resting() {
            return Err(Unexecuted::Limited);
        }
        let mut why = None;
        for endpoint in self.first_then_others(first, bundle.header.number) {
            match execute_at(own, endpoint, json, bundle, parent).await {
                Ok(done) => return Ok(done),
                Err(new) if new.is_about_node() => why = why.or(Some(new)),
                Err(new) => return Err(new),
            }
        }
        Err(why.unwrap_or(Unexecuted::Reorganised))
    }
}

/// Executes a block on the state that one endpoint gives.
async fn execute_at(
    own: &OwnExecution,
    endpoint: &Endpoint,
    json: &Bytes,
    bundle: &Arc<BlockBundle>,
    parent: BlockRef,
) -> Result<(Vec<TxTrace>, ExecutionCost), Unexecuted> {
    let mut at = At::parent(endpoint, parent);
    let mut cost = ExecutionCost::default();
    let reads_max = own.reads_max(endpoint);
    let mut execution = {
        let (executor, json, bundle) = (own.executor.clone(), json.clone(), bundle.clone());
        away(move || executor.begin(&json, &bundle)).await??
    };
    loop {
        let (step, returned) = run(execution, bundle.clone()).await?;
        execution = returned;
        cost.rounds += 1;
        match step {
            Step::Traced { traces, kept } => {
                endpoint.confirm(&at).await?;
                execution.keep();
                cost.kept = kept;
                return Ok((traces, cost));
            }
            Step::Failed(failure) => {
                tracing::debug!(
                    network = %endpoint.network, endpoint = %endpoint.name, %failure,
                    "own execution came to nothing"
                );
                return Err(failure.into());
            }
            Step::Asks(_) if cost.rounds >= ROUNDS_MAX => return Err(Unexecuted::TooManyRounds),
            Step::Asks(questions) => {
                let reads = at.cost(&questions).saturating_add(cost.reads);
                if reads > reads_max {
                    return Err(Unexecuted::TooManyReads { limit: reads_max });
                }
                cost.reads = reads;
                execution.take(endpoint.state(&mut at, questions).await?);
            }
        }
    }
}

async fn run(
    mut execution: Box<dyn Execution>,
    bundle: Arc<BlockBundle>,
) -> Result<(Step, Box<dyn Execution>), Unexecuted> {
    away(move || (execution.run(&bundle), execution)).await
}

/// Executing takes milliseconds to seconds: away from the threads that wait for answers.
async fn away<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unexecuted> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Unexecuted::Panicked)
}
