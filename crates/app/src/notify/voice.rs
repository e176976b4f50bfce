//! Calls.
//!
//! ```text
//!  POST Calls.json ──► the telephone rings, a voice speaks ──► it ends
//!        │                          │ a key is pressed           │
//!        │                          ▼                            ▼
//!        │         provider ──signed──► `callback`      GET Calls/{sid}.json says how
//! ```
//!
//! How a call ended (taken, busy, nobody there) is asked for, so it is known behind any router. A
//! key that was pressed is not: the provider tells it to an address that it can reach, and through
//! its API only a quarter of an hour later, which is too late to stop an escalation. So keys are
//! heard where the configuration names a `callback`; elsewhere the voice does not offer them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{NotificationId, UnixMillis};

use super::{
    Errand, Heard, Receipt, ReceiverError, SendError, Telephone,
    http::is_loopback,
    twilio::{Account, check_number, pause},
};

/// How long it rings: before most mailboxes take over.
const RING_S: &str = "25";

/// Longest conversation.
const TALK_S: &str = "75";

/// Longest pause between two looks at how the call goes.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Calls from one number.
#[derive(Debug)]
pub struct Voice {
    account: Account,
    callback: Option<String>,
    /// The calls that go on now.
    calls: Mutex<BTreeMap<NotificationId, Going>>,
}

/// A call that goes on.
#[derive(Debug)]
struct Going {
    /// What it says.
    program: String,
    /// What was pressed; written by [`Voice::pressed`].
    pressed: Option<Heard>,
}

/// Ends a call in the list when it is over, however that comes.
struct Call<'a> {
    voice: &'a Voice,
    message: NotificationId,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.voice.calls().remove(&self.message);
    }
}

impl Voice {
    pub(super) fn new(
        telephone: &Telephone,
        callback: Option<&str>,
    ) -> Result<Self, ReceiverError> {
        check_number(&telephone.from)?;
        if let Some(callback) = callback {
            let url = reqwest::Url::parse(callback).ok();
            let is_safe = |url: &reqwest::Url| match url.scheme() {
                "https" => true,
                "http" => is_loopback(url),
                _ => false,
            };
            let is_plain =
                callback.bytes().all(|c| c.is_ascii_graphic() && !b"\"'<>&?#".contains(&c));
            if !is_plain || !url.as_ref().is_some_and(is_safe) {
                let reason = "it must begin with https:// and have neither query nor fragment";
                return Err(ReceiverError::Url { what: "callback", reason });
            }
        }
        Ok(Self {
            account: Account::new(telephone)?,
            callback: callback.map(|callback| callback.trim_end_matches('/').to_owned()),
            calls: Mutex::default(),
        })
    }

    pub(super) async fn send(&self, errand: &Errand<'_>) -> Result<Receipt, SendError> {
        let (message, account) = (errand.message, &self.account);
        let keys =
            self.callback.is_some().then(|| self.address_of(message.receiver.as_str(), message.id));
        let twiml = twiml(&message.spoken(), keys.as_deref());
        self.calls().insert(message.id, Going { program: twiml.clone(), pressed: None });
        let call = Call { voice: self, message: message.id };
        let form = [
            ("To", account.number(errand.address)?),
            ("From", account.from.as_str()),
            ("Twiml", twiml.as_str()),
            ("Timeout", RING_S),
            ("TimeLimit", TALK_S),
        ];
        let mut told = account.create("Calls.json", &form, message.at).await?;
        let sid = told["sid"].as_str().unwrap_or_default().to_owned();
        let mut look = 0;
        // Bounded by the patience of whoever asked; the provider ends each call well before.
        loop {
            if let Some(heard) = self.heard(message.id, told["status"].as_str().unwrap_or_default())
            {
                drop(call);
                return came_to(heard, sid);
            }
            tokio::time::sleep(pause(look, PAUSE_MAX)).await;
            look += 1;
            // It rings; that nobody says how it goes is no reason to ring again at once.
            if let Ok(read) = account.read("Calls", &sid, message.at).await {
                told = read;
            }
        }
    }

    pub(super) async fn check(&self, now: UnixMillis) -> Result<Option<String>, SendError> {
        self.account.check(now).await
    }

    /// The provider says what was pressed in the call about a message: what the call does next, or
    /// `None` when the request is not the provider's or the call is over.
    pub fn pressed(
        &self,
        receiver: &str,
        message: NotificationId,
        form: &[(String, String)],
        signature: &str,
    ) -> Option<String> {
        let url = self.address_of(receiver, message);
        if self.callback.is_none() || !self.account.has_signed(&url, form, signature) {
            return None;
        }
        let digits = form.iter().find(|(name, _)| name == "Digits").map(|(_, digits)| digits);
        let key = digits.and_then(|digits| digits.chars().next());
        let heard = key.and_then(Heard::of_key);
        let mut calls = self.calls();
        let going = calls.get_mut(&message)?;
        if key.is_some_and(Heard::is_repeat) && going.pressed.is_none() {
            // The provider ends each call in time, however often it is asked for.
            return Some(going.program.clone());
        }
        going.pressed = heard.or(going.pressed);
        let say = match heard {
            Some(Heard::Acknowledged) => "Acknowledged. Thank you.",
            Some(_) => "The next person is called.",
            None => "This key means nothing here. Good bye.",
        };
        Some(format!("{HEAD}<Response><Say>{say}</Say></Response>"))
    }

    fn address_of(&self, receiver: &str, message: NotificationId) -> String {
        let callback = self.callback.as_deref().unwrap_or_default();
        format!("{callback}/calls/{receiver}/{message}")
    }

    /// How a call ended, if it did.
    fn heard(&self, message: NotificationId, status: &str) -> Option<Result<Heard, String>> {
        let pressed = self.calls().get(&message).and_then(|going| going.pressed);
        match status {
            // A key is an answer; how long the voice goes on thanking does not matter.
            _ if pressed.is_some() => pressed.map(Ok),
            "completed" => Some(Ok(Heard::Played)),
            "busy" => Some(Ok(Heard::Busy)),
            "no-answer" => Some(Ok(Heard::NoAnswer)),
            "failed" | "canceled" => Some(Err(format!("the call {status}"))),
            _ => None,
        }
    }

    fn calls(&self) -> MutexGuard<'_, BTreeMap<NotificationId, Going>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that nobody took is over: whether to ring again, or somebody else, is the policy's to say.
fn came_to(heard: Result<Heard, String>, sid: String) -> Result<Receipt, SendError> {
    match heard {
        Ok(heard) if heard.is_taken() => {
            let receipt = Receipt::named(heard.to_string(), sid);
            Ok(Receipt { heard: Some(heard), ..receipt })
        }
        Ok(heard) => Err(SendError::permanent(heard.to_string())),
        Err(reason) => Err(SendError::permanent(reason)),
    }
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// The program of a call: the text, twice, since nobody listens to the first words of the night. What
/// is spoken has a bound that keeps it within the 4,000 characters which the provider takes.
fn twiml(text: &str, keys: Option<&str>) -> String {
    let text = xml(text);
    match keys {
        None => format!(
            "{HEAD}<Response><Say>{text}</Say><Pause length=\"1\"/><Say>{text}</Say>\
             <Say>Please look at the alert. Good bye.</Say></Response>"
        ),
        Some(url) => {
            let menu = format!(
                "Press {} to acknowledge, {} for the next person, {} to hear it again.",
                Heard::ACKNOWLEDGE_KEY,
                Heard::ESCALATE_KEY,
                Heard::REPEAT_KEY
            );
            let url = xml(url);
            let gather = format!(
                "<Gather input=\"dtmf\" numDigits=\"1\" timeout=\"7\" method=\"POST\" action=\"{url}\">\
                 <Say>{text} {menu}</Say></Gather>"
            );
            format!(
                "{HEAD}<Response>{gather}{gather}<Say>No key was pressed. Good bye.</Say></Response>"
            )
        }
    }
}

fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
