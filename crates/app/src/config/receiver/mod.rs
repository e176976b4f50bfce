//! `[[receiver]]` of `routes.toml`: how people are reached. One file per family of kinds.

mod chat; //    Slack and its like
mod mail; //    SMTP
mod webhook; // signed JSON

use std::ops::Range;

use alert::plan::{Channel, ChannelKind};
use model::Name;

use super::{
    folder::Surroundings,
    plan::Known,
    secret::{Literal, Missing, secret},
    table::Table,
};
use crate::notify::{Receiver, ReceiverConfig, ReceiverError};

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
        "webhook" => webhook::webhook(table, around, missing),
        "stdout" => Some(ReceiverConfig::Stdout { json: table.boolean("json").unwrap_or(false) }),
        other => {
            table.mistake(
                kind.span,
                format!("unknown kind {other:?} (one of: mail, slack, webhook, stdout)"),
            );
            None
        }
    }
}

/// What would stop the receiver from being set up when the program starts is told now. Secrets that
/// are not there say nothing about the real ones.
fn check_receiver(table: &Table<'_>, config: &ReceiverConfig, missing: Missing) {
    let holds_secrets = !matches!(config, ReceiverConfig::Mail { .. });
    if holds_secrets && missing == Missing::IsFine {
        return;
    }
    match Receiver::new(config) {
        // These were told where they are written.
        Ok(_) | Err(ReceiverError::MailAddress { .. } | ReceiverError::NoAddressee) => {}
        Err(error) => table.mistake(table.span(), error.to_string()),
    }
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
