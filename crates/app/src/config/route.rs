//! `routes.toml`: who hears what, and how.

use std::collections::BTreeMap;

use alert::{
    Policy, Route,
    plan::{Channel, ChannelKind},
    route::Branch,
};
use model::Name;

use super::{
    folder::Surroundings,
    mistake::{Mistake, SourceFile},
    plan::{self, Branches, Known, Places, Routed},
    secret::{Literal, Missing, secret},
    table::{Collector, Table, parse},
};
use crate::notify::{MailTls, Receiver, ReceiverConfig, ReceiverError, check_mail_address};

/// Messages in a row, or a minute, that a receiver can be said to bear: more is no limit.
const RATE_MAX: u64 = 10_000;

/// Who hears what, with how each receiver is reached.
pub(super) struct Routes {
    pub(super) policy: Policy,
    pub(super) receivers: Vec<(Name, ReceiverConfig)>,
    pub(super) routed: Routed,
}

impl Routes {
    /// Without a `routes.toml`, alerts go to standard output: somebody looking at the terminal
    /// hears them, and `check` says that nobody else does.
    pub(super) fn to_stdout() -> Self {
        let name = Name::new("stdout").expect("a plain slug");
        let route = Route::catch_all(plan::root_name(), vec![name.clone()]);
        let stdout = ReceiverConfig::Stdout { json: false };
        let mut root = Branch::new(plan::root_name());
        root.receivers = Some(vec![name.clone()]);
        Self {
            policy: Policy { routes: vec![route], ..Policy::default() },
            routed: Routed {
                root,
                channels: BTreeMap::from([(name.clone(), Channel::new(stdout.channel_kind()))]),
                inhibitions: Vec::new(),
                outflow_limit_usd: None,
            },
            receivers: vec![(name, stdout)],
        }
    }
}

pub(super) fn routes(
    file: &SourceFile,
    around: &dyn Surroundings,
    missing: Missing,
    (known, places): (&Known, &mut Places),
    out: &Collector,
) -> Routes {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let mut policy = Policy::default();
    if let Some(window) = table.duration_ms("group_window") {
        policy.group_window_s = window.value / 1_000;
        if policy.group_window_s > alert::GROUP_WINDOW_S_MAX {
            table.mistake(
                window.span,
                "group_window is at most 1d: beyond it \"the same episode\" means nothing",
            );
        }
    }
    if let Some(interval) = table.duration_ms("update_interval") {
        policy.update_interval_s = interval.value / 1_000;
    }
    let mut receivers: Vec<(Name, ReceiverConfig)> = Vec::new();
    let mut declared: Vec<Name> = Vec::new();
    let mut channels = BTreeMap::new();
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
        let bears = bears(&entry, known);
        let place = entry.span();
        entry.finish();
        if let (Some(name), Some(config)) = (name, config) {
            places.set("receiver", &name.value, file, place);
            channels.insert(name.value.clone(), bears(config.channel_kind()));
            receivers.push((name.value, config));
        }
    }
    let Branches { root, routes } = plan::branches(file, &table, known, places);
    policy.routes = routes;
    let inhibitions = plan::inhibitions(&table);
    let outflow_limit_usd = table.integer("outflow_limit_usd").map(|limit| limit.value);
    if policy.routes.is_empty() && root.receivers.is_none() {
        out.add(
            Mistake::in_file(&file.path, "there is no [[route]]: nobody would hear of anything")
                .with_help("[[route]]\n     severity = \"info\"\n     receivers = [\"team-mail\"]"),
        );
    }
    table.finish();
    let routed = Routed { root, channels, inhibitions, outflow_limit_usd };
    Routes { policy, receivers, routed }
}

/// Who reads a receiver's messages, and how many of them it bears: what every kind may say.
fn bears(table: &Table<'_>, known: &Known) -> impl Fn(ChannelKind) -> Channel + use<> {
    let readers = table.names("readers");
    readers.iter().for_each(|reader| known.person(table, reader, "readers"));
    let readers: Vec<Name> = readers.into_iter().map(|reader| reader.value).collect();
    let tells_closed = table.boolean("tells_closed");
    let rate = |key| table.integer_in(key, 1..RATE_MAX + 1).and_then(|n| u32::try_from(n).ok());
    let (burst, per_minute) = (rate("burst"), rate("per_minute"));
    move |kind| {
        let usual = Channel::new(kind);
        Channel {
            readers: readers.clone(),
            tells_closed: tells_closed.unwrap_or(usual.tells_closed),
            burst: burst.unwrap_or(usual.burst),
            per_minute: per_minute.unwrap_or(usual.per_minute),
            ..usual
        }
    }
}

fn receiver(
    table: &Table<'_>,
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ReceiverConfig> {
    let kind = table.required_text("kind")?;
    match kind.value.as_str() {
        "mail" => mail(table, around, missing),
        "slack" => {
            let url = required_secret(table, "url", around, missing)?;
            Some(ReceiverConfig::Slack { url })
        }
        "webhook" => {
            let url = required_secret(table, "url", around, missing);
            let secret = required_secret(table, "secret", around, missing);
            Some(ReceiverConfig::Webhook { url: url?, secret: secret? })
        }
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

fn mail(table: &Table<'_>, around: &dyn Surroundings, missing: Missing) -> Option<ReceiverConfig> {
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
    let to = table.texts("to");
    if to.is_empty() {
        table.mistake(table.span(), "to is empty: the mail would reach nobody");
    }
    for address in from.iter().chain(&to) {
        if let Err(error) = check_mail_address(&address.value) {
            table.mistake(address.span.clone(), error.to_string());
        }
    }
    let to: Vec<String> = to.into_iter().map(|t| t.value).collect();
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
