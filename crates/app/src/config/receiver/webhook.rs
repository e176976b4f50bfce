//! JSON, signed unless it stays on this machine.

use super::required_secret;
use crate::{
    config::{
        folder::Surroundings,
        secret::{Literal, Missing},
        table::Table,
    },
    notify::ReceiverConfig,
};

pub(super) fn webhook(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let url = required_secret(table, "url", around, missing);
    let stays = url.as_ref().is_some_and(|url| Literal::LoopbackUrl.allows(url.reveal()));
    let secret = if stays && !table.has("secret") {
        None
    } else {
        Some(required_secret(table, "secret", around, missing)?)
    };
    Some(ReceiverConfig::Webhook { url: url?, secret })
}
