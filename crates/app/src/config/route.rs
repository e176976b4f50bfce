//! `routes.toml`: who hears what, and how.

use std::str::FromStr;

use alert::{Pattern, Policy, Route};
use model::{Name, Severity};

use super::{
    folder::Surroundings,
    mistake::{Mistake, SourceFile, nearest},
    secret::{Literal, Missing, secret},
    table::{Collector, Table, parse},
};
use crate::notify::{MailTls, Receiver, ReceiverConfig, ReceiverError, check_mail_address};

/// Who hears what, with how each receiver is reached.
pub(super) struct Routes {
    pub(super) policy: Policy,
    pub(super) receivers: Vec<(Name, ReceiverConfig)>,
}

impl Routes {
    /// Without a `routes.toml`, alerts go to standard output: somebody looking at the terminal
    /// hears them, and `check` says that nobody else does.
    pub(super) fn to_stdout() -> Self {
        let name = Name::new("stdout").expect("a plain slug");
        let route = Route::catch_all(Name::new("all").expect("a plain slug"), vec![name.clone()]);
        Self {
            policy: Policy { routes: vec![route], ..Policy::default() },
            receivers: vec![(name, ReceiverConfig::Stdout { json: false })],
        }
    }
}

pub(super) fn routes(
    file: &SourceFile,
    around: &dyn Surroundings,
    missing: Missing,
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
        entry.finish();
        if let (Some(name), Some(config)) = (name, config) {
            receivers.push((name.value, config));
        }
    }
    for (at, entry) in table.tables("route").into_iter().enumerate() {
        let route = route(&entry, at, &declared);
        entry.finish();
        policy.routes.extend(route);
    }
    if policy.routes.is_empty() {
        out.add(
            Mistake::in_file(&file.path, "there is no [[route]]: nobody would hear of anything")
                .with_help("[[route]]\n     severity = \"info\"\n     receivers = [\"team-mail\"]"),
        );
    }
    table.finish();
    Routes { policy, receivers }
}

fn route(table: &Table<'_>, at: usize, declared: &[Name]) -> Option<Route> {
    let name = table.name("name").map(|n| n.value);
    let name = name.or_else(|| Name::new(&format!("route-{}", at + 1)).ok())?;
    let severity_min = table.word::<Severity>("severity").map_or(Severity::Info, |s| s.value);
    let receivers = table.names("receivers");
    for receiver in &receivers {
        if declared.contains(&receiver.value) {
            continue;
        }
        let help = match nearest(receiver.value.as_str(), declared.iter().map(Name::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!(
                "declared: {}",
                declared.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
            ),
        };
        table.mistake_help(
            receiver.span.clone(),
            format!("undefined receiver {:?} used in route {name}", receiver.value),
            help,
        );
    }
    if receivers.is_empty() {
        table.mistake(table.span(), format!("route {name} has no receivers: nobody would hear"));
    }
    let confirmed_from = match table.text("confirmed_from") {
        None => Route::CONFIRMED_FROM_DEFAULT,
        Some(word) if word.value == "never" => None,
        Some(word) => match Severity::from_str(&word.value) {
            Ok(severity) => Some(severity),
            Err(error) => {
                table.mistake(word.span, format!("confirmed_from: {error}, or never"));
                None
            }
        },
    };
    Some(Route {
        severity_min,
        networks: patterns(table, "networks"),
        monitors: patterns(table, "monitors"),
        deployments: patterns(table, "deployments"),
        receivers: receivers.into_iter().map(|r| r.value).collect(),
        continue_matching: table.boolean("continue").unwrap_or(false),
        confirmed_from,
        name,
    })
}

fn patterns(table: &Table<'_>, key: &'static str) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for text in table.texts(key) {
        match Pattern::from_str(&text.value) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => table.mistake(text.span, format!("{key}: {error}")),
        }
    }
    patterns
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
