//! Mail.

use crate::{
    config::{
        folder::Surroundings,
        secret::{Literal, Missing, secret},
        table::Table,
    },
    notify::{MailTls, ReceiverConfig, check_mail_address},
};

pub(super) fn mail(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let to = table.texts("to");
    if to.is_empty() {
        table.mistake(table.span(), "to is empty: the mail would reach nobody");
    }
    for address in &to {
        if let Err(error) = check_mail_address(&address.value) {
            table.mistake(address.span.clone(), error.to_string());
        }
    }
    let to = to.into_iter().map(|t| t.value).collect();
    server(table, to, around, missing)
}

/// The server and the sender.
pub(super) fn server(
    table: &Table<'_>,
    to: Vec<String>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let host = table.required_text("host");
    let tls = table.parsed("tls", |text| match text {
        "none" => Ok(MailTls::None),
        "starttls" => Ok(MailTls::StartTls),
        "tls" => Ok(MailTls::Tls),
        _ => Err(format!("unknown tls {text:?} (one of: none, starttls, tls)")),
    });
    let tls = tls.map_or(MailTls::StartTls, |t| t.value);
    let port_default = match tls {
        MailTls::None => 25,
        MailTls::StartTls => 587,
        MailTls::Tls => 465,
    };
    let port = table.integer_in("port", 1..65_536).map_or(port_default, |p| p as u16);
    let username = secret(table, "username", Literal::Anything, around, missing);
    let username = username.map(|u| u.value.reveal().clone());
    let password = secret(table, "password", Literal::Never, around, missing).map(|p| p.value);
    let from = table.required_text("from");
    if let Some(address) = &from {
        if let Err(error) = check_mail_address(&address.value) {
            table.mistake(address.span.clone(), error.to_string());
        }
    }
    Some(ReceiverConfig::Mail {
        host: host?.value,
        port,
        tls,
        username,
        password,
        from: from?.value,
        to,
    })
}
