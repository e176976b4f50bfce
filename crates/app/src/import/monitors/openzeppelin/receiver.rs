//! Its triggers, as receivers of ours.

use model::Name;
use serde_json::Value;

use super::{
    files::{SecretValue, Trigger},
    template as template_of,
};
use crate::import::monitors::{
    draft::{Draft, Receiver, variable},
    message::Template,
};

/// The receiver of a trigger. Which kind it is follows from the type that is written, and the type
/// must have the shape it needs: there, the shape alone decides.
pub(super) fn take(key: &str, trigger: &Trigger, draft: &mut Draft) -> Option<Name> {
    let what = format!("trigger {key} ({})", trigger.name);
    let config = &trigger.config;
    let shape = shape(config);
    let kind = match (trigger.trigger_type.as_str(), shape) {
        (written, Some(shape)) if written != shape => {
            let why = format!(
                "it says {written:?} and has the keys of {shape:?}, which is what it is there; it is taken as {shape}"
            );
            draft.report.differ(&what, why);
            shape
        }
        (written, _) => written,
    };
    if config.get("retry_policy").is_some_and(|policy| !policy.is_null()) {
        draft.report.differ(
            &what,
            "its retry_policy is ours: what is not delivered stays in the outbox and is tried again until it is",
        );
    }
    let receiver = match kind {
        "slack" => Receiver::Slack { url: of_config(config, "slack_url", key, &what, draft)? },
        "discord" => {
            let url = of_config(config, "discord_url", key, &what, draft)?;
            draft.report.ask(format!(
                "put /slack behind the Discord address in {url}: it then takes messages in Slack's form, which is what is sent"
            ));
            Receiver::Slack { url }
        }
        "webhook" => webhook(config, key, &what, draft)?,
        "email" => mail(config, key, &what, draft)?,
        "telegram" => {
            let why = "no receiver here speaks to Telegram; a webhook to a bot of your own can";
            draft.report.leave(what, why);
            return None;
        }
        "script" => {
            let path = config.get("script_path").and_then(Value::as_str).unwrap_or("a script");
            let why = format!(
                "{path} is not run: scripts there have the monitor's own rights; a webhook receiver can start it somewhere safer"
            );
            draft.report.leave(what, why);
            return None;
        }
        other => {
            let why = format!(
                "unknown trigger_type {other:?} (one of: slack, email, webhook, telegram, discord, script)"
            );
            draft.report.leave(what, why);
            return None;
        }
    };
    let name = draft.receiver(key, receiver);
    draft.report.take(what, format!("receiver {name} in routes.toml"));
    Some(name)
}

/// The kind whose keys the configuration has.
fn shape(config: &Value) -> Option<&'static str> {
    const SHAPES: [(&str, &str); 6] = [
        ("slack_url", "slack"),
        ("discord_url", "discord"),
        ("token", "telegram"),
        ("host", "email"),
        ("url", "webhook"),
        ("script_path", "script"),
    ];
    SHAPES.iter().find(|(key, _)| config.get(key).is_some()).map(|(_, kind)| *kind)
}

/// The message of a trigger.
pub(super) fn template(config: &Value) -> Option<Template> {
    let message = config.get("message")?;
    let part = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
    template_of(part("title"), part("body"))
}

/// The environment variable that holds what a secret holds. What stands in their file is never
/// written into ours, nor told.
pub(super) fn secret(secret: &SecretValue, what: &str, wanted: &str, draft: &mut Draft) -> String {
    match secret.kind.to_ascii_lowercase().as_str() {
        "environment" => secret.value.clone(),
        "plain" => {
            draft.report.ask(format!("set {wanted} to what stands in {what}"));
            wanted.to_owned()
        }
        "hashicorpcloudvault" => {
            draft.report.ask(format!(
                "set {wanted} to the secret {:?} of HashiCorp Vault, which is not asked here",
                secret.value
            ));
            wanted.to_owned()
        }
        _ => {
            draft.report.ask(format!("set {wanted}: the type of the secret in {what} is unknown"));
            wanted.to_owned()
        }
    }
}

fn of_config(
    config: &Value,
    field: &str,
    key: &str,
    what: &str,
    draft: &mut Draft,
) -> Option<String> {
    let value = config.get(field).cloned().unwrap_or(Value::Null);
    match serde_json::from_value::<SecretValue>(value) {
        Ok(found) => {
            let wanted = variable(&[key, field.rsplit('_').next().unwrap_or(field)]);
            Some(secret(&found, &format!("{field} of {what}"), &wanted, draft))
        }
        Err(_) => {
            let why = format!("its {field} is not of the form {{\"type\": …, \"value\": …}}");
            draft.report.leave(what, why);
            None
        }
    }
}

fn webhook(config: &Value, key: &str, what: &str, draft: &mut Draft) -> Option<Receiver> {
    let url = of_config(config, "url", key, what, draft)?;
    let secret = if config.get("secret").is_some_and(|secret| !secret.is_null()) {
        of_config(config, "secret", key, what, draft)?
    } else {
        let wanted = variable(&[key, "secret"]);
        draft.report.ask(format!(
            "set {wanted} to 16 random characters or more: {what} is not signed there, and every webhook is here"
        ));
        wanted
    };
    draft.report.differ(
        what,
        "the receiving side gets our JSON (docs/api.md) with X-Bellwether-Signature instead of title and body with X-Signature",
    );
    let has = |key: &str| config.get(key).is_some_and(|value| !value.is_null());
    let is_post = config.get("method").and_then(Value::as_str).is_none_or(|m| m == "POST");
    if !is_post {
        draft.report.differ(what, "it is sent by POST");
    }
    if has("headers") {
        draft.report.leave(
            format!("{what}, headers"),
            "own headers are not sent; our signature tells the receiving side who speaks",
        );
    }
    Some(Receiver::Webhook { url, secret })
}

fn mail(config: &Value, key: &str, what: &str, draft: &mut Draft) -> Option<Receiver> {
    let text = |key: &str| config.get(key).and_then(Value::as_str).map(str::to_owned);
    let recipients = config.get("recipients").and_then(Value::as_array);
    let to: Vec<String> =
        recipients.into_iter().flatten().filter_map(|to| to.as_str().map(str::to_owned)).collect();
    let (Some(host), Some(from)) = (text("host"), text("sender")) else {
        draft.report.leave(what, "it has no host or no sender");
        return None;
    };
    let bad = to.iter().chain([&from]).find(|a| crate::notify::check_mail_address(a).is_err());
    if let Some(bad) = bad {
        draft.report.leave(what, format!("{bad:?} is no mail address"));
        return None;
    }
    if to.is_empty() {
        draft.report.leave(what, "it has no recipients");
        return None;
    }
    let port = config.get("port").and_then(Value::as_u64).unwrap_or(465);
    let Some(port) = u16::try_from(port).ok().filter(|port| *port > 0) else {
        draft.report.leave(what, format!("{port} is no port"));
        return None;
    };
    let username = of_config(config, "username", key, what, draft)?;
    let password = of_config(config, "password", key, what, draft)?;
    let (username, password) = (Some(username), Some(password));
    Some(Receiver::Mail { host, port, username, password, from, to })
}
