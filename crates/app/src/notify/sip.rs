//! Calls through any SIP provider or a telephone system of one's own: the crate `voice`, and what its
//! outcomes mean for a message.
//!
//! | what happened                        | what becomes of the message                            |
//! |--------------------------------------|--------------------------------------------------------|
//! | 1 was pressed                        | delivered; the person is on it                         |
//! | it was played, no key was pressed    | delivered; nobody is on it, so the escalation goes on  |
//! | 2 was pressed                        | failed at once: the next person is called              |
//! | busy, refused, nobody picked up      | failed at once: the next person is called              |
//! | they hung up in the middle           | called again: sleep hangs up too                       |
//! | server away, network trouble         | tried again                                            |

use std::time::Duration;

use voice::{Account, Announcement, CallError, Heard, Number, Script, Speech, sip::Manner, words};

use super::{Errand, Receipt, ReceiverError, SendError};

/// After how long a call is repeated that was hung up in the middle: whoever did it by mistake has
/// put the telephone down by then, and nobody fell asleep again.
const AGAIN: Duration = Duration::from_secs(15);

/// Longest attempt: what a voice may take to be made, and the longest call. Within the lease under
/// which the outbox hands out a message, or it would be called twice at once.
pub(super) const CALL_TIMEOUT: Duration =
    Duration::from_secs(voice::CALL_S_MAX + voice::speech::SPEECH_TIMEOUT.as_secs());

const _: () = assert!(
    CALL_TIMEOUT.as_millis() < store::LEASE_MS as u128,
    "a call must end before its message is handed out again"
);

/// How people are called, as the user configured it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipConfig {
    /// Who calls, through which server.
    pub account: Account,
    /// Whom to call.
    pub to: String,
    /// What turns text into sound; `None`: tones.
    pub speech: Option<Speech>,
    /// How long it rings, and how keys are heard.
    pub manner: Manner,
}

/// Calls through SIP.
#[derive(Debug)]
pub struct Sip {
    account: Account,
    to: Number,
    speech: Option<Speech>,
    manner: Manner,
}

impl Sip {
    pub(super) fn new(config: &SipConfig) -> Result<Self, ReceiverError> {
        config.account.check()?;
        Ok(Self {
            account: config.account.clone(),
            to: Number::new(&config.to)?,
            speech: config.speech.clone(),
            manner: config.manner,
        })
    }

    /// Calls the person, or whom the configuration names.
    pub(super) async fn send(&self, errand: &Errand<'_>) -> Result<Receipt, SendError> {
        let message = errand.message;
        let to = errand.address.map(Number::new).transpose().map_err(|error| {
            SendError::Permanent { reason: format!("the person's number: {error}") }
        })?;

        let announcement = Announcement {
            installation: message.installation.clone(),
            severity: message.alert.severity,
            headline: message.bare_headline().to_owned(),
            others: message
                .others
                .len()
                .saturating_add(usize::try_from(message.others_more).unwrap_or(usize::MAX)),
            is_drill: message.is_test || message.drill().is_some(),
        };
        let script = self.script(&announcement).await;
        came_to(
            voice::call(&self.account, to.as_ref().unwrap_or(&self.to), script, self.manner).await,
        )
    }

    /// A synthesiser that fails takes the words, never the call.
    async fn script(&self, announcement: &Announcement) -> Script {
        let Some(speech) = &self.speech else { return Script::in_tones() };
        let text = announcement.text();
        // At once: the call must end within the lease of its message.
        let (message, acknowledged, passed_on) = tokio::join!(
            speech.say(&text),
            speech.say(words::ACKNOWLEDGED),
            speech.say(words::PASSED_ON),
        );
        match message {
            Ok(message) => Script::in_words(
                &message,
                acknowledged.unwrap_or_else(|_| voice::sound::rising()),
                passed_on.unwrap_or_else(|_| voice::sound::falling()),
            ),
            Err(error) => {
                tracing::warn!(%error, "nothing can say the alert, calling with tones");
                Script::in_tones()
            }
        }
    }
}

/// A call that was taken, and what the person did.
fn taken(heard: super::Heard) -> Receipt {
    Receipt { heard: Some(heard), ..Receipt::new(heard.to_string()) }
}

fn came_to(outcome: Result<Heard, CallError>) -> Result<Receipt, SendError> {
    let permanent = |reason: &str| Err(SendError::Permanent { reason: reason.to_owned() });
    match outcome {
        Ok(Heard::Acknowledged) => Ok(taken(super::Heard::Acknowledged)),
        Ok(Heard::Played) => Ok(taken(super::Heard::Played)),
        Ok(Heard::Escalate) => permanent("answered, passed on by key"),
        Ok(Heard::NoAnswer) => permanent("nobody answered"),
        Ok(Heard::Busy) => permanent("the line was busy"),
        Ok(Heard::Rejected { code }) => permanent(&format!("the call was refused with {code}")),
        Ok(Heard::HungUp) => Err(SendError::Retry {
            after: Some(AGAIN),
            reason: "answered, hung up before the end".to_owned(),
        }),
        Err(error @ (CallError::Account(_) | CallError::Registration { .. })) => {
            permanent(&error.to_string())
        }
        Err(error) => Err(SendError::Retry { after: None, reason: error.to_string() }),
    }
}
