//! Other pagers: PagerDuty, Opsgenie and its like, Alertmanager.

use std::time::Duration;

use super::{address_or, required_secret};
use crate::{
    config::{
        folder::Surroundings,
        secret::{Literal, Missing, secret},
        table::Table,
    },
    notify::{Access, ReceiverConfig},
};

const PAGERDUTY: &str = "https://events.pagerduty.com";
const OPSGENIE: &str = "https://api.opsgenie.com";

/// How long an alert stands in an Alertmanager after the last message about it, unless said: a day,
/// within which somebody looks.
const STANDS_FOR_MS: u64 = 24 * 60 * 60 * 1_000;

/// Shortest time that is worth telling an Alertmanager: its own `resolve_timeout`.
const STANDS_FOR_MS_MIN: u64 = 5 * 60 * 1_000;

pub(super) fn pagerduty(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let key = required_secret(table, "key", around, missing);
    let url = address_or(table, PAGERDUTY);
    Some(ReceiverConfig::PagerDuty { url, key: key? })
}

pub(super) fn opsgenie(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let key = required_secret(table, "key", around, missing);
    let url = address_or(table, OPSGENIE);
    Some(ReceiverConfig::Opsgenie { url, key: key? })
}

pub(super) fn alertmanager(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let url = table.required_text("url");
    let token = secret(table, "token", Literal::Never, around, missing);
    let username = secret(table, "username", Literal::Anything, around, missing);
    let password = secret(table, "password", Literal::Never, around, missing);
    let access = match (token, username, password) {
        (None, None, None) => Access::Open,
        (Some(token), None, None) => Access::Token(token.value),
        (None, Some(username), Some(password)) => {
            Access::Password { username: username.value.reveal().clone(), password: password.value }
        }
        _ => {
            table.mistake(table.span(), "either token, or username and password together");
            return None;
        }
    };
    let stands_for = table.duration_ms("stands_for");
    if let Some(short) = stands_for.as_ref().filter(|time| time.value < STANDS_FOR_MS_MIN) {
        table.mistake(short.span.clone(), "stands_for is at least 5m: Alertmanagers wait as long");
    }
    let stands_for = Duration::from_millis(stands_for.map_or(STANDS_FOR_MS, |time| time.value));
    Some(ReceiverConfig::Alertmanager { url: url?.value, access, stands_for })
}
