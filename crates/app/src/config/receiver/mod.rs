//! `[[receiver]]` of `routes.toml`: how people are reached. One file per family of kinds.

mod chat; //      Slack, Discord, Telegram, Matrix, Teams
mod mail; //      SMTP
mod pagers; //    PagerDuty, Opsgenie, Alertmanager
mod telephone; // text messages and calls
mod webhook; //   JSON

use std::{ops::Range, time::Duration};

use model::Name;

use super::{
    folder::Surroundings,
    secret::{Literal, Missing, secret},
    table::{Table, parse_duration_ms},
};
use crate::notify::{Receiver, ReceiverConfig, ReceiverError, trial::EVERY_DEFAULT};

/// What the file says of receivers.
pub(super) struct Receivers {
    /// Every name that is declared, also of receivers that are wrong: routes may refer to them.
    pub(super) declared: Vec<Name>,
    /// Those without a mistake.
    pub(super) configs: Vec<(Name, ReceiverConfig)>,
    /// How often each is tested by a message; `None` when never.
    pub(super) tested: Option<Duration>,
}

/// Shortest time between two tests: a telephone that rings more often is turned off.
const TESTED_MS_MIN: u64 = 24 * 60 * 60 * 1_000;

fn tested(table: &Table<'_>) -> Option<Duration> {
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

pub(super) fn receivers(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Receivers {
    let mut configs: Vec<(Name, ReceiverConfig)> = Vec::new();
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
        entry.finish();
        if let (Some(name), Some(config)) = (name, config) {
            configs.push((name.value, config));
        }
    }
    Receivers { declared, configs, tested: tested(table) }
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
        "webhook" => webhook::webhook(table, around, missing),
        "stdout" => Some(ReceiverConfig::Stdout { json: table.boolean("json").unwrap_or(false) }),
        other => {
            let kinds = ReceiverConfig::KINDS.join(", ");
            table.mistake(kind.span, format!("unknown kind {other:?} (one of: {kinds})"));
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
