//! `answers.toml`: from where answers are taken.

use model::Secret;

use super::{
    folder::Surroundings,
    mistake::SourceFile,
    secret::{Literal, Missing, secret},
    table::{Collector, Table, parse},
};
use crate::answers::{
    Wiring,
    discord::Discord,
    opsgenie::Opsgenie,
    pagerduty::PagerDuty,
    slack::{RESPOND_TO, Slack},
    telegram::{API, Telegram},
};

/// Shortest secret of our own choice, in bytes: one that cannot be guessed.
const SECRET_LEN_MIN: usize = 16;

/// Shortest key that signs links, in bytes: as long as what it makes.
const KEY_LEN_MIN: usize = 32;

pub(super) fn wiring(
    file: &SourceFile,
    around: &dyn Surroundings,
    missing: Missing,
    out: &Collector,
) -> Wiring {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut wiring =
        Wiring { key: own(&table, "key", KEY_LEN_MIN, around, missing), ..Wiring::default() };
    wiring.slack = table.table("slack").and_then(|slack| {
        let signing_secret = needed(&slack, "signing_secret", around, missing);
        let respond_to = slack.parsed("respond_to", address);
        slack.finish();
        let respond_to = respond_to.map_or_else(|| RESPOND_TO.to_owned(), |url| url.value + "/");
        Some(Slack { signing_secret: signing_secret?, respond_to })
    });
    wiring.discord = table.table("discord").and_then(|discord| {
        let key = discord.parsed("public_key", |text| {
            let mut key = [0; 32];
            let decoded = hex::decode_to_slice(text, &mut key);
            decoded.map(|()| key).map_err(|_| {
                format!(
                    "{text:?} is no public key (64 hexadecimal digits, from the application's page)"
                )
            })
        });
        if !discord.has("public_key") {
            discord.mistake(discord.span(), "public_key is missing");
        }
        discord.finish();
        Some(Discord { public_key: key?.value })
    });
    wiring.telegram = table.table("telegram").and_then(|telegram| {
        let bot_token = needed(&telegram, "bot_token", around, missing);
        let api = telegram.parsed("api", address);
        let secret_token = own(&telegram, "secret_token", SECRET_LEN_MIN, around, missing);
        telegram.finish();
        let api = api.map_or_else(|| API.to_owned(), |url| url.value);
        Some(Telegram { bot_token: bot_token?, api, secret_token })
    });
    wiring.pagerduty = table.table("pagerduty").and_then(|pagerduty| {
        let secret = needed(&pagerduty, "signing_secret", around, missing);
        for entry in pagerduty.tables("account") {
            let (id, person) = (entry.required_text("id"), entry.name("person"));
            if !entry.has("person") {
                entry.mistake(entry.span(), "person is missing: whose account it is");
            }
            entry.finish();
            if let (Some(id), Some(person)) = (id, person) {
                wiring.pagerduty_people.push((id.value, person.value));
            }
        }
        pagerduty.finish();
        Some(PagerDuty { secret: secret? })
    });
    wiring.opsgenie = table.table("opsgenie").and_then(|opsgenie| {
        let token = own(&opsgenie, "token", SECRET_LEN_MIN, around, missing);
        if !opsgenie.has("token") {
            opsgenie.mistake(opsgenie.span(), "token is missing: what its requests show");
        }
        opsgenie.finish();
        Some(Opsgenie { token: token? })
    });
    table.finish();
    wiring
}

/// An address without a slash at its end.
fn address(text: &str) -> Result<String, String> {
    let is_good = text.starts_with("https://") || text.starts_with("http://127.0.0.1");
    let is_good =
        is_good || text.starts_with("http://localhost") || text.starts_with("http://[::1]");
    if is_good {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(format!("{text:?} is not an https address, nor one of this machine"))
    }
}

/// A secret that another system gave us.
fn needed(
    table: &Table<'_>,
    key: &'static str,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<Secret<String>> {
    if !table.has(key) {
        table.mistake(table.span(), format!("{key} is missing"));
    }
    secret(table, key, Literal::Never, around, missing).map(|found| found.value)
}

/// A secret of our own choice.
fn own(
    table: &Table<'_>,
    key: &'static str,
    least: usize,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<Secret<String>> {
    let found = secret(table, key, Literal::Never, around, missing)?;
    let len = found.value.reveal().len();
    if len < least && (len > 0 || missing == Missing::IsMistake) {
        let short = format!("{key} is shorter than {least} bytes");
        table.mistake_help(found.span, short, "`openssl rand -hex 32` makes a good one");
    }
    Some(found.value)
}
