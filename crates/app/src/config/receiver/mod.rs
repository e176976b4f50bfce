//! `[[receiver]]` of `routes.toml`: how people are reached. One file per family of kinds.

mod chat; //      Slack, Discord, Telegram, Matrix, Teams
mod mail; //      SMTP
mod pagers; //    PagerDuty, Opsgenie, Alertmanager
mod sip; //       calls over SIP
mod telephone; // text messages and calls
mod webhook; //   JSON

use std::{ops::Range, time::Duration};

use alert::plan::{Channel, ChannelKind};
use model::{Name, Provenance};

use super::{
    folder::Surroundings,
    plan::Known,
    secret::{Literal, Missing, secret},
    table::{Table, parse_duration_ms},
};
use crate::notify::{Receiver, ReceiverConfig, ReceiverError, trial::EVERY_DEFAULT};

/// Messages in a row, or a minute, that a receiver can be said to bear: more is no limit.
const RATE_MAX: u64 = 10_000;

/// A receiver without a mistake.
pub(super) struct Declared {
    pub(super) name: Name,
    pub(super) config: ReceiverConfig,
    /// What the plan knows of it.
    pub(super) channel: Channel,
    /// Where it stands.
    pub(super) place: Range<usize>,
}

/// Shortest time between two tests: a telephone that rings more often is turned off.
const TESTED_MS_MIN: u64 = 24 * 60 * 60 * 1_000;

/// How often each receiver is tested by a message; `None` when never.
pub(super) fn tested(table: &Table<'_>) -> Option<Duration> {
    let parse = |text: &str| match text {
        "never" => Ok(None),
        _ => parse_duration_ms(text).map(Some).map_err(|error| format!("{error}, or never")),
    };
    let Some(written) = table.parsed("receivers_tested", parse) else { return Some(EVERY_DEFAULT) };
    if written.value.is_some_and(|ms| ms < TESTED_MS_MIN) {
        table.mistake(written.span, "receivers_tested is at least 1d, or never");
    }
    written.value.map(Duration::from_millis)
}

/// All `[[receiver]]` of the file.
pub(super) fn receivers(
    table: &Table<'_>,
    known: &Known,
    around: &dyn Surroundings,
    missing: Missing,
) -> Vec<Declared> {
    let mut receivers = Vec::new();
    let mut declared: Vec<Name> = Vec::new();
    for entry in table.tables("receiver") {
        let name = entry.name("name");
        if !entry.has("name") {
            entry.mistake(entry.span(), "name is missing; routes refer to a receiver by it");
        }
        if let Some(name) = &name {
            if declared.contains(&name.value) {
                entry
                    .mistake(name.span.clone(), format!("two receivers are called {}", name.value));
            }
            if name.value.as_str() == Provenance::SINK {
                entry.mistake(
                    name.span.clone(),
                    format!(
                        "{} is where the program's own canaries end; choose another name",
                        name.value
                    ),
                );
            }
            declared.push(name.value.clone());
        }
        let config = receiver(&entry, around, missing);
        if let Some(config) = &config {
            check_receiver(&entry, config, missing);
        }
        let bears = bears(&entry, known);
        let place = entry.span();
        entry.finish();
        if let (Some(name), Some(config)) = (name, config) {
            let channel = bears(config.channel_kind());
            receivers.push(Declared { name: name.value, config, channel, place });
        }
    }
    receivers
}

/// Who reads a receiver's messages, and how many of them it bears: what every kind may say.
fn bears(table: &Table<'_>, known: &Known) -> impl Fn(ChannelKind) -> Channel + use<> {
    let readers = table.names("readers");
    readers.iter().for_each(|reader| known.person(table, reader, "readers"));
    let readers: Vec<Name> = readers.into_iter().map(|reader| reader.value).collect();
    let tells_closed = table.boolean("tells_closed");
    let rate = |key| table.integer_in(key, 1..RATE_MAX + 1).and_then(|n| u32::try_from(n).ok());
    let (burst, per_minute) = (rate("burst"), rate("per_minute"));
    move |kind| {
        let usual = Channel::new(kind);
        Channel {
            readers: readers.clone(),
            tells_closed: tells_closed.unwrap_or(usual.tells_closed),
            burst: burst.unwrap_or(usual.burst),
            per_minute: per_minute.unwrap_or(usual.per_minute),
            ..usual
        }
    }
}

fn receiver(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let kind = table.required_text("kind")?;
    match kind.value.as_str() {
        "mail" => mail::mail(table, around, missing),
        "slack" => chat::slack(table, around, missing),
        "discord" => chat::discord(table, around, missing),
        "telegram" => chat::telegram(table, around, missing),
        "matrix" => chat::matrix(table, around, missing),
        "teams" => chat::teams(table, around, missing),
        "pagerduty" => pagers::pagerduty(table, around, missing),
        "opsgenie" => pagers::opsgenie(table, around, missing),
        "alertmanager" => pagers::alertmanager(table, around, missing),
        "sms" => telephone::sms(table, around, missing),
        "voice" => telephone::voice(table, around, missing),
        "sip" => sip::sip(table, around, missing),
        "webhook" => webhook::webhook(table, around, missing),
        "stdout" => Some(ReceiverConfig::Stdout { json: table.boolean("json").unwrap_or(false) }),
        other => {
            let kinds = ReceiverConfig::KINDS.join(", ");
            table.mistake(kind.span, format!("unknown kind {other:?} (one of: {kinds})"));
            None
        }
    }
}

/// Kinds of receivers that speak to everybody.
const PUBLIC_KINDS: [&str; 4] = ["webhook", "discord", "telegram", "mail"];

/// How a public channel is reached; mail is told its addressees later.
pub(super) fn public_channel(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let kind = table.required_text("kind")?;
    match kind.value.as_str() {
        "webhook" => webhook::webhook(table, around, missing),
        "discord" => chat::discord(table, around, missing),
        "telegram" => chat::telegram(table, around, missing),
        "mail" => mail::server(table, Vec::new(), around, missing),
        other => {
            let kinds = PUBLIC_KINDS.join(", ");
            let message = format!("kind {other:?} is not for the public (one of: {kinds})");
            table.mistake(kind.span, message);
            None
        }
    }
}

/// What would stop the receiver from being set up when the program starts is told now. Addresses
/// that are secret and not there say nothing about the real ones.
fn check_receiver(table: &Table<'_>, config: &ReceiverConfig, missing: Missing) {
    let has_secret_address = matches!(
        config,
        ReceiverConfig::Slack { .. }
            | ReceiverConfig::Discord { .. }
            | ReceiverConfig::Teams { .. }
            | ReceiverConfig::Webhook { .. }
    );
    if has_secret_address && missing == Missing::IsFine {
        return;
    }
    match Receiver::new(config) {
        // These were told where they are written.
        Ok(_) | Err(ReceiverError::MailAddress { .. } | ReceiverError::NoAddressee) => {}
        Err(error) => table.mistake(place(table, &error), error.to_string()),
    }
}

/// The key that a mistake is about; the whole receiver, if it is about no single one.
fn place(table: &Table<'_>, error: &ReceiverError) -> Range<usize> {
    let keys: &[&'static str] = match error {
        ReceiverError::Name { text, .. } => {
            let keys = ["chat", "room", "account", "from", "to"];
            let is_it = |key: &&str| table.written(key) == Some(text);
            return keys
                .iter()
                .find(|key| is_it(key))
                .map_or(table.span(), |key| table.span_of(key));
        }
        ReceiverError::Url { what: "callback", .. } => &["callback"],
        ReceiverError::Url { .. } | ReceiverError::Unsigned => &["url"],
        _ => &[],
    };
    keys.iter().find(|key| table.has(key)).map_or(table.span(), |key| table.span_of(key))
}

/// The provider's own address, unless another one is written.
fn address_or(table: &Table<'_>, own: &str) -> String {
    table.text("url").map_or_else(|| own.to_owned(), |url| url.value)
}

fn required_secret(
    table: &Table<'_>,
    key: &'static str,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<model::Secret<String>> {
    if !table.has(key) {
        table.mistake_help(
            table.span(),
            format!("{key} is missing"),
            format!("write {key} = {{ env = \"NAME\" }}"),
        );
    }
    Some(secret(table, key, Literal::LoopbackUrl, around, missing)?.value)
}
