//! From where answers are taken: what `answers.toml` says, running.

use std::sync::Arc;

use model::{Name, Secret};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use super::{
    Answers,
    discord::Discord,
    opsgenie::Opsgenie,
    pagerduty::PagerDuty,
    reach::Reach,
    slack::{self, Slack},
    telegram::{Telegram, Update},
};

/// Messages of chats that are changed at one time. Beyond it a message keeps its buttons; the answer
/// counts all the same, and whoever presses again is told.
const CHANGES_MAX: usize = 32;

/// What `answers.toml` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wiring {
    /// Signs instead of the store's own keys.
    pub key: Option<Secret<String>>,
    /// Slack.
    pub slack: Option<Slack>,
    /// Discord.
    pub discord: Option<Discord>,
    /// Telegram.
    pub telegram: Option<Telegram>,
    /// PagerDuty.
    pub pagerduty: Option<PagerDuty>,
    /// Whose accounts of PagerDuty these are, by the id of the user.
    pub pagerduty_people: Vec<(String, Name)>,
    /// Opsgenie.
    pub opsgenie: Option<Opsgenie>,
}

/// The chats, reached and reachable.
#[derive(Debug)]
pub struct Chats {
    /// What is configured.
    pub wiring: Wiring,
    /// Takes what they say.
    pub answers: Answers,
    reach: Reach,
    changes: Arc<Semaphore>,
    /// Ends the asking when it is dropped.
    stop: watch::Sender<bool>,
}

impl Chats {
    /// Begins to listen.
    ///
    /// # Errors
    /// When no client can be set up.
    pub fn start(wiring: Wiring, answers: Answers) -> anyhow::Result<Arc<Self>> {
        let reach = Reach::new().map_err(|error| anyhow::anyhow!("reaching chats: {error}"))?;
        let changes = Arc::new(Semaphore::new(CHANGES_MAX));
        Ok(Arc::new(Self { wiring, answers, reach, changes, stop: watch::Sender::new(false) }))
    }

    /// Asks Telegram for word, when that is how it is configured; ends with [`Chats::stop`].
    pub fn listen(self: &Arc<Self>) -> Option<JoinHandle<()>> {
        let telegram = self.wiring.telegram.clone().filter(|t| t.secret_token.is_none())?;
        let (chats, stop) = (self.clone(), self.stop.subscribe());
        Some(tokio::spawn(async move {
            telegram.listen(&chats.reach, &chats.answers, stop).await;
        }))
    }

    /// Ends the asking.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Takes a button of Slack, and changes the message afterwards: Slack waits for three seconds.
    pub(crate) async fn slack(&self, pressed: slack::Pressed) {
        let answers = self.answers.clone();
        let url = pressed.response_url.clone();
        let replied = tokio::task::spawn_blocking(move || slack::reply(&answers, &pressed)).await;
        let (Ok(reply), Some(url)) = (replied, url) else { return };
        let Ok(place) = self.changes.clone().try_acquire_owned() else {
            tracing::warn!("too many messages are being changed, one keeps its buttons");
            return;
        };
        let reach = self.reach.clone();
        tokio::spawn(async move {
            if let Err(error) = slack::respond(&reach, &url, &reply).await {
                tracing::warn!(%error, "slack did not take the change of a message");
            }
            drop(place);
        });
    }

    /// Takes a delivered update of Telegram.
    pub(crate) async fn telegram(&self, telegram: &Telegram, update: Update) {
        telegram.take(&self.reach, &self.answers, update).await;
    }
}
