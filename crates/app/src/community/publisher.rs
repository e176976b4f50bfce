//! Community alerts at work: one task looks at what changed, lets channels speak, delivers.
//!
//! It works on the store alone, so it may be stopped at any moment: what was decided and not
//! delivered is delivered at the next start, and an attempt whose end was not recorded is repeated
//! under the same identity.

use std::{sync::Arc, time::Duration};

use alert::plan::Plan;
use futures_util::{StreamExt as _, stream};
use model::{Secret, UnixMillis};
use store::{PublicMessage, Store, StoreError};
use tokio::{
    sync::{broadcast, watch},
    time::sleep,
};

use super::{
    Community,
    agreed::{Agreed, agreed, under_way},
    look::LOOK_MAX,
};
use crate::{
    blocking::blocking,
    clock,
    notify::{
        SendError,
        schedule::{self, Next},
    },
    twin::Twins,
};

/// Longest rest between two looks: five seconds, in which nobody outside misses anything.
const REST_MAX: Duration = Duration::from_secs(5);

/// Shortest rest between two looks: a change wakes it, and a burst of them wakes it once.
const REST_MIN: Duration = Duration::from_millis(100);

/// Messages that are being delivered at one time.
const WIDTH: usize = 4;

/// Messages that are taken up at once.
const BATCH: usize = 64;

/// Rest after the store refused.
const RESTART_AFTER: Duration = Duration::from_secs(2);

/// What was published is kept for a year, what was not for 30 days.
const KEPT_MS: (i64, i64) = (365 * DAY_MS, 30 * DAY_MS);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What is old goes once an hour.
const SWEEP_MS: i64 = 60 * 60 * 1_000;

/// What the task needs.
#[derive(Debug)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// What is published, and over what.
    pub community: Arc<Community>,
    /// What looks like an attack.
    pub plan: Arc<Plan>,
    /// Other installations that tell the same public.
    pub twins: Twins,
    /// Says that something changed.
    pub changes: broadcast::Receiver<()>,
    /// Says when to stop.
    pub stopping: watch::Receiver<bool>,
}

/// Publishes until it is stopped.
pub async fn keep_publishing(mut parts: Parts) {
    let mut swept = UnixMillis(0);
    while !*parts.stopping.borrow() {
        let rest = match turn(&parts, &mut swept).await {
            Ok(rest) => rest,
            Err(reason) => {
                tracing::error!(reason, "publishing failed, trying again");
                RESTART_AFTER
            }
        };
        tokio::select! {
            _ = parts.stopping.changed() => return,
            () = sleep(rest.clamp(REST_MIN, REST_MAX)) => {}
            () = changed(&mut parts.changes) => sleep(REST_MIN).await,
        }
    }
}

/// Waits for a change; who told of them being gone tells of none any more.
async fn changed(changes: &mut broadcast::Receiver<()>) {
    if let Err(broadcast::error::RecvError::Closed) = changes.recv().await {
        std::future::pending::<()>().await;
    }
}

/// One turn; how long to rest after it.
async fn turn(parts: &Parts, swept: &mut UnixMillis) -> Result<Duration, String> {
    let now = clock::now();
    let (store, community, plan) =
        (parts.store.clone(), parts.community.clone(), parts.plan.clone());
    let is_sweep = now.millis_since(*swept) > SWEEP_MS;
    let decided = blocking(move || {
        if is_sweep {
            store.forget_public(now.plus(-KEPT_MS.1), now.plus(-KEPT_MS.0))?;
        }
        let looked = community.look(&store, &plan, now)?;
        let room = community.speak(&store, now)?;
        let look = store.public_next_look()?;
        let due = store.public_messages_due(now, BATCH)?;
        Ok::<_, super::look::LookError>((looked, [room, look], due))
    })
    .await?;
    let (looked, next, due) =
        decided.map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
    if is_sweep {
        *swept = now;
    }
    let is_busy = looked == LOOK_MAX || !due.is_empty();
    stream::iter(due).for_each_concurrent(WIDTH, |message| deliver(parts, message)).await;
    if is_busy {
        return Ok(REST_MIN);
    }
    let wait = next.into_iter().flatten().map(|at| at.millis_since(now).max(0)).min();
    Ok(wait.map_or(REST_MAX, |ms| Duration::from_millis(ms.unsigned_abs())))
}

/// Tells a message, unless another installation that tells the same public did, or may.
async fn deliver(parts: &Parts, message: PublicMessage) {
    let (number, channel) = (message.number, message.channel.clone());
    let id = message.subscriber;
    let reader = match id {
        0 => Ok(None),
        _ => ask(&parts.store, move |store| store.subscriber(id)).await,
    };
    let address = match &reader {
        Ok(Some(reader)) => Some(reader.address.clone()),
        _ => None,
    };
    if !parts.twins.is_alone() {
        match settled_by_twins(parts, &message, address.clone()).await {
            Ok(false) => {}
            Ok(true) => return,
            // At least once wins: it is told.
            Err(reason) => {
                tracing::error!(%channel, number, reason, "no agreement about a public message")
            }
        }
        parts.twins.publishes(number, under_way(&message, address.as_ref(), clock::now()));
    }
    let outcome = match reader {
        Ok(reader) => parts.community.deliver(&message, reader.as_ref(), clock::now()).await,
        Err(reason) => Err(SendError::Retry { after: None, reason }),
    };
    let now = clock::now();
    let (is_delivered, again, told) = match outcome {
        Ok(receipt) => (true, None, receipt.to_string()),
        Err(SendError::Permanent { reason }) => {
            tracing::error!(%channel, number, reason, "a public message cannot be delivered");
            (false, None, reason)
        }
        Err(SendError::Retry { after, reason }) => {
            let attempts = message.attempts.saturating_add(1);
            let key = model::NotificationId(number_as_id(number));
            match schedule::next(key, attempts, message.decided_at, now, after) {
                Next::At(at) => {
                    tracing::warn!(%channel, number, attempts, reason, "trying again later");
                    (false, Some(at), reason)
                }
                Next::GiveUp(why) => {
                    tracing::error!(%channel, number, reason, "a public message is given up");
                    (false, None, format!("{why}: {reason}"))
                }
            }
        }
    };
    let record = move |store: &Store| store.public_attempted(number, is_delivered, again, &told);
    if let Err(reason) = ask(&parts.store, record).await {
        // Sent, perhaps, but not on record: it is sent again.
        tracing::error!(%channel, number, reason, "cannot record an attempt");
    }
    parts.twins.publishes(number, None);
}

/// Whether nothing is to be sent now: it is told by another installation, or held back for its word.
async fn settled_by_twins(
    parts: &Parts,
    message: &PublicMessage,
    address: Option<Secret<String>>,
) -> Result<bool, String> {
    let (twins, message) = (parts.twins.clone(), message.clone());
    ask(&parts.store, move |store| {
        match agreed(store, &twins, &message, address.as_ref(), clock::now())? {
            Agreed::Speak => Ok(false),
            Agreed::Wait(until) => store.hold_public(message.number, until).map(|()| true),
            Agreed::Told(by) => store.public_told_elsewhere(message.number, &by).map(|()| true),
        }
    })
    .await
}

/// What spreads attempts in time.
fn number_as_id(number: i64) -> [u8; 16] {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

async fn ask<T: Send + 'static>(
    store: &Store,
    question: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, String> {
    let store = store.clone();
    let answer = blocking(move || question(&store)).await?;
    answer.map_err(|error| format!("{:#}", anyhow::Error::new(error)))
}
