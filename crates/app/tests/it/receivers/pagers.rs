//! Other pagers: PagerDuty, Opsgenie, Alertmanager.

use std::{collections::BTreeMap, time::Duration};

use axum::http::Method;
use bellwether::notify::{Access, Receiver, ReceiverConfig};
use jiff::Timestamp;
use model::{Secret, Severity};
use serde_json::{Value, json};

use super::{
    message::found,
    peer::{Asked, KEY, Peer, Provider, Said, Shown, is, keys, text},
};

fn key() -> Secret<String> {
    Secret::new(KEY.to_owned())
}

/// PagerDuty's Events API v2: incidents by their key.
#[derive(Default)]
pub(super) struct PagerDuty {
    incidents: BTreeMap<String, Shown>,
}

impl Provider for PagerDuty {
    fn config(&self, url: &str) -> ReceiverConfig {
        ReceiverConfig::PagerDuty { url: url.to_owned(), key: key() }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        is("method", &asked.method, &Method::POST)?;
        is("path", asked.path.as_str(), "/v2/enqueue")?;
        let event = asked.json()?;
        let optional = ["payload", "links", "images", "client", "client_url"];
        keys(&event, &["routing_key", "event_action", "dedup_key"], &optional)?;
        is("routing key", &event["routing_key"], &json!(KEY))?;
        let dedup = text(&event["dedup_key"], "dedup_key", 255)?.to_owned();
        match event["event_action"].as_str().unwrap_or_default() {
            "trigger" => {
                let payload = &event["payload"];
                let optional = ["timestamp", "component", "group", "class", "custom_details"];
                keys(payload, &["summary", "source", "severity"], &optional)?;
                let summary = text(&payload["summary"], "summary", 1_024)?;
                let severities = ["critical", "error", "warning", "info"];
                if !severities.contains(&payload["severity"].as_str().unwrap_or_default()) {
                    return Err(format!("severity {}", payload["severity"]));
                }
                let at = payload["timestamp"].as_str().unwrap_or_default();
                at.parse::<Timestamp>().map_err(|error| error.to_string())?;
                if asked.body.len() > 512 * 1_024 {
                    return Err("an event of more than 512 KB".to_owned());
                }
                let mut links = Vec::new();
                for link in event["links"].as_array().ok_or("no links")? {
                    keys(link, &["href"], &["text"])?;
                    links.push(link["href"].as_str().unwrap_or_default().to_owned());
                }
                links.extend(event["client_url"].as_str().map(str::to_owned));
                let text = format!("{summary}\n{}", payload["custom_details"]);
                self.incidents.insert(dedup.clone(), Shown { text, links, is_over: false });
            }
            // Of an incident that nobody knows, nothing is resolved, and nothing is said.
            "resolve" => {
                if let Some(incident) = self.incidents.get_mut(&dedup) {
                    incident.is_over = true;
                }
            }
            other => return Err(format!("action {other}")),
        }
        let said = json!({ "status": "success", "message": "Event processed", "dedup_key": dedup });
        Ok(Said::json(202, &said))
    }

    fn limited(&self) -> Said {
        let said = json!({ "status": "throttle exceeded", "message": "Requests are arriving too quickly" });
        Said::json(429, &said).with("retry-after", "7")
    }

    fn refused(&self) -> Said {
        let errors = [format!("'routing_key' {KEY} is invalid")];
        let said = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": errors });
        Said::json(400, &said)
    }

    fn lie(&self) -> Option<Said> {
        let said = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": [] });
        Some(Said::json(202, &said))
    }

    fn is_idempotent(&self) -> bool {
        true
    }

    fn shown(&self) -> Vec<Shown> {
        self.incidents.values().cloned().collect()
    }
}

/// Opsgenie's alert API: open alerts by their alias.
#[derive(Default)]
pub(super) struct Opsgenie {
    alerts: BTreeMap<String, Shown>,
}

impl Provider for Opsgenie {
    fn config(&self, url: &str) -> ReceiverConfig {
        // As Jira Service Management has it: the API is not at the root.
        ReceiverConfig::Opsgenie { url: format!("{url}/jsm/ops/integration"), key: key() }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        is("key", asked.header("authorization"), &format!("GenieKey {KEY}"))?;
        let path =
            asked.path.strip_prefix("/jsm/ops/integration/v2/alerts").ok_or("another path")?;
        if asked.method == Method::GET {
            is("path", path, "")?;
            return Ok(Said::json(200, &json!({ "data": [], "took": 0.01, "requestId": "r" })));
        }
        is("method", &asked.method, &Method::POST)?;
        let body = asked.json()?;
        if path.is_empty() {
            let optional = [
                "alias",
                "description",
                "priority",
                "entity",
                "source",
                "tags",
                "details",
                "user",
                "note",
                "responders",
                "visibleTo",
                "actions",
            ];
            keys(&body, &["message"], &optional)?;
            let message = text(&body["message"], "message", 130)?;
            let alias = text(&body["alias"], "alias", 512)?;
            let description = text(&body["description"], "description", 15_000)?;
            text(&body["entity"], "entity", 512)?;
            text(&body["source"], "source", 100)?;
            if !["P1", "P2", "P3", "P4", "P5"].contains(&body["priority"].as_str().unwrap_or("")) {
                return Err(format!("priority {}", body["priority"]));
            }
            let tags = body["tags"].as_array().ok_or("no tags")?;
            if tags.len() > 20 || tags.iter().any(|tag| text(tag, "tag", 50).is_err()) {
                return Err(format!("tags {tags:?}"));
            }
            let details = body["details"].as_object().ok_or("no details")?;
            let size = |(key, value): (&String, &Value)| {
                value.as_str().map(|value| key.chars().count() + value.chars().count())
            };
            let size: Option<usize> = details.iter().map(size).sum();
            if size.is_none_or(|size| size > 8_000) {
                return Err(format!("details of {size:?}"));
            }
            // Clients show addresses in the description as links.
            let links = description.split_whitespace().filter(|word| word.contains("://"));
            let links = links.map(str::to_owned).collect();
            let text = format!("{message}\n{description}\n{}", body["details"]);
            self.alerts.insert(alias.to_owned(), Shown { text, links, is_over: false });
        } else {
            is("query", asked.query.as_str(), "identifierType=alias")?;
            keys(&body, &[], &["user", "source", "note"])?;
            let alias = path.strip_prefix('/').and_then(|path| path.strip_suffix("/close"));
            let alias = alias.ok_or("neither created nor closed")?;
            self.alerts.get_mut(alias).ok_or("no such alias")?.is_over = true;
        }
        let said =
            json!({ "result": "Request will be processed", "took": 0.1, "requestId": "r-1" });
        Ok(Said::json(202, &said))
    }

    fn limited(&self) -> Said {
        Said::json(429, &json!({ "message": "You are making too many requests!", "took": 0.0 }))
            .with("retry-after", "7")
    }

    fn refused(&self) -> Said {
        Said::json(403, &json!({ "message": format!("Key {KEY} may not create"), "took": 0.0 }))
    }

    fn lie(&self) -> Option<Said> {
        Some(Said::json(202, &json!({ "message": "Could not authenticate", "took": 0.0 })))
    }

    fn is_idempotent(&self) -> bool {
        true
    }

    fn shown(&self) -> Vec<Shown> {
        self.alerts.values().cloned().collect()
    }
}

/// Alertmanager's API v2: alerts by their labels.
#[derive(Default)]
pub(super) struct Alertmanager {
    alerts: BTreeMap<String, (Shown, Timestamp)>,
}

impl Alertmanager {
    fn time(alert: &Value, key: &str) -> Result<Timestamp, String> {
        let text = alert[key].as_str().ok_or_else(|| format!("{key} is missing"))?;
        text.parse().map_err(|error| format!("{key}: {error}"))
    }
}

impl Provider for Alertmanager {
    fn config(&self, url: &str) -> ReceiverConfig {
        ReceiverConfig::Alertmanager {
            url: format!("{url}/alertmanager/"),
            access: Access::Password { username: "watch".to_owned(), password: key() },
            stands_for: Duration::from_secs(86_400),
        }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        is("account", asked.account(), Some(("watch".to_owned(), KEY.to_owned())))?;
        if asked.path == "/alertmanager/api/v2/status" {
            is("method", &asked.method, &Method::GET)?;
            return Ok(Said::json(200, &json!({ "versionInfo": { "version": "0.27.0" } })));
        }
        is("method", &asked.method, &Method::POST)?;
        is("path", asked.path.as_str(), "/alertmanager/api/v2/alerts")?;
        let body = asked.json()?;
        for alert in body.as_array().ok_or("no list")? {
            let optional = ["annotations", "startsAt", "endsAt", "generatorURL"];
            keys(alert, &["labels"], &optional)?;
            let labels = alert["labels"].as_object().ok_or("no labels")?;
            for (name, value) in labels {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if !name.chars().all(is_name) || value.as_str().is_none_or(str::is_empty) {
                    return Err(format!("label {name} = {value}"));
                }
            }
            if !labels.contains_key("alertname") {
                return Err(format!("no alertname in {labels:?}"));
            }
            let (starts, ends) = (Self::time(alert, "startsAt")?, Self::time(alert, "endsAt")?);
            if ends < starts {
                return Err("the start is after the end".to_owned());
            }
            let id = alert["labels"].to_string();
            let is_over = ends.duration_since(starts) < jiff::SignedDuration::from_mins(5);
            // The end of what never began is told to nobody.
            if is_over && !self.alerts.contains_key(&id) {
                continue;
            }
            let annotations = &alert["annotations"];
            let links = [&alert["generatorURL"], &annotations["runbook_url"]];
            let links = links.iter().filter_map(|link| Some(link.as_str()?.to_owned())).collect();
            let text = format!("{}\n{}", annotations["summary"], annotations["description"]);
            self.alerts.insert(id, (Shown { text, links, is_over }, ends));
        }
        Ok(Said::text(200, ""))
    }

    fn limited(&self) -> Said {
        Said::text(429, "").with("retry-after", "7")
    }

    fn refused(&self) -> Said {
        Said::text(401, &format!("password {KEY} is wrong"))
    }

    fn lie(&self) -> Option<Said> {
        Some(Said::json(200, &json!({ "code": 601, "message": "labels is required" })))
    }

    fn is_idempotent(&self) -> bool {
        true
    }

    fn shown(&self) -> Vec<Shown> {
        self.alerts.values().map(|(shown, _)| shown.clone()).collect()
    }
}

#[tokio::test]
async fn an_alert_of_another_severity_replaces_the_one_before() {
    let peer = Peer::start(Box::new(Alertmanager::default())).await;
    let receiver = Receiver::new(&peer.config()).unwrap();
    let mut message = found();
    message.alert.severity = Severity::High;
    receiver.send(&message).await.unwrap();
    message.alert.severity = Severity::Critical;
    message.sequence = 1;
    message.at = message.at.plus(2_000);
    receiver.send(&message).await.unwrap();
    let shown = peer.shown();
    let standing: Vec<&Shown> = shown.iter().filter(|shown| !shown.is_over).collect();
    assert_eq!(shown.len(), 2, "one under each severity: {shown:#?}");
    assert_eq!(standing.len(), 1, "{shown:#?}");
    assert!(standing[0].text.contains("[CRITICAL]"), "{shown:#?}");
}
