//! Chat: Slack, Discord, Telegram, Matrix, Microsoft Teams.

use super::{address_or, required_secret};
use crate::{
    config::{folder::Surroundings, secret::Missing, table::Table},
    notify::ReceiverConfig,
};

/// Telegram's own bot API; others run a server of theirs.
const TELEGRAM: &str = "https://api.telegram.org";

pub(super) fn slack(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let url = required_secret(table, "url", around, missing)?;
    Some(ReceiverConfig::Slack { url })
}

pub(super) fn discord(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let url = required_secret(table, "url", around, missing)?;
    Some(ReceiverConfig::Discord { url })
}

pub(super) fn teams(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let url = required_secret(table, "url", around, missing)?;
    Some(ReceiverConfig::Teams { url })
}

pub(super) fn telegram(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let token = required_secret(table, "token", around, missing);
    let chat = table.required_text("chat");
    let url = address_or(table, TELEGRAM);
    Some(ReceiverConfig::Telegram { url, token: token?, chat: chat?.value })
}

pub(super) fn matrix(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let url = table.required_text("url");
    let token = required_secret(table, "token", around, missing);
    let room = table.required_text("room");
    Some(ReceiverConfig::Matrix { url: url?.value, token: token?, room: room?.value })
}
