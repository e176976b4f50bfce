//! One call, from the first message to the last.
//!
//! ```text
//!  open ─► (REGISTER) ─► INVITE ─► 401/407 ─► INVITE with digest ─► 1xx ─► 2xx ─► talk ─► BYE
//!                           │ nothing for a while ─► trouble           │ busy, refused ─► Heard
//!                           └ rings too long ─► CANCEL ─► no answer
//! ```
//!
//! Transactions, their timers, dialogs, digest authentication and transports are rsipstack's; here is
//! what a call needs of them, and when it is given up. A call that its caller drops is hung up.

mod incoming; // what the other side asks of us meanwhile
mod open; //     sockets, transports, the endpoint
mod way; //      where requests go

use std::time::Duration;

use rsipstack::{
    dialog::{
        authenticate::Credential,
        dialog::{DialogState, DialogStateReceiver},
        invitation::InviteOption,
        registration::Registration,
    },
    sip::{Response, StatusCodeKind},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    Account, AccountFault, Heard, Number, Script,
    line::{Conversation, Line, Step},
    media::{self, Answer, SdpFault},
    menu::Menu,
};
use open::Open;

/// Longest that a telephone rings unless the user says otherwise: six rings; most mailboxes answer
/// later.
pub const RING_S: u64 = 25;

/// Most that a user may let it ring: the next person must hear of it within the minute.
pub const RING_S_MAX: u64 = 40;

/// How long the server may be silent after the INVITE before the call is given up as not placed;
/// it has been sent four times by then (RFC 3261, timer A).
pub const SILENCE: Duration = Duration::from_secs(8);

/// Longest conversation.
pub const TALK: Duration = Duration::from_secs(45);

/// How long the last messages of a call may take.
const GOODBYE: Duration = Duration::from_secs(3);

/// Longest call altogether, in seconds: way and registration, ringing, conversation, good-byes.
pub const CALL_S_MAX: u64 =
    2 * SILENCE.as_secs() + RING_S_MAX + TALK.as_secs() + 2 * GOODBYE.as_secs();

/// How long a registration holds: longer than any call.
const REGISTERED_S: u32 = 180;

/// A call that could not be placed; it may go better later. No text holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The account or the number cannot work.
    #[error(transparent)]
    Account(#[from] AccountFault),
    /// The server is not found or not reached.
    #[error("reaching {server}: {reason}")]
    Unreachable {
        /// Server.
        server: String,
        /// Why not.
        reason: String,
    },
    /// The server says nothing.
    #[error("{server} did not answer within {} s", SILENCE.as_secs())]
    NoResponse {
        /// Server.
        server: String,
    },
    /// The server has trouble of its own.
    #[error("{server} answered {code}")]
    Trouble {
        /// Server.
        server: String,
        /// Status (RFC 3261, section 21.5).
        code: u16,
    },
    /// It was picked up, but no sound can pass.
    #[error("no sound can pass: {0}")]
    Voice(String),
    /// The account may not register.
    #[error("registering {user} at {server}: refused with {code}")]
    Registration {
        /// Server.
        server: String,
        /// Account.
        user: String,
        /// Status.
        code: u16,
    },
}

impl From<SdpFault> for CallError {
    fn from(fault: SdpFault) -> Self {
        Self::Voice(format!("the other side's description: {fault}"))
    }
}

/// How a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// How long it may ring, in seconds; at most [`RING_S_MAX`].
    pub ring_s: u64,
    /// Whether keys are listened for in the sound too.
    pub hears_tones: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { ring_s: RING_S, hears_tones: false }
    }
}

/// Calls a number, plays the script, and says what came of it within [`CALL_S_MAX`] seconds. When the
/// future is dropped, the call is hung up.
///
/// # Errors
/// When the call could not be placed.
pub async fn call(
    account: &Account,
    number: &Number,
    script: Script,
    manner: Manner,
) -> Result<Heard, CallError> {
    account.check()?;
    let (account, number) = (account.clone(), number.clone());
    let (still_wanted, dropped) = oneshot::channel::<()>();
    let task =
        tokio::spawn(async move { one_call(&account, &number, script, manner, dropped).await });
    let outcome = task.await;
    drop(still_wanted);
    outcome.unwrap_or_else(|stopped| Err(CallError::Voice(format!("the call stopped: {stopped}"))))
}

async fn one_call(
    account: &Account,
    number: &Number,
    script: Script,
    manner: Manner,
    mut dropped: oneshot::Receiver<()>,
) -> Result<Heard, CallError> {
    let open = open::open(account, &number.uri(account)?).await?;
    let registration = if account.registers { Some(register(account, &open).await?) } else { None };
    let outcome = invite(account, number, &open, script, manner, &mut dropped).await;
    if let Some(mut registration) = registration
        && let Ok(registrar) = account.registrar()
    {
        // Calls to this account should not ring where nobody is any more; if this is lost, the
        // registration ends by itself.
        let _gone = timeout(GOODBYE, registration.register(registrar, Some(0))).await;
    }
    open.close();
    outcome
}

fn credential(account: &Account) -> Option<Credential> {
    let (user, secret) = (account.user.clone()?, account.secret.as_ref()?);
    Some(Credential {
        username: user,
        password: secret.reveal().clone(),
        realm: None,
        auth_username: None,
    })
}

fn unreachable(account: &Account, reason: &dyn std::fmt::Display) -> CallError {
    CallError::Unreachable { server: account.server.clone(), reason: reason.to_string() }
}

async fn register(account: &Account, open: &Open) -> Result<Registration, CallError> {
    let mut registration = Registration::new(open.endpoint.inner.clone(), credential(account));
    registration.outbound_proxy = Some(open.address);
    let answer = timeout(SILENCE, registration.register(account.registrar()?, Some(REGISTERED_S)))
        .await
        .map_err(|_elapsed| CallError::NoResponse { server: account.server.clone() })?
        .map_err(|error| unreachable(account, &error))?;
    match answer.status_code.kind() {
        StatusCodeKind::Successful => Ok(registration),
        StatusCodeKind::ServerFailure => Err(CallError::Trouble {
            server: account.server.clone(),
            code: answer.status_code.code(),
        }),
        _ => Err(CallError::Registration {
            server: account.server.clone(),
            user: account.user.clone().unwrap_or_default(),
            code: answer.status_code.code(),
        }),
    }
}

async fn invite(
    account: &Account,
    number: &Number,
    open: &Open,
    script: Script,
    manner: Manner,
    dropped: &mut oneshot::Receiver<()>,
) -> Result<Heard, CallError> {
    let socket = crate::line::open(open.local.ip())
        .await
        .map_err(|error| CallError::Voice(format!("opening a socket: {error}")))?;
    let local = socket.local_addr().map_err(|error| CallError::Voice(error.to_string()))?;
    let description = media::offer(local, rand::random());
    let option = InviteOption {
        caller_display_name: Some("Bellwether".to_owned()),
        caller: account.caller()?,
        callee: number.uri(account)?,
        destination: Some(open.server.clone()),
        content_type: Some("application/sdp".to_owned()),
        offer: Some(description.clone().into_bytes()),
        contact: open.contact(account.user.as_deref()),
        credential: credential(account),
        ..InviteOption::default()
    };
    let (sender, mut states) = open.dialogs.new_dialog_state_channel();
    let (dialog, mut answered) = open
        .dialogs
        .do_invite_async(option, sender)
        .map_err(|error| unreachable(account, &error))?;

    let began = Instant::now();
    let rings_until = began + Duration::from_secs(manner.ring_s.min(RING_S_MAX));
    let mut is_heard_of = false;
    let mut early = None;
    let response = loop {
        let patience = if is_heard_of { rings_until } else { rings_until.min(began + SILENCE) };
        tokio::select! {
            outcome = &mut answered => match outcome {
                Ok(Ok((_, Some(response)))) => break response,
                Ok(Ok((_, None))) => return Err(CallError::NoResponse { server: account.server.clone() }),
                Ok(Err(error)) => return Err(unreachable(account, &error)),
                Err(error) => return Err(unreachable(account, &error)),
            },
            Some(state) = states.recv() => match state {
                DialogState::Trying(_) => is_heard_of = true,
                DialogState::Early(_, response) => {
                    is_heard_of = true;
                    if !response.body.is_empty() {
                        early = Some(response.body);
                    }
                }
                _ => {}
            },
            () = sleep_until(patience) => {
                cancel(&dialog, answered).await;
                return if is_heard_of {
                    Ok(Heard::NoAnswer)
                } else {
                    Err(CallError::NoResponse { server: account.server.clone() })
                };
            }
            _ = &mut *dropped => {
                cancel(&dialog, answered).await;
                return Ok(Heard::NoAnswer);
            }
        }
    };
    if response.status_code.kind() != StatusCodeKind::Successful {
        return refused(account, &response);
    }

    // The answer stands in the 200, unless it came before it and holds (RFC 3261, section 13.2.1).
    let body = if response.body.is_empty() { early.unwrap_or_default() } else { response.body };
    let heard = match Answer::read(&body) {
        Ok(answer) => {
            let mut conversation = Conversation::new(Menu::new(script), answer, manner.hears_tones);
            talk(Line::new(socket), &mut conversation, &mut states, &description, dropped).await;
            Ok(conversation.menu().heard())
        }
        Err(fault) => Err(fault.into()),
    };
    if let Ok(Err(error)) = timeout(GOODBYE, dialog.hangup()).await {
        // They hung up at the same moment, or the network went: the call is over either way.
        tracing::debug!(%error, "hanging up");
    }
    open.dialogs.remove_dialog(&dialog.id());
    heard
}

/// Plays the script until it is over, they hang up, nobody wants the call any more, or it lasts too
/// long.
async fn talk(
    mut line: Line,
    conversation: &mut Conversation,
    states: &mut DialogStateReceiver,
    description: &str,
    dropped: &mut oneshot::Receiver<()>,
) {
    let ends = Instant::now() + TALK;
    loop {
        tokio::select! {
            step = line.step(conversation) => if step == Step::Over { return },
            state = states.recv() => match state {
                None | Some(DialogState::Terminated(..)) => return,
                Some(state) => incoming::take(state, conversation, line.at_ms(), description).await,
            },
            () = sleep_until(ends) => return,
            _ = &mut *dropped => return,
        }
    }
}

async fn cancel<T>(
    dialog: &rsipstack::dialog::invite_dialog::InviteDialog,
    answered: tokio::task::JoinHandle<T>,
) {
    if let Err(error) = dialog.cancel().await {
        tracing::debug!(%error, "cancelling a call");
    }
    // A 200 that crossed the CANCEL is ended by the dialog itself; give it time to.
    let _outcome = timeout(GOODBYE, answered).await;
}

/// What a call that was not accepted means (RFC 3261, sections 21.3 to 21.6).
fn refused(account: &Account, response: &Response) -> Result<Heard, CallError> {
    let server = account.server.clone();
    match response.status_code.code() {
        486 | 600 => Ok(Heard::Busy),
        // Their side gave up ringing, nobody is registered there, or it was cancelled.
        408 | 480 | 487 => Ok(Heard::NoAnswer),
        code @ (500 | 502..=504) => Err(CallError::Trouble { server, code }),
        code => Ok(Heard::Rejected { code }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rsipstack::sip::SipMessage;

    proptest! {
        #[test]
        fn whatever_a_server_answers_is_read_or_refused(
            status in "[0-9]{0,4}",
            headers in proptest::collection::vec(
                prop_oneof![
                    "Via: SIP/2.0/UDP .{0,30}",
                    "(To|From|Contact): .{0,40}",
                    "WWW-Authenticate: Digest .{0,40}",
                    "(CSeq|Content-Length|Expires): .{0,12}",
                    ".{0,20}",
                ],
                0..10,
            ),
        ) {
            let text = format!("SIP/2.0 {status} x\r\n{}\r\n\r\n", headers.join("\r\n"));
            if let Ok(SipMessage::Response(response)) = SipMessage::try_from(text.as_str()) {
                use rsipstack::sip::prelude::{HeadersExt as _, ToTypedHeader as _};
                let _to = response.to_header().map(|to| to.typed().is_ok());
                let _from = response.from_header().map(|from| from.typed().is_ok());
                let _via = response.via_header().map(|via| via.typed().is_ok());
                let _challenge = response.www_authenticate_header().map(|c| c.typed().is_ok());
                let _contact = response.contact_header().map(|contact| contact.typed().is_ok());
            }
        }
    }
}
