//! The default message about an alert: everything a tired person needs, without a template.
//!
//! [`Message::new`] gathers the words once; each channel lays them out and escapes them in its own
//! way. Four rules hold in all of them:
//!
//! * strings from the chain are cut, stripped of control characters and *defanged* (`evil[.]com`),
//!   so that no client makes a link or a mention of them;
//! * links are built from configured addresses, hashes and numbers only;
//! * what is a drill says so first;
//! * the alert's state is the one at the time of sending, so that a message that was delayed tells
//!   the truth.

mod discord; //  an embed
mod drill; //    that nothing of it happened
mod fit; //      what fits into a channel's longest message
mod html; //     mail, light and dark
mod json; //     webhooks, `bellwether.alert/1`
mod marked; //   the little HTML that chats show
mod matrix; //   an event of a room
mod pagers; //   PagerDuty, Opsgenie, Alertmanager
pub(crate) mod safe; //     untrusted text
mod slack; //    Slack and what speaks its language
mod teams; //    an Adaptive Card
mod telegram; // a bot's message
mod telephone; // text messages and speech
mod test_message; // that a receiver works
mod text; //     terminals, plain mail
mod words; //    measurements, confidence, state in words

use std::collections::BTreeMap;

use alert::Tellable;
use model::{
    Alert, AlertId, AlertState, Cause, MessageForm, Name, Notification, NotificationId,
    NotificationKind, Provenance, Report, Severity, UnixMillis,
};
use registry::Explorer;

use crate::answers::{Answers, Button, KeyError, Wish};

pub(crate) use discord::plain;
pub(crate) use telegram::unclickable;

/// What messages know beyond their alert.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// What the user calls this installation.
    pub installation: String,
    /// Address under which people reach the pages, without a slash at its end.
    pub public_url: Option<String>,
    /// Block explorers by network.
    pub explorers: BTreeMap<Name, Explorer>,
    /// Signs what readers can say to messages; without it they can say nothing.
    pub answers: Option<Answers>,
}

/// One line of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What the value is.
    pub label: String,
    /// The value, safe to show as text.
    pub value: String,
    /// Where it leads, built from configured addresses only.
    pub link: Option<String>,
}

/// A place to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What is there.
    pub label: &'static str,
    /// Address.
    pub url: String,
}

/// A further alert that a message speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Alert.
    pub alert: AlertId,
    /// How bad.
    pub severity: Severity,
    /// What the message says of it.
    pub kind: NotificationKind,
    /// What happened, safe to show as text.
    pub headline: String,
    /// Its page.
    pub url: Option<String>,
}

/// Something that a reader can say to the message: a button, a link, a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it is called.
    pub label: &'static str,
    /// What is said with it.
    pub wish: Wish,
    /// Where it is said, for channels that have links only.
    pub url: Option<String>,
    /// What says it, for channels that have buttons; signed, and good once.
    pub token: String,
}

/// One message to one receiver, ready to be laid out.
#[derive(Debug, Clone)]
pub struct Message {
    /// Identity, the same in each attempt.
    pub id: NotificationId,
    /// Identity of the first message about this alert to this receiver: what mails thread under.
    pub thread: NotificationId,
    /// Receiver.
    pub receiver: Name,
    /// The person it is for; `None`: all who read the receiver.
    pub person: Option<Name>,
    /// Whether it is to wake somebody, and asks for an acknowledgement.
    pub is_page: bool,
    /// What it says.
    pub kind: NotificationKind,
    /// Counts the messages about this alert to this receiver, from 0.
    pub sequence: u32,
    /// Why it is sent.
    pub reason: String,
    /// When it was decided.
    pub decided_at: UnixMillis,
    /// When it is sent: what "seconds since the block" and the alert's state refer to.
    pub at: UnixMillis,
    /// The alert as it is at that time.
    pub alert: Alert,
    /// What happened, safe to show as text.
    pub headline: String,
    /// What one needs to know, most telling first.
    pub rows: Vec<Row>,
    /// Further alerts that it speaks of, the worst first, at most [`OTHERS_MAX`].
    pub others: Vec<Other>,
    /// Alerts that it speaks of beyond those.
    pub others_more: u64,
    /// What a reader can say to it.
    pub answers: Vec<Answer>,
    /// Where to go on.
    pub links: Vec<Link>,
    /// What the user calls this installation.
    pub installation: String,
    /// It only tests the receiver.
    pub is_test: bool,
}

/// Facts that a message shows; the page shows all. A decoded event rarely has more.
pub const FACTS_MAX: usize = 16;

/// Further alerts that a message names; the page lists all. Ten lines fit a screen.
pub const OTHERS_MAX: usize = 10;

/// Characters of a subject line: what mail clients show, twice over.
pub const SUBJECT_CHARS_MAX: usize = 160;

impl Message {
    /// Puts into words what `notification` says about `alert` at the time `at`.
    pub fn new(
        alert: Tellable,
        notification: &Notification,
        context: &Context,
        at: UnixMillis,
    ) -> Self {
        let alert = alert.into_alert();
        let links = links(&alert, context);
        Self {
            id: notification.id,
            thread: NotificationId::derive(alert.id, &notification.receiver, 0),
            receiver: notification.receiver.clone(),
            person: notification.person.clone(),
            is_page: notification.form == MessageForm::Page,
            kind: notification.kind,
            sequence: notification.sequence,
            reason: safe::ours(&notification.reason),
            decided_at: notification.decided_at,
            at,
            headline: drill::headline(&alert),
            rows: rows(&alert, notification, context, at),
            others: Vec::new(),
            others_more: 0,
            answers: Vec::new(),
            links,
            installation: safe::ours(&context.installation),
            is_test: false,
            alert,
        }
    }

    /// With further alerts that the message speaks of; `all` is how many there are.
    #[must_use]
    pub fn with_others(
        mut self,
        others: impl IntoIterator<Item = (NotificationKind, Tellable)>,
        all: u64,
        context: &Context,
    ) -> Self {
        let base = context.public_url.as_ref();
        self.others = others
            .into_iter()
            .take(OTHERS_MAX)
            .map(|(kind, alert)| (kind, alert.into_alert()))
            .map(|(kind, alert)| Other {
                alert: alert.id,
                severity: alert.severity,
                kind,
                headline: drill::headline(&alert),
                url: base.map(|base| format!("{base}/alerts/{}", alert.id)),
            })
            .collect();
        self.others_more = all.saturating_sub(self.others.len() as u64);
        self
    }

    /// With what its readers can say to it.
    ///
    /// # Errors
    /// When there is no key to sign with.
    pub fn with_answers(mut self, context: &Context) -> Result<Self, KeyError> {
        let is_over = matches!(self.kind, NotificationKind::Closed | NotificationKind::Retracted);
        let Some(answers) = context.answers.as_ref().filter(|_| !is_over) else {
            return Ok(self);
        };
        let buttons = answers.buttons(self.id.0, std::slice::from_ref(&self.alert))?;
        let base = context.public_url.as_ref();
        let answer = |Button { wish, token }| Answer {
            label: wish.label(),
            wish,
            url: base.map(|base| format!("{base}/answer/{token}")),
            token,
        };
        self.answers = buttons.into_iter().map(answer).collect();
        Ok(self)
    }

    /// One line for each further alert, and one for those beyond.
    pub fn others_text(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .others
            .iter()
            .map(|other| {
                let severity = other.severity.as_str().to_uppercase();
                format!("[{severity}] {}: {}", other.kind.as_str(), other.headline)
            })
            .collect();
        if self.others_more > 0 {
            lines.push(format!("and {} more", crate::words::grouped(self.others_more)));
        }
        lines
    }

    /// One line that tells how bad, what and where; never with a line break.
    pub fn subject(&self) -> String {
        if self.is_test {
            return safe::cut(&format!("[TEST] {}", self.headline), SUBJECT_CHARS_MAX);
        }
        let severity = self.alert.severity.as_str().to_uppercase();
        // The state speaks first: a message that was delayed must not raise what was retracted.
        let change = match (self.alert.state, self.kind) {
            (AlertState::Retracted, _) => "Retracted: ",
            (_, NotificationKind::Opened) => "",
            (_, NotificationKind::Updated) => "Update: ",
            (_, NotificationKind::Confirmed) => "Confirmed: ",
            (_, NotificationKind::Retracted) => "Was retracted, stands again: ",
            (_, NotificationKind::Closed) => "Over: ",
        };
        let (mark, what) = (self.mark(), self.bare_headline());
        let about = format!("{mark}[{severity}] {change}{what} ({})", self.alert.place());
        safe::cut(&about, SUBJECT_CHARS_MAX)
    }

    /// Whether it should make a noise.
    pub fn is_urgent(&self) -> bool {
        !self.is_test
            && self.alert.severity >= Severity::High
            && self.alert.state != AlertState::Retracted
    }
}

fn rows(alert: &Alert, notification: &Notification, context: &Context, at: UnixMillis) -> Vec<Row> {
    let first = match &alert.cause {
        Cause::Found(first) => first,
        Cause::Reported(report) => return rows_of_report(alert, report, notification, at),
    };
    let explorer = context.explorers.get(&first.network);
    let mut rows = Vec::new();
    let mut row = |label: &str, value: String, link: Option<String>| {
        rows.push(Row { label: safe::ours(label), value, link });
    };
    let provenance = alert.provenance();
    match &provenance {
        Provenance::Drill { drill } => row(Provenance::DRILL_WORD, drill::words(drill), None),
        Provenance::Live | Provenance::Canary => {
            row("State", words::state(alert.state).to_owned(), None);
        }
    }
    row("Sent because", safe::ours(&notification.reason), None);
    row("Where", words::place(alert), first.address.and_then(|to| Some(explorer?.address(to))));
    let block = first.origin.block.number;
    if provenance.is_live() {
        row("Block", words::block(first), explorer.map(|explorer| explorer.block(block)));
    }
    if let Some(tx) = first.origin.tx {
        row("Transaction", tx.to_string(), explorer.map(|explorer| explorer.transaction(tx)));
    }
    if provenance.is_live() {
        row("Since the block", words::age(first.origin.timestamp, at), None);
    }
    if let Some(amount) = &first.value_at_risk {
        row("Value at risk", safe::ours(&amount.to_string()), None);
    }
    if let Some(measure) = &first.evidence.measure {
        row(&measure.name, safe::ours(&words::measure(measure)), None);
    }
    if provenance.is_live() {
        row("Confidence", crate::words::confidence(first.confidence), None);
    }
    if alert.findings_total() > 1 {
        row("Findings", words::findings(alert), None);
    }
    for fact in first.evidence.facts.iter().take(FACTS_MAX) {
        let link = words::fact_link(&fact.value, explorer);
        row(&safe::untrusted(&fact.name), safe::fact(&fact.value), link);
    }
    let more = first.evidence.facts.len().saturating_sub(FACTS_MAX);
    if more > 0 {
        row("More", format!("{more} further values on the alert's page"), None);
    }
    row("Monitor", format!("{} ({})", alert.monitor, safe::ours(&first.detector)), None);
    // A runbook that can be opened is among the links.
    let is_linked = |runbook: &&str| runbook_url(runbook, context).is_some();
    if let Some(runbook) = first.runbook.as_deref().filter(|runbook| !is_linked(runbook)) {
        row("Runbook", safe::ours(runbook), None);
    }
    rows
}

/// What one needs to know of what no chain says.
fn rows_of_report(
    alert: &Alert,
    report: &Report,
    notification: &Notification,
    at: UnixMillis,
) -> Vec<Row> {
    let row = |label: &str, value: String| Row { label: safe::ours(label), value, link: None };
    let mut rows = vec![
        row("State", words::state(alert.state).to_owned()),
        row("Sent because", safe::ours(&notification.reason)),
        row("Reported by", report.source.to_string()),
        row("Since", words::since(alert.opened_at, at)),
    ];
    if report.times > 1 {
        rows.push(row("Times", crate::words::grouped(report.times)));
    }
    let facts = report.facts();
    let shown = facts.iter().take(FACTS_MAX);
    rows.extend(shown.map(|fact| row(&safe::untrusted(&fact.name), safe::fact(&fact.value))));
    let more = facts.len().saturating_sub(FACTS_MAX);
    if more > 0 {
        rows.push(row("More", format!("{more} further values on the alert's page")));
    }
    rows
}

fn links(alert: &Alert, context: &Context) -> Vec<Link> {
    let mut links = Vec::new();
    if let Some(base) = &context.public_url {
        links.push(Link { label: "Alert", url: format!("{base}/alerts/{}", alert.id) });
    }
    // What another system reports has no address that we would make a link of.
    let Some(first) = alert.finding() else { return links };
    let explorer = context.explorers.get(&first.network);
    if let Some(explorer) = explorer.filter(|_| alert.provenance().is_live()) {
        let origin = &first.origin;
        let url = match origin.tx {
            Some(tx) => explorer.transaction(tx),
            None => explorer.block(origin.block.number),
        };
        links.push(Link { label: "Explorer", url });
    }
    let runbook = first.runbook.as_deref();
    if let Some(url) = runbook.and_then(|runbook| runbook_url(runbook, context)) {
        links.push(Link { label: "Runbook", url });
    }
    links
}

/// Where a runbook can be opened: its own address, or the detector's page of this installation.
fn runbook_url(runbook: &str, context: &Context) -> Option<String> {
    let base = context.public_url.as_ref();
    let of_detector = runbook.starts_with("/docs/detectors/");
    https(runbook).or_else(|| of_detector.then(|| base.map(|base| format!("{base}{runbook}")))?)
}

/// A runbook's address comes from the user's files, so it may be a link, if it is one.
fn https(text: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_graphic() && !"<>\"'`|\\".contains(c);
    (text.starts_with("https://") && text.chars().all(is_plain)).then(|| text.to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
