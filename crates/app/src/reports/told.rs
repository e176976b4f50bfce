//! What the two requests say: an Alertmanager's API (v2), and its webhook (version 4).

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::UnixMillis;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::words;

/// Bytes of one request: a thousand alerts of 2 kB.
pub const BODY_BYTES_MAX: usize = 2 * 1_024 * 1_024;

/// Alerts of one request. A Prometheus sends at most 256 at once.
pub const ALERTS_MAX: usize = 1_000;

/// Labels of one alert; our own come on top, up to [`alert::LABELS_MAX`].
const LABELS_KEPT: usize = 48;

/// Annotations of one alert.
const ANNOTATIONS_KEPT: usize = 32;

/// Longest name, value of a label and value of an annotation that are kept, in characters.
const NAME_CHARS: usize = 128;
const LABEL_CHARS: usize = 400;
const ANNOTATION_CHARS: usize = 2_000;

/// Longest sentence that says what is wrong, in characters.
const TITLE_CHARS: usize = 300;

/// A source's clock that is further ahead of ours than this is wrong: five minutes.
const AHEAD_MS: i64 = 5 * 60 * 1_000;

/// What says in one sentence what is wrong, the best first.
const SENTENCES: [&str; 4] = ["summary", "title", "message", "description"];

/// For how long something that is said stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It is said again and again for as long as it goes on.
    UntilNobodySaysIt,
    /// Its end is said, too.
    UntilItIsOver,
}

/// One alert as another system tells it, bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Stands for its labels, all of them.
    pub fingerprint: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// When it began, as far as it is said.
    pub began: Option<UnixMillis>,
    /// When it is or was over, as far as it is said.
    pub ends: Option<UnixMillis>,
    /// Whether it is said to be over, whatever the time.
    pub is_over: bool,
    /// For how long it stands otherwise.
    pub stands: Stands,
    /// Where its source shows more.
    pub shown_at: Option<String>,
}

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToldFault {
    /// It is not what it should be.
    #[error("not the expected JSON: {0}")]
    Form(String),
    /// Another version of the webhook.
    #[error("webhook version {0:?} is not known; this program reads version \"4\"")]
    Version(String),
    /// More than one request may hold.
    #[error("{0} alerts in one request; at most {ALERTS_MAX} are read")]
    TooMany(usize),
    /// Alerts without labels have no identity.
    #[error("alert {0} of the request has no labels")]
    NoLabels(usize),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    starts_at: Option<String>,
    #[serde(default)]
    ends_at: Option<String>,
    #[serde(default, rename = "generatorURL")]
    generator_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    #[serde(default)]
    version: String,
    alerts: Vec<Posted>,
    #[serde(default)]
    truncated_alerts: u64,
}

/// Reads what is posted to `/api/v2/alerts`.
///
/// # Errors
/// [`ToldFault`].
pub fn posted(body: &[u8]) -> Result<Vec<Told>, ToldFault> {
    let alerts: Vec<Posted> = serde_json::from_slice(body).map_err(form)?;
    all(alerts, Stands::UntilNobodySaysIt)
}

/// Reads what an Alertmanager's webhook sends, and how many alerts it left out.
///
/// # Errors
/// [`ToldFault`].
pub fn webhook(body: &[u8]) -> Result<(Vec<Told>, u64), ToldFault> {
    let webhook: Webhook = serde_json::from_slice(body).map_err(form)?;
    if webhook.version != "4" {
        return Err(ToldFault::Version(words::clean(&webhook.version)));
    }
    Ok((all(webhook.alerts, Stands::UntilItIsOver)?, webhook.truncated_alerts))
}

fn form(error: serde_json::Error) -> ToldFault {
    ToldFault::Form(words::clean(&error.to_string()))
}

/// All of them or none: whoever sends an alert that cannot be told apart is told so.
fn all(alerts: Vec<Posted>, stands: Stands) -> Result<Vec<Told>, ToldFault> {
    if alerts.len() > ALERTS_MAX {
        return Err(ToldFault::TooMany(alerts.len()));
    }
    let told = |(at, posted): (usize, Posted)| {
        let is_said = |(_, value): &(&String, &String)| !value.is_empty();
        if !posted.labels.iter().any(|label| is_said(&label)) {
            return Err(ToldFault::NoLabels(at));
        }
        Ok(Told::of(posted, stands))
    };
    alerts.into_iter().enumerate().map(told).collect()
}

impl Told {
    fn of(posted: Posted, stands: Stands) -> Self {
        let fingerprint = fingerprint(&posted.labels);
        let (labels, left_out) = bounded(posted.labels, LABELS_KEPT, LABEL_CHARS);
        let (mut annotations, more) =
            bounded(posted.annotations, ANNOTATIONS_KEPT, ANNOTATION_CHARS);
        if left_out + more > 0 {
            let told = format!("{left_out} labels and {more} annotations");
            annotations.insert("left out here".to_owned(), told);
        }
        Self {
            fingerprint,
            labels,
            annotations,
            began: posted.starts_at.as_deref().and_then(moment),
            ends: posted.ends_at.as_deref().and_then(moment),
            is_over: posted.status.as_deref() == Some("resolved"),
            stands,
            shown_at: posted
                .generator_url
                .filter(|url| !url.is_empty())
                .map(|url| cut(&url, ANNOTATION_CHARS)),
        }
    }

    /// Whether it is over at `now`.
    pub fn is_over_at(&self, now: UnixMillis) -> bool {
        self.is_over || self.ends.is_some_and(|ends| ends <= now)
    }

    /// When it began: not later than `now`, but for a clock that is a little ahead.
    pub fn began_by(&self, now: UnixMillis) -> UnixMillis {
        self.began.filter(|began| began.millis_since(now) <= AHEAD_MS).unwrap_or(now)
    }

    /// Which rule says it.
    pub fn rule(&self) -> String {
        self.labels.get("alertname").cloned().unwrap_or_else(|| "unnamed".to_owned())
    }

    /// What is wrong, in one sentence.
    pub fn title(&self) -> String {
        let said = SENTENCES.iter().filter_map(|name| self.annotations.get(*name));
        let sentence = said.map(|text| words::clean(text)).find(|text| !text.is_empty());
        cut(&sentence.unwrap_or_else(|| self.rule()), TITLE_CHARS)
    }
}

/// What stands for a set of labels, whatever was cut of them.
fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    // As in Alertmanager, a label without a value is none.
    for part in labels.iter().filter(|(_, value)| !value.is_empty()).flat_map(|(n, v)| [n, v]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..16])
}

/// The first `kept` of them, each cut, and how many were left out.
fn bounded(
    pairs: BTreeMap<String, String>,
    kept: usize,
    chars: usize,
) -> (BTreeMap<String, String>, usize) {
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let mut pairs: Vec<(String, String)> = pairs.collect();
    // What says how bad it is and what it is stays, whatever comes before it in the alphabet.
    let matters =
        |name: &str| matches!(name, "alertname" | "severity") || SENTENCES.contains(&name);
    pairs.sort_by_key(|(name, _)| !matters(name));
    let left_out = pairs.len().saturating_sub(kept);
    pairs.truncate(kept);
    let short = |(name, value): (String, String)| (cut(&name, NAME_CHARS), cut(&value, chars));
    (pairs.into_iter().map(short).collect(), left_out)
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A moment; the year 1, which stands for "not known", is none.
fn moment(text: &str) -> Option<UnixMillis> {
    let at: Timestamp = text.parse().ok()?;
    Some(UnixMillis(at.as_millisecond())).filter(|at| at.0 > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_alertmanagers_own_words_are_read() {
        let body = br#"{"version":"4","groupKey":"{}:{}","truncatedAlerts":2,"status":"firing",
            "receiver":"bellwether","groupLabels":{},"commonLabels":{},"commonAnnotations":{},
            "externalURL":"http://am:9093","alerts":[
            {"status":"firing","labels":{"alertname":"Down","job":"node"},
             "annotations":{"summary":"node is\ndown"},"startsAt":"2026-11-22T05:00:00.123Z",
             "endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/graph","fingerprint":"ab"},
            {"status":"resolved","labels":{"alertname":"Down","job":"db"},"annotations":{},
             "startsAt":"2026-11-22T05:00:00Z","endsAt":"2026-11-22T05:01:00Z",
             "generatorURL":"","fingerprint":"cd"}]}"#;
        let (told, left_out) = webhook(body).unwrap();
        assert_eq!((told.len(), left_out), (2, 2));
        assert_eq!((told[0].title().as_str(), told[0].rule().as_str()), ("node is down", "Down"));
        assert_eq!((told[0].ends, told[0].is_over), (None, false));
        assert_eq!(told[0].began.unwrap().0 % 1_000, 123);
        assert!(told[1].is_over && told[1].shown_at.is_none());
        assert_ne!(told[0].fingerprint, told[1].fingerprint);
    }

    #[test]
    fn what_cannot_be_told_apart_or_is_of_another_version_is_refused_with_the_reason() {
        let none = posted(br#"[{"labels":{"a":"b"}},{"labels":{"a":""}}]"#).unwrap_err();
        assert_eq!(none.to_string(), "alert 1 of the request has no labels");
        let version = webhook(br#"{"version":"5","alerts":[]}"#).unwrap_err();
        assert!(version.to_string().contains("version \"5\""), "{version}");
        let many = serde_json::to_vec(&vec![serde_json::json!({"labels": {"a": "b"}}); 1_001]);
        assert_eq!(posted(&many.unwrap()), Err(ToldFault::TooMany(1_001)));
        assert!(matches!(posted(b"{}"), Err(ToldFault::Form(_))));
    }

    #[test]
    fn what_is_too_much_is_cut_and_said_and_what_matters_stays() {
        let mut labels: BTreeMap<String, String> =
            (0..100).map(|i| (format!("a{i:03}"), "é".repeat(1_000))).collect();
        labels.insert("severity".to_owned(), "page".to_owned());
        labels.insert("alertname".to_owned(), "Down".to_owned());
        let body = serde_json::json!([{ "labels": labels, "annotations": {"summary": "x".repeat(5_000)} }]);
        let told = posted(body.to_string().as_bytes()).unwrap().remove(0);
        assert_eq!(told.labels.len(), LABELS_KEPT);
        assert_eq!((told.rule().as_str(), told.labels["severity"].as_str()), ("Down", "page"));
        assert_eq!(told.annotations["left out here"], "54 labels and 0 annotations");
        assert_eq!(told.title().chars().count(), TITLE_CHARS + 1);
        assert!(told.labels.values().all(|value| value.len() <= alert::LABEL_LEN_MAX * 2));
    }

    #[test]
    fn a_label_without_a_value_is_none() {
        let one = posted(br#"[{"labels":{"a":"b","c":""}}]"#).unwrap();
        let two = posted(br#"[{"labels":{"a":"b"}}]"#).unwrap();
        assert_eq!(one[0].fingerprint, two[0].fingerprint);
    }

    proptest! {
        #[test]
        fn any_bytes_are_alerts_or_an_error(bytes: Vec<u8>) {
            drop(posted(&bytes));
            drop(webhook(&bytes));
        }

        #[test]
        fn any_texts_are_bounded(name in ".{0,300}", value in ".{1,600}", at in ".{0,40}") {
            let body = serde_json::json!([{ "labels": {"a": "b", name: value}, "startsAt": at }]);
            let told = posted(body.to_string().as_bytes()).unwrap().remove(0);
            for (name, value) in &told.labels {
                prop_assert!(name.chars().count() <= NAME_CHARS + 1);
                prop_assert!(value.chars().count() <= LABEL_CHARS + 1);
            }
            let now = UnixMillis(1_000_000);
            prop_assert!(told.began_by(now).millis_since(now) <= AHEAD_MS);
        }
    }
}
