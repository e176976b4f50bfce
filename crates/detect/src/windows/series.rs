//! Names of the series that windows feed, made once and shared.

use std::sync::Arc;

use alloy_primitives::B256;
use model::SeriesKey;
use registry::{ContractAbi, Deployment};
use rustc_hash::FxHashMap;

use super::Function;

/// Series of one function of one contract.
#[derive(Debug)]
pub struct CallSeries {
    /// Calls in a block.
    pub calls: Arc<SeriesKey>,
    /// Calls in a block that took no effect.
    pub failed_calls: Arc<SeriesKey>,
    /// Failed calls inside transactions that succeeded.
    pub inner_reverts: Arc<SeriesKey>,
    /// Failed of all, over the window.
    pub failed_ratio: Arc<SeriesKey>,
    /// Mean gas per call, over the window.
    pub gas_mean: Arc<SeriesKey>,
    /// Variance of gas per call, over the window.
    pub gas_variance: Arc<SeriesKey>,
}

/// Series keys made so far. A cache of names only: nothing that is judged depends on it.
#[derive(Debug, Default)]
pub struct SeriesCache {
    calls: FxHashMap<(u32, Function), CallSeries>,
    logs: FxHashMap<(u32, Option<B256>), Arc<SeriesKey>>,
}

impl SeriesCache {
    /// The series of one function; `index` is the deployment's in the registry.
    pub fn of_calls(&mut self, index: u32, deployment: &Deployment, f: Function) -> &CallSeries {
        self.calls.entry((index, f)).or_insert_with(|| {
            let function = function_label(&deployment.abi, f);
            let key = |metric: &str| Arc::new(function_series(metric, deployment, &function));
            CallSeries {
                calls: key("calls"),
                failed_calls: key("failed_calls"),
                inner_reverts: key("inner_reverts"),
                failed_ratio: key("failed_ratio"),
                gas_mean: key("gas_mean_gas"),
                gas_variance: key("gas_variance_gas2"),
            }
        })
    }

    /// The series of one event.
    pub fn of_logs(
        &mut self,
        index: u32,
        deployment: &Deployment,
        topic: Option<B256>,
    ) -> &Arc<SeriesKey> {
        self.logs.entry((index, topic)).or_insert_with(|| {
            let known = deployment.abi.events().find(|e| topic.is_some() && e.topic0 == topic);
            let event = match known {
                Some(event) => {
                    let is_overloaded =
                        deployment.abi.events().filter(|e| e.name == event.name).count() > 1;
                    if is_overloaded { event.signature.clone() } else { event.name.clone() }
                }
                None => "other".to_owned(),
            };
            Arc::new(SeriesKey::new(
                "events",
                [
                    ("network", deployment.network.as_str()),
                    ("contract", deployment.label.as_str()),
                    ("event", &event),
                ],
            ))
        })
    }
}

/// What a function is called in labels: its name, its signature when the name is shared, `receive`
/// or `other`.
pub(crate) fn function_label(abi: &ContractAbi, function: Function) -> String {
    match function {
        Function::Receive => "receive".to_owned(),
        Function::Other => "other".to_owned(),
        Function::Known(selector) => match abi.function_by_selector(selector) {
            Some(known) if abi.functions().filter(|f| f.name == known.name).count() > 1 => {
                known.signature.clone()
            }
            Some(known) => known.name.clone(),
            None => "other".to_owned(),
        },
    }
}

fn function_series(metric: &str, deployment: &Deployment, function: &str) -> SeriesKey {
    SeriesKey::new(
        metric,
        [
            ("network", deployment.network.as_str()),
            ("contract", deployment.label.as_str()),
            ("function", function),
        ],
    )
}
