//! Removes what is older than people want it kept, a little at a time, beside the live judge.

use std::time::Duration;

use model::Name;
use store::{Record, Retention, Store, StoreError};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};

use crate::clock;

/// Time between two looks: little is old enough at once, so each look is short.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// Rest between two parts of a backlog: the judge writes in between.
const REST: Duration = Duration::from_millis(250);

/// Parts of a backlog in one look: half an hour of removing. What is left then waits for the next.
const PARTS_MAX: usize = 4_000;

/// Looks every so often, until told to stop. Never fails: what goes wrong is said and tried again.
pub(super) async fn keep_bounded(
    store: Store,
    network: Name,
    limits: Retention,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let look = tokio::select! {
            _ = stopping.changed() => return,
            look = look(&store, &network, &limits) => look,
        };
        match look {
            Ok(removed) if removed.is_empty() => {}
            Ok(removed) => {
                let removed = told(&removed);
                tracing::info!(%network, removed, "removed what is older than its retention");
            }
            Err(error) => {
                tracing::error!(%network, error = format!("{error:#}"), "retention failed, trying again later");
            }
        }
        tokio::select! {
            _ = stopping.changed() => return,
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// Removes everything that is old enough now; gives what and how much.
async fn look(
    store: &Store,
    network: &Name,
    limits: &Retention,
) -> anyhow::Result<Vec<(Record, u64)>> {
    let mut removed: Vec<(Record, u64)> = Vec::new();
    for _ in 0..PARTS_MAX {
        let (store, network, limits) = (store.clone(), network.clone(), *limits);
        let forget =
            move || -> Result<_, StoreError> { store.forget(&network, &limits, clock::now()) };
        let pass = spawn_blocking(forget).await??;
        for (what, more) in pass.removed {
            match removed.iter_mut().find(|(of, _)| *of == what) {
                Some((_, count)) => *count += more,
                None => removed.push((what, more)),
            }
        }
        if !pass.has_more {
            break;
        }
        sleep(REST).await;
    }
    Ok(removed)
}

fn told(removed: &[(Record, u64)]) -> String {
    let parts = removed.iter().map(|(what, count)| format!("{count} {}", what.as_str()));
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use model::{B256, BlockCoverage, BlockRef, CoverageResult, Position, UnixSeconds};
    use store::Step;

    use super::*;

    fn step(network: &Name, number: u64) -> Step {
        let at = Position(number);
        let block = BlockRef { number, hash: B256::left_padding_from(&number.to_be_bytes()) };
        let mut step = Step::new(network.clone(), at, at.next(), 1);
        step.coverage.push(BlockCoverage {
            network: network.clone(),
            block,
            // A block an hour.
            timestamp: Some(UnixSeconds(1_700_000_000 + number * 3_600)),
            endpoint: None,
            monitors_version: 1,
            result: CoverageResult::Judged { monitors_judged: 1, blind: vec![] },
        });
        step.finalized = Some(block);
        step
    }

    #[tokio::test]
    async fn everything_that_is_old_enough_goes_in_one_look_and_is_said() {
        let (store, network) = (Store::in_memory().unwrap(), Name::new("mainnet").unwrap());
        let steps: Vec<Step> = (0..12_000).map(|number| step(&network, number)).collect();
        store.commit_all(&steps).unwrap();
        let limits = Retention::default();
        let removed = look(&store, &network, &limits).await.unwrap();
        // Of the newest block back to thirty days before it: 30 · 24 and itself.
        assert_eq!(removed, [(Record::Coverage, 12_000 - 721)]);
        assert_eq!(told(&removed), "11279 coverage");
        assert_eq!(look(&store, &network, &limits).await.unwrap(), []);
        assert_eq!(store.forgotten(&network).unwrap()[0].removed, 11_279);
    }
}
