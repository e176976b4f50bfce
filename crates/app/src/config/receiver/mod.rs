//! `[[receiver]]` of `routes.toml`: how people are reached. One file per family of kinds.

mod chat; //    Slack and its like
mod mail; //    SMTP
mod webhook; // signed JSON

use model::Name;

use super::{
    folder::Surroundings,
    secret::{Literal, Missing, secret},
    table::Table,
};
use crate::notify::{Receiver, ReceiverConfig, ReceiverError};

/// What the file says of receivers.
pub(super) struct Receivers {
    /// Every name that is declared, also of receivers that are wrong: routes may refer to them.
    pub(super) declared: Vec<Name>,
    /// Those without a mistake.
    pub(super) configs: Vec<(Name, ReceiverConfig)>,
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
    Receivers { declared, configs }
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
