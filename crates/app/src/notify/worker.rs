//! The loop between the outbox and the receivers.
//!
//! Each receiver has a lane of its own: at most [`LANE_WIDTH`] attempts run in it at a time, and a
//! message is taken from the outbox only when its lane has room. So a receiver that hangs holds up
//! nobody else, nothing waits in memory, and what is taken is being sent.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use alert::{
    Tellable,
    pager::{self, Whom},
};
use model::{
    Alert, AlertId, Name, Notification, NotificationId, NotificationState, Provenance, UnixMillis,
};
use store::{Input, Outbox, StoreError};
use tokio::{
    sync::{Notify, watch},
    task::{Id, JoinSet},
};

use super::{
    Errand, Message, Receipt, Receivers, SendError,
    message::OTHERS_MAX,
    schedule::{self, Next},
};
use crate::{
    canary::{Canaries, Point},
    paging,
    pulse::{Stage, Turns},
};

/// Attempts to one receiver at a time: enough to empty a full outbox at 100 ms per message in
/// minutes, few enough not to be taken for an attack.
pub const LANE_WIDTH: usize = 4;

/// Longest rest between two looks into the outbox, should a wake-up get lost: one second.
pub const POLL: Duration = Duration::from_secs(1);

/// How long running attempts may take to end when the program stops. Those that do not are repeated
/// at the next start.
pub const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Delivers what the outbox holds.
pub struct Worker {
    outbox: Outbox,
    receivers: watch::Receiver<Arc<Receivers>>,
    /// Wall time; an argument, so that tests bring their own.
    clock: Arc<dyn Fn() -> UnixMillis + Send + Sync>,
    attempts: JoinSet<()>,
    /// Wakes the pager, which is told what became of pages.
    wake_pager: Option<Arc<Notify>>,
    /// Wakes whoever tells other installations what is being delivered.
    wake_twins: Option<Arc<Notify>>,
    /// Told whenever the outbox was looked at.
    turns: Turns,
    /// Told when a canary arrived at the sink.
    canaries: Canaries,
    /// Which lane an attempt runs in, also when it panics.
    running: HashMap<Id, (Name, NotificationId)>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("running", &self.running).finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker on an outbox. Only one should run on a store; two would be harmless, since what one
    /// has taken the other does not get.
    pub fn new(
        outbox: Outbox,
        receivers: watch::Receiver<Arc<Receivers>>,
        clock: impl Fn() -> UnixMillis + Send + Sync + 'static,
    ) -> Self {
        Self {
            outbox,
            receivers,
            clock: Arc::new(clock),
            attempts: JoinSet::new(),
            wake_pager: None,
            wake_twins: None,
            turns: Turns::default(),
            canaries: Canaries::default(),
            running: HashMap::new(),
        }
    }

    /// Wakes the pager of this process when it was told what became of a page.
    #[must_use]
    pub fn telling(mut self, wake_pager: Arc<Notify>) -> Self {
        self.wake_pager = Some(wake_pager);
        self
    }

    /// Wakes whoever tells other installations what is being delivered, and what was.
    #[must_use]
    pub fn agreeing(mut self, wake_twins: Arc<Notify>) -> Self {
        self.wake_twins = Some(wake_twins);
        self
    }

    /// Says whenever it looked at the outbox.
    #[must_use]
    pub fn turning(mut self, turns: Turns) -> Self {
        self.turns = turns;
        self
    }

    /// Says which canaries arrived.
    #[must_use]
    pub fn catching(mut self, canaries: Canaries) -> Self {
        self.canaries = canaries;
        self
    }

    /// Delivers until `stop` is true. `wake` says that something was put into the outbox.
    pub async fn run(mut self, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.start_due().await {
                Ok(_) => self.turns.turned(&Stage::Outbox, (self.clock)()),
                Err(error) => {
                    tracing::error!(%error, "cannot read the outbox, messages wait");
                    self.turns.failed(&Stage::Outbox, error.to_string());
                }
            }
            let rest = self.rest().await;
            tokio::select! {
                // A sender that is gone means that nobody can say stop any more: stop.
                changed = stop.changed() => if changed.is_err() { break },
                () = self.finish_one(), if !self.attempts.is_empty() => {}
                () = wake.notified() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
        let finish = async {
            while !self.attempts.is_empty() {
                self.finish_one().await
            }
        };
        if tokio::time::timeout(STOP_PATIENCE, finish).await.is_err() {
            let attempts = self.attempts.len();
            tracing::warn!(attempts, "attempts were cut off, they are repeated at the next start");
        }
    }

    /// Delivers until the outbox holds nothing that is still to be delivered, with the usual
    /// retries; an outage may make that long.
    ///
    /// # Errors
    /// When the outbox cannot be read or written.
    pub async fn drain(mut self) -> Result<(), StoreError> {
        loop {
            self.start_due().await?;
            let is_empty = self.ask(|outbox| outbox.next_due_at()).await?.is_none();
            if is_empty && self.attempts.is_empty() {
                return Ok(());
            }
            let rest = self.rest().await;
            tokio::select! {
                () = self.finish_one(), if !self.attempts.is_empty() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Starts an attempt for each message that is due and has room in its lane; how many.
    ///
    /// # Errors
    /// When the outbox cannot be read or written; what was started goes on.
    pub async fn start_due(&mut self) -> Result<usize, StoreError> {
        let now = (self.clock)();
        let mut started = 0;
        for receiver in self.ask(move |outbox| outbox.due_receivers(now)).await? {
            let busy = self.running.values().filter(|(lane, _)| *lane == receiver).count();
            let room = LANE_WIDTH.saturating_sub(busy);
            if room == 0 {
                continue;
            }
            let to = receiver.clone();
            for notification in self.ask(move |outbox| outbox.due_to(&to, now, room)).await? {
                self.start(notification);
                started += 1;
            }
        }
        if let Some(wake) = self.wake_twins.as_ref().filter(|_| started > 0) {
            wake.notify_one();
        }
        Ok(started)
    }

    /// Waits for the end of one running attempt, whatever came of it; returns at once if none runs.
    pub async fn finish_one(&mut self) {
        let (id, outcome) = match self.attempts.join_next_with_id().await {
            Some(Ok((id, ()))) => (id, None),
            Some(Err(error)) => (error.id(), Some(error)),
            None => return,
        };
        let lane = self.running.remove(&id);
        if let (Some(error), Some((receiver, notification))) = (outcome, lane) {
            // Its lease runs out, and it is tried again.
            tracing::error!(%receiver, %notification, %error, "an attempt broke off");
        }
    }

    /// Attempts that run now.
    pub fn running(&self) -> usize {
        self.attempts.len()
    }

    fn start(&mut self, notification: Notification) {
        let lane = (notification.receiver.clone(), notification.id);
        let attempt = Attempt {
            outbox: self.outbox.clone(),
            receivers: self.receivers.borrow().clone(),
            clock: self.clock.clone(),
            canaries: self.canaries.clone(),
            wake: self.wake_pager.iter().chain(&self.wake_twins).cloned().collect(),
        };
        let handle = self.attempts.spawn(attempt.run(notification));
        self.running.insert(handle.id(), lane);
    }

    /// How long to rest unless something happens.
    async fn rest(&self) -> Duration {
        match self.ask(|outbox| outbox.next_due_at()).await {
            Ok(Some(at)) => {
                let wait_ms = at.millis_since((self.clock)());
                // What is due and was not started waits for room in its lane, that is, for an
                // attempt to end; only a second worker could free it otherwise.
                let wait = u64::try_from(wait_ms).ok().filter(|wait_ms| *wait_ms > 0);
                wait.map_or(POLL, |wait_ms| Duration::from_millis(wait_ms).min(POLL))
            }
            Ok(None) | Err(_) => POLL,
        }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Outbox) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        ask(&self.outbox, question).await
    }
}

/// Asks the outbox where blocking is allowed.
async fn ask<T: Send + 'static>(
    outbox: &Outbox,
    question: impl FnOnce(&Outbox) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let outbox = outbox.clone();
    match tokio::task::spawn_blocking(move || question(&outbox)).await {
        Ok(answer) => answer,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn unread(error: StoreError) -> SendError {
    let reason = format!("cannot read the alert: {error}");
    SendError::Retry { after: None, reason }
}

/// One attempt, from reading the alert to recording what came of it.
struct Attempt {
    outbox: Outbox,
    receivers: Arc<Receivers>,
    clock: Arc<dyn Fn() -> UnixMillis + Send + Sync>,
    canaries: Canaries,
    /// Those who wait for what comes of it.
    wake: Vec<Arc<Notify>>,
}

/// Failed attempts after which a page is told to have failed, so that somebody is reached over
/// another channel while this one is tried on: the second, two seconds after the first.
const PAGE_ATTEMPTS: u32 = 2;

/// What the pager is told of an attempt that went well: it waits for word of pages only.
fn arrived(notification: &Notification, now: UnixMillis) -> Option<Input> {
    let message = pager::MessageId(notification.id.0);
    let is_awaited = notification.person.is_some();
    is_awaited.then(|| paging::stored(&pager::Input::Delivered { message }, now))
}

/// What the pager is told of a message that failed.
fn failed(notification: &Notification, error: &str, now: UnixMillis) -> Input {
    let Notification { receiver, person, .. } = notification;
    let whom = Whom { channel: receiver.clone(), person: person.clone() };
    let (message, error) = (pager::MessageId(notification.id.0), error.to_owned());
    paging::stored(&pager::Input::Failed { message, whom, error }, now)
}

impl Attempt {
    async fn run(self, notification: Notification) {
        let (id, receiver) = (notification.id, notification.receiver.clone());
        let outcome = self.send(&notification).await;
        let now = (self.clock)();
        let recorded = match outcome {
            Ok(receipt) => {
                tracing::info!(%receiver, notification = %id, kind = notification.kind.as_str(), "delivered");
                let report = arrived(&notification, now);
                let deliver =
                    move |outbox: &Outbox| outbox.delivered(id, &receipt, now, report.as_ref());
                ask(&self.outbox, deliver).await
            }
            Err(SendError::Permanent { reason }) => {
                tracing::error!(%receiver, notification = %id, reason, "cannot be delivered");
                let report = failed(&notification, &reason, now);
                ask(&self.outbox, move |outbox| outbox.failed(id, &reason, now, Some(&report)))
                    .await
            }
            Err(SendError::Retry { after, reason }) => {
                let (attempts, decided_at) = (notification.attempts, notification.decided_at);
                match schedule::next(id, attempts, decided_at, now, after) {
                    Next::At(at) => {
                        tracing::warn!(%receiver, notification = %id, attempts, reason, "trying again later");
                        let is_late = notification.person.is_some() && attempts == PAGE_ATTEMPTS;
                        let report = is_late.then(|| failed(&notification, &reason, now));
                        let retry = move |outbox: &Outbox| {
                            outbox.retry(id, at, &reason, now, report.as_ref())
                        };
                        ask(&self.outbox, retry).await
                    }
                    Next::GiveUp(why) => {
                        let reason = format!("{why}: {reason}");
                        tracing::error!(%receiver, notification = %id, reason, "cannot be delivered");
                        let report = failed(&notification, &reason, now);
                        let give_up =
                            move |outbox: &Outbox| outbox.failed(id, &reason, now, Some(&report));
                        ask(&self.outbox, give_up).await
                    }
                }
            }
        };
        for wake in &self.wake {
            wake.notify_one();
        }
        if let Err(error) = recorded {
            // Sent, perhaps, but not on record: it is sent again under the same identity.
            tracing::error!(%receiver, notification = %id, %error, "cannot record an attempt");
        }
    }

    /// Where canaries end: inside the program.
    async fn sink(&self, id: NotificationId) -> Result<String, SendError> {
        let alert = ask(&self.outbox, move |outbox| outbox.alert_of(id)).await.map_err(unread)?;
        if alert.provenance() != Provenance::Canary {
            return Err(SendError::permanent("only canaries end at the sink".to_owned()));
        }
        self.canaries.pass([alert.id], Point::Delivered);
        Ok("arrived at the sink".to_owned())
    }

    async fn send(&self, notification: &Notification) -> Result<String, SendError> {
        if notification.receiver.as_str() == Provenance::SINK {
            return self.sink(notification.id).await;
        }
        let Some(receiver) = self.receivers.by_name.get(&notification.receiver) else {
            let reason = format!("{} is not in the configuration", notification.receiver);
            return Err(SendError::Permanent { reason });
        };
        let (id, head) = (notification.id, notification.alert);
        let (to, person) = (notification.receiver.clone(), notification.person.clone());
        let read = move |outbox: &Outbox| {
            let alert = outbox.alert_of(id)?;
            let lines = outbox.lines(id, OTHERS_MAX + 1)?;
            let others: Vec<_> = lines.into_iter().filter(|line| line.alert != head).collect();
            let ids: Vec<AlertId> = others.iter().map(|line| line.alert).collect();
            let known = outbox.alerts_of(&ids)?;
            let kind = |alert: &Alert| others.iter().find(|line| line.alert == alert.id);
            let others = known.into_iter().filter_map(|other| Some((kind(&other)?.kind, other)));
            let first = outbox.first_about(head, &to, person.as_ref())?;
            Ok((alert, others.collect::<Vec<_>>(), first))
        };
        let (alert, others, thread) = ask(&self.outbox, read).await.map_err(unread)?;
        let alert = Tellable::of(alert).map_err(|why| SendError::permanent(why.to_string()))?;
        let others =
            others.into_iter().filter_map(|(kind, other)| Some((kind, Tellable::of(other).ok()?)));
        let at = (self.clock)();
        let further = u64::from(notification.alerts.saturating_sub(1));
        let context = &self.receivers.context;
        let message =
            Message::new(alert, notification, context, at).with_others(others, further, context);
        let message = Message { thread: thread.unwrap_or(id), ..message };
        let receivers = self.receivers.clone();
        // A key may have to be made, on disk.
        let message =
            ask(&self.outbox, move |_| Ok(message.with_answers(&receivers.context))).await;
        let message = message.map_err(|error| error.to_string());
        let message = message.and_then(|made| made.map_err(|error| error.to_string()));
        let message = message.map_err(|error| {
            let reason = format!("cannot sign its answers: {error}");
            SendError::Retry { after: None, reason }
        })?;
        let first = self.first(&message).await?;
        let first = first.as_deref().and_then(Receipt::handle_in);
        let address = self.receivers.address_of(message.person.as_ref(), receiver)?;
        let errand = Errand { message: &message, address, first };
        let receipt = receiver.deliver(&errand).await?;
        self.receivers.take_word(&message, &receipt).await?;
        Ok(receipt.to_string())
    }

    /// The receipt of the first message about the alert, if this is not it and that one arrived.
    async fn first(&self, message: &Message) -> Result<Option<String>, SendError> {
        let thread = message.thread;
        if thread == message.id {
            return Ok(None);
        }
        let first = ask(&self.outbox, move |outbox| outbox.get(thread)).await;
        match first.map(|first| first.map(|first| first.state)) {
            Ok(Some(NotificationState::Delivered { receipt, .. })) => Ok(Some(receipt)),
            Ok(_) => Ok(None),
            Err(error) => {
                let reason = format!("cannot read the first message: {error}");
                Err(SendError::Retry { after: None, reason })
            }
        }
    }
}
