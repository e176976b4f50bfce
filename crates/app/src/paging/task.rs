//! The pager at work: one task over all networks.
//!
//! It rests until something is put into the inbox, or until time alone makes something due. A wake
//! that gets lost costs at most [`REST_MAX`].

use std::{sync::Arc, time::Duration};

use alert::plan::Plan;
use store::Store;
use tokio::{
    sync::{Notify, broadcast, watch},
    time::sleep,
};

use super::{Desk, PagingError};
use crate::{
    blocking::blocking,
    canary::Canaries,
    clock,
    pulse::{Stage, Turns},
    twin::Twins,
};

/// Longest rest between two looks into the inbox, should a wake-up get lost: one second.
pub const REST_MAX: Duration = Duration::from_secs(1);

/// Rest after paging failed, before it starts again from what the store holds.
const RESTART_AFTER: Duration = Duration::from_secs(2);

/// What the pager's task needs.
#[derive(Debug)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// Who hears what.
    pub plan: Arc<Plan>,
    /// Says that something was put into the inbox.
    pub wake: Arc<Notify>,
    /// Says that the outbox grew.
    pub wake_outbox: Arc<Notify>,
    /// Whether the public may hear of alerts.
    pub is_public: bool,
    /// Tells open pages.
    pub changes: broadcast::Sender<()>,
    /// Other installations that tell the same people.
    pub twins: Twins,
    /// Whether each stage comes round.
    pub turns: Turns,
    /// When canaries come past.
    pub canaries: Canaries,
    /// Says when to stop.
    pub stopping: watch::Receiver<bool>,
}

/// Decides who hears what, until it is stopped.
pub async fn keep_paging(parts: Parts) {
    while !*parts.stopping.borrow() {
        match page_until_stopped(&parts).await {
            Ok(()) => return,
            Err(error) => {
                let reason = format!("{:#}", anyhow::Error::new(error));
                tracing::error!(%reason, "paging failed, starting again");
                parts.turns.failed(&Stage::Pager, reason);
                sleep(RESTART_AFTER).await;
            }
        }
    }
}

async fn page_until_stopped(parts: &Parts) -> Result<(), PagingError> {
    let (store, plan, twins) = (parts.store.clone(), parts.plan.clone(), parts.twins.clone());
    let mut desk = blocking(move || Desk::open_among(store, plan, twins, clock::now()))
        .await
        .map_err(PagingError::Panicked)??;
    desk = desk.telling_the_public(parts.is_public).watching(parts.canaries.clone());
    // What replanning sent.
    parts.wake_outbox.notify_one();
    let mut stopping = parts.stopping.clone();
    loop {
        let (returned, paged) = blocking(move || {
            let paged = desk.advance(clock::now());
            (desk, paged)
        })
        .await
        .map_err(PagingError::Panicked)?;
        desk = returned;
        let paged = paged?;
        parts.turns.turned(&Stage::Pager, clock::now());
        if paged.messages > 0 {
            parts.wake_outbox.notify_one();
        }
        if paged.inputs > 0 || paged.messages > 0 {
            // Without an open page there is nobody to tell.
            let _nobody = parts.changes.send(());
        }
        if paged.is_behind {
            continue;
        }
        if *stopping.borrow() {
            // What the judges said last was applied above.
            return Ok(());
        }
        let wait_ms = desk.next_due().map(|due| due.millis_since(clock::now()).max(0));
        let wait = wait_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        tokio::select! {
            _ = stopping.changed() => {}
            () = parts.wake.notified() => {}
            () = sleep(wait.map_or(REST_MAX, |wait| wait.min(REST_MAX))) => {}
        }
    }
}
