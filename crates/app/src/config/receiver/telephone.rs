//! Text messages and calls.

use super::{address_or, required_secret};
use crate::{
    config::{folder::Surroundings, secret::Missing, table::Table},
    notify::{ReceiverConfig, Telephone},
};

const TWILIO: &str = "https://api.twilio.com";

pub(super) fn sms(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    telephone(table, around, missing).map(ReceiverConfig::Sms)
}

pub(super) fn voice(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let telephone = telephone(table, around, missing);
    let callback = table.text("callback").map(|callback| callback.value);
    Some(ReceiverConfig::Voice { telephone: telephone?, callback })
}

fn telephone(table: &Table<'_>, around: &dyn Surroundings, missing: Missing) -> Option<Telephone> {
    let account = table.required_text("account");
    let token = required_secret(table, "token", around, missing);
    let from = table.required_text("from");
    let to = table.required_text("to");
    let url = address_or(table, TWILIO);
    let (account, from, to) = (account?.value, from?.value, to?.value);
    Some(Telephone { url, account, token: token?, from, to })
}
