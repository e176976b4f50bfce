//! Chat.

use super::required_secret;
use crate::{
    config::{folder::Surroundings, secret::Missing, table::Table},
    notify::ReceiverConfig,
};

pub(super) fn slack(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let url = required_secret(table, "url", around, missing)?;
    Some(ReceiverConfig::Slack { url })
}
