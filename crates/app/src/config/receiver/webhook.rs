//! Signed JSON.

use super::required_secret;
use crate::{
    config::{folder::Surroundings, secret::Missing, table::Table},
    notify::ReceiverConfig,
};

pub(super) fn webhook(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let url = required_secret(table, "url", around, missing);
    let secret = required_secret(table, "secret", around, missing);
    Some(ReceiverConfig::Webhook { url: url?, secret: secret? })
}
