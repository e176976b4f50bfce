//! JSON to an address of the user's own, signed.

use std::collections::BTreeMap;

use axum::http::Method;
use bellwether::notify::{ReceiverConfig, SIGNATURE_HEADER, signature};
use model::Secret;

use super::peer::{Asked, KEY, Provider, Said, Shown, is};

/// What a careful receiver does: it checks the signature, and knows a message by its key.
#[derive(Default)]
pub(super) struct Webhook {
    order: Vec<String>,
    taken: BTreeMap<String, Shown>,
}

impl Provider for Webhook {
    fn config(&self, url: &str) -> ReceiverConfig {
        ReceiverConfig::Webhook {
            url: Secret::new(format!("{url}/hook")),
            secret: Some(Secret::new(KEY.to_owned())),
        }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        is("method", &asked.method, &Method::POST)?;
        let signed = asked.header(SIGNATURE_HEADER);
        let (time, mac) = signed
            .strip_prefix("t=")
            .and_then(|rest| rest.split_once(",v1="))
            .ok_or_else(|| format!("signature {signed}"))?;
        let time = time.parse().map_err(|_| format!("time {time}"))?;
        is("signature", mac, &signature(&Secret::new(KEY.to_owned()), time, &asked.body))?;
        let body = asked.json()?;
        is("schema", body["schema"].as_str(), Some("bellwether.alert/1"))?;
        let key = asked.header("idempotency-key").to_owned();
        is("key", body["id"].as_str(), Some(&key))?;
        let links = body["links"].as_object().ok_or("no links")?;
        let links = links.values().filter_map(|link| Some(link.as_str()?.to_owned())).collect();
        let is_over = body["alert"]["state"] == "retracted";
        let shown = Shown { text: body.to_string(), links, is_over };
        if self.taken.insert(key.clone(), shown).is_none() {
            self.order.push(key);
        }
        Ok(Said::text(204, ""))
    }

    fn limited(&self) -> Said {
        Said::text(429, "slow down").with("retry-after", "7")
    }

    fn refused(&self) -> Said {
        Said::text(410, &format!("gone, and so is {KEY}"))
    }

    fn lie(&self) -> Option<Said> {
        None
    }

    fn is_idempotent(&self) -> bool {
        true
    }

    fn shown(&self) -> Vec<Shown> {
        self.order.iter().map(|key| self.taken[key].clone()).collect()
    }
}
