//! What one block did to the guarded contracts of its network, counted once for everyone.

use alloy_primitives::B256;
use model::{BlockBundle, FrameKind, TxStatus};
use registry::{ContractAbi, Deployment};
use rustc_hash::FxHashMap;

/// A function as windows tell them apart. Selectors that the ABI does not know share one series:
/// a caller may invent any number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// Known to the ABI.
    Known([u8; 4]),
    /// No calldata: ether arrives.
    Receive,
    /// Anything else.
    Other,
}

impl Function {
    /// The function that this calldata asks for.
    pub fn of(abi: &ContractAbi, input: &[u8]) -> Self {
        match input.first_chunk::<4>() {
            Some(selector) if abi.function_by_selector(*selector).is_some() => {
                Self::Known(*selector)
            }
            None if input.is_empty() => Self::Receive,
            _ => Self::Other,
        }
    }

    /// Five bytes for a state key.
    pub fn key_bytes(self) -> [u8; 5] {
        match self {
            Self::Known([a, b, c, d]) => [0, a, b, c, d],
            Self::Receive => [1, 0, 0, 0, 0],
            Self::Other => [2, 0, 0, 0, 0],
        }
    }

    /// Reads what [`Function::key_bytes`] wrote.
    pub fn from_key_bytes(bytes: [u8; 5]) -> Self {
        match bytes {
            [0, a, b, c, d] => Self::Known([a, b, c, d]),
            [1, ..] => Self::Receive,
            _ => Self::Other,
        }
    }
}

/// Calls to one function within one block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallTally {
    /// Calls that took no effect.
    pub failed: u64,
    /// Those of them inside a transaction that succeeded.
    pub inner_reverts: u64,
    /// Gas of each call, in block order: of the frame, with traces; of the transaction, without.
    pub gas: Vec<u64>,
    /// Gas of those that took effect, in block order.
    pub gas_of_successes: Vec<u64>,
}

impl CallTally {
    /// Calls in all.
    pub fn calls(&self) -> u64 {
        self.gas.len() as u64
    }
}

/// Calls to one function of one guarded contract within one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionCalls {
    /// Index of the deployment in the registry.
    pub deployment: u32,
    /// Function.
    pub function: Function,
    /// Counts.
    pub tally: CallTally,
}

/// All calls to and logs of guarded contracts within one block, sorted by deployment and function.
#[derive(Debug, Clone, Default)]
pub struct Activity {
    /// Calls.
    pub calls: Vec<FunctionCalls>,
    /// Logs: deployment, topic (`None` for those the ABI does not know), count.
    pub logs: Vec<(u32, Option<B256>, u64)>,
}

impl Activity {
    /// Counts a block. `guarded` finds the deployment at an address of the block's network.
    ///
    /// With traces every frame entered by `CALL`, `CALLCODE` or `STATICCALL` is a call; a
    /// `DELEGATECALL` runs foreign code in the caller's name and is not one. Without traces a
    /// transaction is the only call one can see. A transaction whose receipt does not tell
    /// (before Byzantium) counts as successful.
    pub fn of<'r>(
        bundle: &BlockBundle,
        guarded: impl Fn(&model::Address) -> Option<(u32, &'r Deployment)>,
    ) -> Self {
        let mut calls: FxHashMap<(u32, Function), CallTally> = FxHashMap::default();
        let mut logs: FxHashMap<(u32, Option<B256>), u64> = FxHashMap::default();
        for (at, tx) in bundle.transactions.iter().enumerate() {
            let tx_failed = tx.status == TxStatus::Failed;
            let mut count = |to: &model::Address, input: &[u8], gas: u64, failed: bool| {
                let Some((index, deployment)) = guarded(to) else { return };
                let function = Function::of(&deployment.abi, input);
                let tally = calls.entry((index, function)).or_default();
                tally.gas.push(gas);
                tally.failed += u64::from(failed);
                tally.inner_reverts += u64::from(failed && !tx_failed);
                if !failed {
                    tally.gas_of_successes.push(gas);
                }
            };
            match bundle.traces.as_ref().and_then(|traces| traces.get(at)) {
                Some(trace) if !trace.frames.is_empty() => {
                    let effects = trace.effects();
                    for (i, frame) in trace.frames.iter().enumerate() {
                        let is_call = matches!(
                            frame.kind,
                            FrameKind::Call | FrameKind::CallCode | FrameKind::StaticCall
                        );
                        if let (true, Some(to)) = (is_call, &frame.to) {
                            let gas = if i == 0 { tx.gas_used } else { frame.gas_used };
                            count(to, &frame.input, gas, tx_failed || !effects[i]);
                        }
                    }
                }
                _ => {
                    if let Some(to) = &tx.to {
                        count(to, &tx.input, tx.gas_used, tx_failed);
                    }
                }
            }
            for log in &tx.logs {
                let Some((index, deployment)) = guarded(&log.address) else { continue };
                let known = log.topic0().filter(|topic0| {
                    deployment.abi.event_by_topic(*topic0, log.topics.len() - 1).is_some()
                });
                *logs.entry((index, known)).or_default() += 1;
            }
        }
        let mut calls: Vec<FunctionCalls> = calls
            .into_iter()
            .map(|((deployment, function), tally)| FunctionCalls { deployment, function, tally })
            .collect();
        calls.sort_unstable_by_key(|c| (c.deployment, c.function));
        let mut logs: Vec<_> = logs.into_iter().map(|((d, topic), n)| (d, topic, n)).collect();
        logs.sort_unstable();
        Self { calls, logs }
    }
}
