//! What other pagers take: PagerDuty's events, Opsgenie's alerts, Alertmanager's alerts.
//!
//! All three know an alert by a key of ours: a message that is sent twice, and each that follows it,
//! is about the same one there.

use std::time::Duration;

use jiff::Timestamp;
use model::{AlertState, NotificationKind, Provenance, Severity, UnixMillis};
use serde_json::{Map, Value, json};

use super::{Message, safe::cut};
use crate::reports::MARK;

/// PagerDuty's longest summary, in characters.
const PAGERDUTY_SUMMARY_MAX: usize = 1_024;

/// Opsgenie's longest texts, in characters; all details together may have 8,000.
const OPSGENIE_MESSAGE_MAX: usize = 130;
const OPSGENIE_DESCRIPTION_MAX: usize = 15_000;
const OPSGENIE_DETAILS_MAX: usize = 7_000;
const OPSGENIE_ENTITY_MAX: usize = 512;
const OPSGENIE_TAG_MAX: usize = 50;

/// Longest text of an annotation that we send to an Alertmanager.
const ANNOTATION_MAX: usize = 4_000;

impl Message {
    /// What the alert is called elsewhere: the same for all messages about it to one receiver.
    pub fn key(&self) -> String {
        format!("bellwether-{}", self.thread)
    }

    /// Whether there is nothing left to do about the alert.
    pub fn is_over(&self) -> bool {
        self.alert.state == AlertState::Retracted || self.kind == NotificationKind::Closed
    }

    /// What others file it under: a drill has a place of its own.
    fn marked_as_drill(&self, name: &str) -> String {
        match self.drill() {
            Some(_) => format!("{} {name}", Provenance::DRILL_WORD),
            None => name.to_owned(),
        }
    }

    fn details(&self, size_max: usize) -> Map<String, Value> {
        let size =
            |(label, value): &(String, String)| label.chars().count() + value.chars().count();
        let rows = self.rows_within(size_max, |row| (row.label.clone(), row.value.clone()), size);
        let mut details = Map::new();
        for (label, value) in rows {
            // Two facts may have one name; neither hides the other.
            let mut key = label.clone();
            let mut number = 1;
            while details.contains_key(&key) {
                number += 1;
                key = format!("{label} ({number})");
            }
            details.insert(key, json!(value));
        }
        details
    }

    /// An event for PagerDuty's Events API v2, to the service behind `routing_key`.
    pub fn pagerduty(&self, routing_key: &str) -> Value {
        if self.is_over() {
            return json!({
                "routing_key": routing_key,
                "event_action": "resolve",
                "dedup_key": self.key(),
            });
        }
        let alert = &self.alert;
        let severity = match alert.severity {
            Severity::Critical => "critical",
            Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low | Severity::Info => "info",
        };
        let class = self.marked_as_drill(alert.monitor.as_str());
        let links: Vec<Value> =
            self.links.iter().map(|link| json!({ "href": link.url, "text": link.label })).collect();
        let mut event = json!({
            "routing_key": routing_key,
            "event_action": "trigger",
            "dedup_key": self.key(),
            "payload": {
                "summary": cut(&self.subject(), PAGERDUTY_SUMMARY_MAX),
                "source": alert.place().as_str(),
                "severity": severity,
                "timestamp": time(UnixMillis::from(alert.opened_at)),
                "component": alert.deployment.as_ref().map_or("", |name| name.as_str()),
                "group": alert.place().as_str(),
                "class": class,
                "custom_details": self.details(OPSGENIE_DETAILS_MAX),
            },
            "links": links,
            "client": format!("Bellwether {}", self.installation),
        });
        if let Some(page) = self.page() {
            event["client_url"] = json!(page);
        }
        event
    }

    /// A new alert for Opsgenie, or a further one under the same alias, which it counts.
    pub fn opsgenie(&self) -> Value {
        let alert = &self.alert;
        let priority = match alert.severity {
            Severity::Critical => "P1",
            Severity::High => "P2",
            Severity::Medium => "P3",
            Severity::Low => "P4",
            Severity::Info => "P5",
        };
        let entity = alert.deployment.as_ref().unwrap_or(alert.place());
        let tag = |text: &str| cut(text, OPSGENIE_TAG_MAX);
        let mut tags = vec![
            tag(alert.severity.as_str()),
            tag(alert.place().as_str()),
            tag(alert.monitor.as_str()),
        ];
        if self.drill().is_some() {
            tags.insert(0, Provenance::DRILL_WORD.to_owned());
        }
        json!({
            "message": cut(&self.subject(), OPSGENIE_MESSAGE_MAX),
            "alias": self.key(),
            "description": cut(&self.text(), OPSGENIE_DESCRIPTION_MAX),
            "priority": priority,
            "entity": cut(entity.as_str(), OPSGENIE_ENTITY_MAX),
            "source": "Bellwether",
            "tags": tags,
            "details": self.details(OPSGENIE_DETAILS_MAX),
        })
    }

    /// What an alert at Opsgenie is closed with.
    pub fn opsgenie_close(&self) -> Value {
        json!({ "source": "Bellwether", "note": self.subject() })
    }

    /// Alerts for an Alertmanager, which stand there for `stands_for` after this message.
    ///
    /// The severity is among the labels, because Alertmanagers route by it; since labels are what it
    /// knows an alert by, a severity that changed ends the alert under every other one.
    pub fn alertmanager(&self, stands_for: Duration) -> Value {
        let alert = &self.alert;
        let labels = |severity: Severity| {
            let mut labels = json!({
                "alertname": self.marked_as_drill(alert.monitor.as_str()),
                "severity": severity.as_str(),
                "alert": alert.id.to_string(),
            });
            // What comes back from there with it is no news.
            labels[MARK] = json!(alert.id.to_string());
            if let Some(network) = &alert.network {
                labels["network"] = json!(network.as_str());
            }
            if let Some(drill) = self.drill() {
                labels["drill"] = json!(drill.as_str());
            }
            if let Some(deployment) = &alert.deployment {
                labels["deployment"] = json!(deployment.as_str());
            }
            labels
        };
        let mut annotations = json!({
            "summary": self.subject(),
            "description": cut(&self.text(), ANNOTATION_MAX),
        });
        if let Some(runbook) = self.links.iter().find(|link| link.label == "Runbook") {
            annotations["runbook_url"] = json!(runbook.url);
        }
        let stands_ms = i64::try_from(stands_for.as_millis()).unwrap_or(i64::MAX);
        // It takes no end that is before the beginning, and a block's clock may be ahead of ours.
        let starts_at = UnixMillis::from(alert.opened_at).min(self.at);
        let of = |severity: Severity, ends_at: UnixMillis| {
            let mut entry = json!({
                "labels": labels(severity),
                "annotations": annotations,
                "startsAt": time(starts_at),
                "endsAt": time(ends_at),
            });
            if let Some(page) = self.page() {
                entry["generatorURL"] = json!(page);
            }
            entry
        };
        let stands_until = if self.is_over() { self.at } else { self.at.plus(stands_ms) };
        let mut entries = vec![of(alert.severity, stands_until)];
        if self.sequence > 0 {
            let others = Severity::ALL.into_iter().filter(|other| *other != alert.severity);
            entries.extend(others.map(|other| of(other, self.at)));
        }
        Value::Array(entries)
    }

    /// The alert's page, if people can reach it.
    pub(super) fn page(&self) -> Option<&str> {
        self.links.iter().find(|link| link.label == "Alert").map(|link| link.url.as_str())
    }
}

/// RFC 3339, as the three of them read times.
fn time(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::MAX).to_string()
}
