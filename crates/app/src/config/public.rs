//! `public.toml`: what everybody may hear.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use alert::{
    Pattern,
    public::{Allowance, Class, DELAY_S_MAX, Detectors, Field, Policy, Rule, kind, known},
};
use model::{Name, Severity};

use super::{
    folder::Surroundings,
    mistake::{SourceFile, nearest},
    receiver,
    secret::{Literal, Missing, secret},
    table::{Collector, Located, Table, parse},
};
use crate::{
    community::{Channel, ChannelSettings, Settings},
    notify::ReceiverConfig,
    signature::SigningKey,
};

/// Messages at once, or an hour, that a channel can be said to bear: more is no limit.
const RATE_MAX: u64 = 10_000;

/// Characters of a title: what fits into a subject line.
const TITLE_CHARS_MAX: usize = 80;

/// What rules may refer to.
pub(super) struct Known<'a> {
    pub(super) networks: &'a [Name],
    pub(super) labels: &'a [Name],
}

pub(super) fn public(
    file: &SourceFile,
    reached: Option<&str>,
    known: &Known<'_>,
    (around, missing): (&dyn Surroundings, Missing),
    out: &Collector,
) -> Option<Settings> {
    let parsed = parse(file, out);
    let table = Table::root(file, &parsed, out);
    let before = out.count();
    let name = table.required_text("name");
    let url = table.parsed("url", address).map(|url| url.value);
    let listen = table.parsed("listen", |text| {
        text.parse::<std::net::SocketAddr>()
            .map_err(|_| format!("{text:?} is no address with a port (write 0.0.0.0:8081)"))
    });
    if !table.has("signing_key") {
        table.mistake_help(
            table.span(),
            "signing_key is missing: nobody could tell your alerts from anybody else's",
            "write signing_key = { file = \"public.key\" }; `bellwether registry key public.key` makes one",
        );
    }
    let key = key(&table, around, missing);
    let fields = fields(&table);
    let mut rules: Vec<Rule> = Vec::new();
    for entry in table.tables("publish") {
        rules.extend(rule(&entry, known));
        entry.finish();
    }
    if !table.has("publish") {
        table.mistake_help(
            table.span(),
            "there is no [[publish]]: nothing would ever be published",
            "name the detectors whose alerts everybody may hear: [[publish]] with detectors = [\"flow/*\"]",
        );
    }
    let mut channels: Vec<ChannelSettings> = Vec::new();
    for entry in table.tables("channel") {
        if let Some(channel) = channel(&entry, &channels, around, missing) {
            channels.push(channel);
        }
        entry.finish();
    }
    table.finish();
    if out.count() > before {
        return None;
    }
    Some(Settings {
        name: name?.value,
        url: url.or_else(|| reached.map(str::to_owned))?,
        listen: listen.map(|listen| listen.value),
        key,
        policy: Policy { rules, fields },
        channels,
    })
}

/// An address without a slash at its end.
fn address(text: &str) -> Result<String, String> {
    let is_good = text.starts_with("https://") || Literal::LoopbackUrl.allows(text);
    match is_good {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(format!("{text:?} is not an https address, nor one of this machine")),
    }
}

fn key(table: &Table<'_>, around: &dyn Surroundings, missing: Missing) -> Option<Arc<SigningKey>> {
    let text = secret(table, "signing_key", Literal::Never, around, missing)?;
    if text.value.reveal().is_empty() && missing == Missing::IsFine {
        return None;
    }
    match SigningKey::from_pem(text.value.reveal()) {
        Ok(key) => Some(Arc::new(key)),
        Err(error) => {
            table.mistake_help(
                text.span,
                format!("signing_key: {error:#}"),
                "`bellwether registry key FILE` makes one",
            );
            None
        }
    }
}

fn fields(table: &Table<'_>) -> BTreeSet<Field> {
    if !table.has("fields") {
        return Policy::FIELDS_DEFAULT.into();
    }
    let read = |text: Located<String>| match text.value.parse::<Field>() {
        Ok(field) => Some(field),
        Err(error) => {
            table.mistake(text.span, format!("fields: {error}"));
            None
        }
    };
    table.texts("fields").into_iter().filter_map(read).collect()
}

fn rule(table: &Table<'_>, names: &Known<'_>) -> Option<Rule> {
    let detectors = detectors(table);
    let networks = patterns(table, "networks", names.networks);
    let deployments = patterns(table, "deployments", names.labels);
    let monitors = patterns(table, "monitors", &[]);
    let severity = table.word::<Severity>("severity");
    let title = table.text("title");
    if let Some(title) = title.as_ref().filter(|t| t.value.chars().count() > TITLE_CHARS_MAX) {
        let message = format!("title: at most {TITLE_CHARS_MAX} characters fit");
        table.mistake(title.span.clone(), message);
    }
    let delay_s = seconds(table, "delay");
    let hold = table.has("hold").then(|| table.span_of("hold"));
    let hold_s = seconds(table, "hold");
    let takes_weakness = detectors.iter().any(may_be_weakness);
    if let Some(span) = hold.filter(|_| !takes_weakness && !detectors.is_empty()) {
        table.mistake_help(
            span,
            "hold: none of these detectors finds exploitable weaknesses, which alone are held back",
            "write delay to publish later, whatever was found",
        );
    }
    let usual = Rule::of(detectors);
    let is_named = !usual.detectors.is_empty();
    is_named.then_some(Rule {
        networks,
        deployments,
        monitors,
        severity_min: severity.map_or(usual.severity_min, |severity| severity.value),
        title: title.map(|title| title.value),
        delay_s: delay_s.unwrap_or(usual.delay_s),
        hold_s: hold_s.unwrap_or(usual.hold_s),
        detectors: usual.detectors,
    })
}

fn may_be_weakness(detectors: &Detectors) -> bool {
    let is_weakness = |id: &str| kind(id).class == Class::Weakness;
    match detectors {
        Detectors::One(one) => is_weakness(one),
        Detectors::Area(_) => {
            let mut ours = known().filter(|id| detectors.contain(id)).peekable();
            ours.peek().is_none() || ours.any(is_weakness)
        }
    }
}

fn detectors(table: &Table<'_>) -> Vec<Detectors> {
    if !table.has("detectors") {
        table.mistake_help(
            table.span(),
            "detectors is missing: what may be published is named, never everything",
            "write detectors = [\"flow/*\", \"liquidity/unexpected_outflow\"]",
        );
    }
    let mut found = Vec::new();
    for text in table.texts("detectors") {
        let detectors = match text.value.parse::<Detectors>() {
            Ok(detectors) => detectors,
            Err(error) => {
                table.mistake(text.span, format!("detectors: {error}"));
                continue;
            }
        };
        match fault(&detectors) {
            None => found.push(detectors),
            Some((message, help)) => table.mistake_help(text.span, message, help),
        }
    }
    found
}

/// Names that nothing has, and what is never published.
fn fault(detectors: &Detectors) -> Option<(String, String)> {
    let text = detectors.to_string();
    let is_outside = text.starts_with("outside/") || text == "expression";
    let mut ours = known().filter(|id| detectors.contain(id)).peekable();
    if ours.peek().is_none() && !is_outside {
        let help = nearest(&text, known()).map_or_else(
            || "`bellwether check` knows the detectors of docs/; outside/NAME and expression are yours".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return Some((format!("detectors: there is no detector {text:?}"), help));
    }
    let is_never = ours.peek().is_some() && ours.all(|id| kind(id).class == Class::Internal);
    is_never.then(|| {
        (
            format!("detectors: {text} is about the watch itself and is never published"),
            "take it out".to_owned(),
        )
    })
}

fn patterns(table: &Table<'_>, key: &'static str, names: &[Name]) -> Vec<Pattern> {
    let mut found = Vec::new();
    for text in table.texts(key) {
        match text.value.parse::<Pattern>() {
            Ok(pattern) => {
                if !names.is_empty() && !names.iter().any(|name| pattern.matches(name)) {
                    let known: Vec<&str> = names.iter().map(Name::as_str).collect();
                    table.mistake_help(
                        text.span,
                        format!("{key}: nothing is called {:?}", text.value),
                        format!("one of: {}", known.join(", ")),
                    );
                }
                found.push(pattern);
            }
            Err(error) => table.mistake(text.span, format!("{key}: {error}")),
        }
    }
    found
}

fn seconds(table: &Table<'_>, key: &'static str) -> Option<u64> {
    let written = table.duration_ms(key)?;
    let seconds = written.value / 1_000;
    if seconds > DELAY_S_MAX {
        table.mistake(written.span, format!("{key} is at most {}d", DELAY_S_MAX / 86_400));
    }
    Some(seconds)
}

fn channel(
    table: &Table<'_>,
    others: &[ChannelSettings],
    around: &dyn Surroundings,
    missing: Missing,
) -> Option<ChannelSettings> {
    let name = table.name("name");
    match &name {
        None if !table.has("name") => {
            table.mistake(table.span(), "name is missing; the account refers to a channel by it");
        }
        Some(name) if others.iter().any(|other| other.name == name.value) => {
            table.mistake(name.span.clone(), format!("two channels are called {}", name.value));
        }
        _ => {}
    }
    let config = receiver::public_channel(table, around, missing);
    let is_mail = |config: &ReceiverConfig| matches!(config, ReceiverConfig::Mail { .. });
    if config.as_ref().is_some_and(is_mail) && others.iter().any(|other| is_mail(&other.config)) {
        table.mistake(table.span(), "there is a mail list already: people subscribe to one");
    }
    if let Some(config) = &config {
        check(table, config, missing);
    }
    let rate = |key: &'static str| -> Option<u32> {
        table
            .integer_in(key, Range { start: 1, end: RATE_MAX + 1 })
            .and_then(|n| u32::try_from(n).ok())
    };
    let usual = Allowance::default();
    let allowance = Allowance {
        burst: rate("burst").unwrap_or(usual.burst),
        per_hour: rate("per_hour").unwrap_or(usual.per_hour),
    };
    Some(ChannelSettings { name: name?.value, config: config?, allowance })
}

/// What would stop the channel from being set up when the program starts is told now. Addresses that
/// are secret and not there say nothing about the real ones.
fn check(table: &Table<'_>, config: &ReceiverConfig, missing: Missing) {
    let has_secret_address =
        matches!(config, ReceiverConfig::Discord { .. } | ReceiverConfig::Webhook { .. });
    if has_secret_address && missing == Missing::IsFine {
        return;
    }
    match Channel::new(config) {
        // A sender's address was told where it is written.
        Ok(_) | Err(crate::notify::ReceiverError::MailAddress { .. }) => {}
        Err(error) => table.mistake(table.span(), error.to_string()),
    }
}
