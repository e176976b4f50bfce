//! `[pulse]` of `bellwether.toml`: who notices when this program dies.

use std::{ops::RangeInclusive, sync::Arc};

use super::{
    folder::Surroundings,
    secret::{Literal, Missing, secret},
    table::{Table, parse_duration_ms},
};
use crate::{
    canary,
    pulse::{PeerSettings, PingSettings, Settings, TwinSettings},
    signature::SigningKey,
};

/// Time between two pings: a switch that needs more than one a second is none, and one that is
/// content with less than one a day is too late.
const EVERY_MS: RangeInclusive<u64> = 1_000..=86_400_000;

/// Time between two canaries: more than one a second would be the load they are to notice, and less
/// than one a day no watch.
const CANARY_EVERY_MS: RangeInclusive<u64> = 1_000..=86_400_000;

/// How long a canary may take: every stage comes round within a second, and who hears of an attack
/// after ten minutes does not need to know by how much.
const CANARY_WITHIN_MS: RangeInclusive<u64> = 2_000..=600_000;

/// Silence of another installation: it is asked at least twice in that time.
const STALE_AFTER_MS: RangeInclusive<u64> = 2_000..=86_400_000;

/// How long a message may be held back for another installation: less than a page waits for its
/// receipt ([`alert::plan::FAILOVER_S`]).
const HOLD_MS: RangeInclusive<u64> = 1_000..=25_000;

pub(super) fn pulse(main: &Table<'_>, around: &dyn Surroundings, missing: Missing) -> Settings {
    let mut settings = Settings::default();
    let Some(table) = main.table("pulse") else { return settings };
    settings.ping = ping(&table, around, missing);
    settings.canary = canary(&table);
    if let Some(key) = secret(&table, "heartbeat_key", Literal::Never, around, missing)
        && !key.value.reveal().is_empty()
    {
        match SigningKey::from_pem(key.value.reveal()) {
            Ok(key) => settings.key = Some(Arc::new(key)),
            Err(error) => table.mistake_help(
                key.span,
                format!("heartbeat_key: {error:#}"),
                "`bellwether registry key FILE` makes one",
            ),
        }
    }
    for entry in table.tables("peer") {
        if let Some(peer) = peer(&entry) {
            let is_known = settings.peers.iter().any(|known| known.name == peer.name);
            if is_known {
                entry.mistake(entry.span(), format!("two peers are called {}", peer.name));
            }
            if peer.twin.is_some() && settings.key.is_none() && !table.has("heartbeat_key") {
                entry.mistake(
                    entry.span(),
                    "same_people takes a heartbeat_key in [pulse]: what is told is signed with it",
                );
            }
            settings.peers.push(peer);
        }
        entry.finish();
    }
    table.finish();
    settings
}

/// How often a canary tries the path; `never` is one of the answers.
fn canary(table: &Table<'_>) -> canary::Settings {
    let usual = canary::Settings::default();
    let parse = |text: &str| match text {
        "never" => Ok(None),
        _ => parse_duration_ms(text).map(Some).map_err(|error| format!("{error}, or never")),
    };
    let every = table.parsed("canary_every", parse);
    if let Some(every) = &every
        && every.value.is_some_and(|ms| !CANARY_EVERY_MS.contains(&ms))
    {
        table.mistake(every.span.clone(), "canary_every is between 1s and 1d, or never");
    }
    let within = table.duration_ms("canary_within");
    if let Some(within) = within.as_ref().filter(|time| !CANARY_WITHIN_MS.contains(&time.value)) {
        table.mistake(within.span.clone(), "canary_within is between 2s and 10m");
    }
    canary::Settings {
        every_ms: every.map_or(usual.every_ms, |every| every.value),
        within_ms: within.map_or(usual.within_ms, |within| within.value),
    }
}

fn ping(table: &Table<'_>, around: &dyn Surroundings, missing: Missing) -> Option<PingSettings> {
    let url = secret(table, "ping", Literal::LoopbackUrl, around, missing);
    let fail_url = secret(table, "ping_failing", Literal::LoopbackUrl, around, missing);
    let every = table.duration_ms("ping_every");
    if let Some(every) = every.as_ref().filter(|every| !EVERY_MS.contains(&every.value)) {
        table.mistake(every.span.clone(), "ping_every is between 1s and 1d");
    }
    for url in url.iter().chain(&fail_url) {
        let text = url.value.reveal();
        let is_good =
            text.is_empty() || text.starts_with("https://") || text.starts_with("http://");
        if !is_good {
            table.mistake(url.span.clone(), "the switch's address begins with https:// or http://");
        }
    }
    if !table.has("ping") && (table.has("ping_failing") || table.has("ping_every")) {
        table.mistake(table.span(), "ping is missing: there is no switch that could be pinged");
    }
    let every_ms = every.map_or(PingSettings::EVERY_MS_DEFAULT, |every| every.value);
    Some(PingSettings { url: url?.value, fail_url: fail_url.map(|url| url.value), every_ms })
}

fn peer(table: &Table<'_>) -> Option<PeerSettings> {
    let name = table.name("name");
    if !table.has("name") {
        table.mistake(table.span(), "name is missing; people hear of a peer by it");
    }
    let url = table.required_text("url");
    if let Some(url) = &url
        && !(url.value.starts_with("https://") || url.value.starts_with("http://"))
    {
        table.mistake(url.span.clone(), format!("url: {:?} is not an http(s) address", url.value));
    }
    let key = table.required_text("key");
    if let Some(key) = &key
        && !hex::decode(&key.value).is_ok_and(|bytes| bytes.len() == 32)
    {
        table.mistake_help(
            key.span.clone(),
            "key: an Ed25519 public key is 64 hexadecimal digits",
            "`bellwether registry key FILE` prints it when it makes the peer's heartbeat_key",
        );
    }
    let stale_after = table.duration_ms("stale_after");
    if let Some(stale) = stale_after.as_ref().filter(|time| !STALE_AFTER_MS.contains(&time.value)) {
        table.mistake(stale.span.clone(), "stale_after is between 2s and 1d");
    }
    let twin = twin(table);
    Some(PeerSettings {
        twin,
        name: name?.value,
        url: url?.value.trim_end_matches('/').to_owned(),
        key: key?.value,
        stale_after_ms: stale_after
            .map_or(PeerSettings::STALE_AFTER_MS_DEFAULT, |stale| stale.value),
    })
}

/// How both agree who tells people, when the peer tells the same.
fn twin(table: &Table<'_>) -> Option<TwinSettings> {
    let is_twin = table.boolean("same_people").unwrap_or(false);
    let speaks_first = table.boolean("speaks_first");
    let hold = table.duration_ms("hold");
    if let Some(hold) = hold.as_ref().filter(|hold| !HOLD_MS.contains(&hold.value)) {
        table.mistake(
            hold.span.clone(),
            "hold is between 1s and 25s: a page that is not delivered within 30 s counts as failed",
        );
    }
    if !is_twin && (speaks_first.is_some() || hold.is_some()) {
        table.mistake(table.span(), "speaks_first and hold mean something with same_people = true");
    }
    let hold_ms = hold.map_or(TwinSettings::HOLD_MS_DEFAULT, |hold| hold.value);
    is_twin.then_some(TwinSettings { speaks_first, hold_ms })
}
