//! Its notification channels, as receivers of ours. Whatever in them is secret becomes the name of an
//! environment variable.

use model::Name;
use serde_json::Value;

use crate::import::monitors::{
    draft::{Draft, Receiver, variable},
    value::{has, text},
};

/// The receiver of a channel.
pub(super) fn take(key: &str, channel: &Value, draft: &mut Draft) -> Option<Name> {
    let name = text(channel, "name").unwrap_or(key);
    let what = format!("notification {key} ({name})");
    let nothing = Value::Null;
    let config = channel.get("config").unwrap_or(&nothing);
    if channel.get("paused").and_then(Value::as_bool) == Some(true) {
        draft.report.pass_over(what, "it is paused there");
        return None;
    }
    let url = |draft: &mut Draft| {
        let wanted = variable(&[key, "url"]);
        draft.report.ask(format!("set {wanted} to the url of {what}"));
        wanted
    };
    let receiver = match text(channel, "type").unwrap_or_default() {
        "slack" => Receiver::Slack { url: url(draft) },
        "discord" => {
            let url = url(draft);
            draft.report.ask(format!(
                "put /slack behind the Discord address in {url}: it then takes messages in Slack's form, which is what is sent"
            ));
            Receiver::Slack { url }
        }
        "webhook" => {
            let (url, secret) = (url(draft), variable(&[key, "secret"]));
            draft.report.ask(if has(config, "secret") {
                format!("set {secret} to the secret of {what}")
            } else {
                format!("set {secret} to 16 random characters or more: every webhook is signed here")
            });
            draft.report.differ(
                &what,
                "the receiving side gets our JSON (docs/api.md) with X-Bellwether-Signature instead of Defender's events",
            );
            Receiver::Webhook { url, secret }
        }
        other => {
            let why = match other {
                "email" => "Defender sent its mails itself; say your own server in a receiver of kind mail",
                "telegram" => "no receiver here speaks to Telegram; a webhook to a bot of your own can",
                "opsgenie" | "pager-duty" => "no receiver here speaks to it; its own webhook intake can be told by a relay",
                "datadog" => "matches are not counted there; every count is at /metrics for Datadog's OpenMetrics check",
                _ => "its type is unknown",
            };
            draft.report.leave(what, why);
            return None;
        }
    };
    let ours = draft.receiver(key, receiver);
    draft.report.take(what, format!("receiver {ours} in routes.toml"));
    Some(ours)
}
