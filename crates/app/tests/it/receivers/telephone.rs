//! A REST API like Twilio's: text messages and calls.

use std::collections::BTreeMap;

use axum::http::Method;
use bellwether::notify::{ReceiverConfig, Telephone};
use model::Secret;
use serde_json::{Value, json};

use super::{
    markup,
    peer::{Asked, KEY, Provider, Said, Shown, is},
};

pub(super) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

pub(super) fn telephone(url: &str) -> Telephone {
    Telephone {
        url: url.to_owned(),
        account: ACCOUNT.to_owned(),
        token: Secret::new(KEY.to_owned()),
        from: "+4930111111".to_owned(),
        to: "+4930123456".to_owned(),
    }
}

/// What is asked of the account, below its path; `None` for the account itself, which is answered.
fn asked_of<'a>(asked: &'a Asked) -> Result<Option<&'a str>, String> {
    is("account", asked.account(), Some((ACCOUNT.to_owned(), KEY.to_owned())))?;
    let path = asked.path.strip_prefix(&format!("/2010-04-01/Accounts/{ACCOUNT}"));
    let path = path.ok_or("another account")?;
    Ok((path != ".json").then_some(path))
}

fn account() -> Said {
    Said::json(200, &json!({ "sid": ACCOUNT, "status": "active", "friendly_name": "watch" }))
}

fn error(status: u16, code: u64, message: &str) -> Value {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    json!({ "code": code, "message": message, "more_info": more, "status": status })
}

fn limited() -> Said {
    Said::json(429, &error(429, 20_429, "Too Many Requests")).with("retry-after", "7")
}

fn refused() -> Said {
    Said::json(400, &error(400, 21_211, &format!("The 'To' number is not valid for {KEY}")))
}

fn lie() -> Said {
    Said::json(200, &error(400, 21_211, "The 'To' number is not a valid phone number."))
}

/// Refuses a form that lacks a field or has one that nobody knows.
fn fields(
    form: &BTreeMap<String, String>,
    needed: &[&str],
    allowed: &[&str],
) -> Result<(), String> {
    if let Some(missing) = needed.iter().find(|name| !form.contains_key(**name)) {
        return Err(format!("{missing} is missing"));
    }
    let is_known =
        |name: &&String| needed.contains(&name.as_str()) || allowed.contains(&name.as_str());
    match form.keys().find(|name| !is_known(name)) {
        Some(unknown) => Err(format!("unknown field {unknown}")),
        None => Ok(()),
    }
}

/// Text messages.
#[derive(Default)]
pub(super) struct Sms {
    pub(super) shown: Vec<Shown>,
    /// Whom each was for.
    pub(super) to: Vec<String>,
}

impl Provider for Sms {
    fn config(&self, url: &str) -> ReceiverConfig {
        ReceiverConfig::Sms(telephone(url))
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        let Some(path) = asked_of(asked)? else { return Ok(account()) };
        if asked.method == Method::GET {
            let sid = path.strip_prefix("/Messages/").and_then(|path| path.strip_suffix(".json"));
            let sid = sid.ok_or("no message")?;
            return Ok(Said::json(
                200,
                &json!({ "sid": sid, "status": "delivered", "error_code": null }),
            ));
        }
        is("path", path, "/Messages.json")?;
        let form = asked.form()?;
        fields(&form, &["To", "From", "Body"], &[])?;
        let body = &form["Body"];
        // The GSM alphabet, or each part holds less than half.
        if let Some(wide) =
            body.chars().find(|c| !c.is_ascii() && !"£¥èéùìòÇØøÅåÄÖÑÜäöñüà§¿ß€".contains(*c))
        {
            return Err(format!("{wide:?} makes the text UCS-2"));
        }
        let septets: usize =
            body.chars().map(|c| if "^{}\\[~]|€".contains(c) { 2 } else { 1 }).sum();
        if septets > 3 * 153 {
            return Err(format!("{septets} septets are more than three parts"));
        }
        // Telephones make links of what looks like one.
        let links = body.split_whitespace().filter(|word| word.contains("://"));
        let links = links.map(str::to_owned).collect();
        let is_over = body.contains("Retracted: ");
        self.shown.push(Shown { text: body.clone(), links, is_over });
        self.to.push(form["To"].clone());
        let sid = format!("SM{}", self.shown.len());
        Ok(Said::json(201, &json!({ "sid": sid, "status": "queued", "error_code": null })))
    }

    fn limited(&self) -> Said {
        limited()
    }

    fn refused(&self) -> Said {
        refused()
    }

    fn lie(&self) -> Option<Said> {
        Some(lie())
    }

    fn is_idempotent(&self) -> bool {
        false
    }

    fn shown(&self) -> Vec<Shown> {
        self.shown.clone()
    }
}

/// Calls, each of which rings once and then ends as `ends` says.
pub(super) struct Voice {
    pub(super) shown: Vec<Shown>,
    /// How each call ends.
    pub(super) ends: &'static str,
    /// Where keys are told, of the newest call.
    pub(super) action: Option<String>,
    /// Where keys may be told.
    pub(super) callback: Option<String>,
    pub(super) looks: usize,
}

impl Default for Voice {
    fn default() -> Self {
        Self { shown: Vec::new(), ends: "completed", action: None, callback: None, looks: 0 }
    }
}

impl Provider for Voice {
    fn config(&self, url: &str) -> ReceiverConfig {
        ReceiverConfig::Voice { telephone: telephone(url), callback: self.callback.clone() }
    }

    fn take(&mut self, asked: &Asked) -> Result<Said, String> {
        let Some(path) = asked_of(asked)? else { return Ok(account()) };
        if asked.method == Method::GET {
            let sid = path.strip_prefix("/Calls/").and_then(|path| path.strip_suffix(".json"));
            self.looks += 1;
            let status = if self.looks == 1 { "ringing" } else { self.ends };
            return Ok(Said::json(200, &json!({ "sid": sid.ok_or("no call")?, "status": status })));
        }
        is("path", path, "/Calls.json")?;
        let form = asked.form()?;
        fields(&form, &["To", "From", "Twiml"], &["Timeout", "TimeLimit"])?;
        if form["Twiml"].chars().count() > 4_000 {
            return Err("a program of more than 4,000 characters".to_owned());
        }
        let (text, mut actions) =
            markup::html(&form["Twiml"], &["Response", "Say", "Pause", "Gather"])?;
        self.action = actions.pop();
        self.looks = 0;
        let is_over = text.contains("was retracted");
        self.shown.push(Shown { text, links: Vec::new(), is_over });
        let sid = format!("CA{}", self.shown.len());
        Ok(Said::json(201, &json!({ "sid": sid, "status": "queued" })))
    }

    fn limited(&self) -> Said {
        limited()
    }

    fn refused(&self) -> Said {
        refused()
    }

    fn lie(&self) -> Option<Said> {
        Some(lie())
    }

    fn is_idempotent(&self) -> bool {
        false
    }

    fn shown(&self) -> Vec<Shown> {
        self.shown.clone()
    }
}
