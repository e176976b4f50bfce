//! Answers from every side, against counterparts written from the providers' public documentation.

mod act; //    what an answer comes to, and why it is not taken
mod chats; //  Slack, Discord, Telegram: signatures and schemas both ways
mod page; //   a link is opened, and its button is pressed
mod pagers; // PagerDuty, Opsgenie

use std::sync::Arc;

use alert::{
    pager::{Input, Pager, ROWS_VERSION, Stored},
    plan::Plan,
    route::{Branch, Tree},
};
use axum::Router;
use model::{
    Alert, Name, Notification, NotificationId, NotificationState, Secret, Severity, UnixMillis,
};
use store::Store;
use tokio::sync::{Notify, broadcast, watch};

use super::{Answers, Chats, Parts, People, System, Wiring, Wish};
use crate::{
    notify::message::tests::{NOON_S, alert_of, finding, name},
    paging::{Inbox, read},
    snapshot::TrustLimits,
    web::{Site, SiteInfo, Sources},
};

/// The moment of all tests.
pub(super) const NOW: UnixMillis = UnixMillis(NOON_S as i64 * 1000 + 60_000);

pub(super) fn now() -> UnixMillis {
    NOW
}

/// The message about the one alert.
pub(super) const MESSAGE: [u8; 16] = [0x5a; 16];

/// A store with an alert and a message about it, and what the pager was told.
pub(super) struct World {
    pub(super) store: Store,
    pub(super) answers: Answers,
    pub(super) alert: Alert,
}

impl World {
    /// With a message of a minute ago to a team's channel.
    pub(super) fn new() -> Self {
        Self::with("team", NOW.plus(-60_000), Severity::High)
    }

    pub(super) fn with(channel: &str, decided_at: UnixMillis, severity: Severity) -> Self {
        let store = Store::in_memory().unwrap();
        let mut finding = finding();
        finding.severity = severity;
        let (alert, opened) = alert_of(finding);
        let notification = Notification {
            id: NotificationId(MESSAGE),
            receiver: name(channel),
            decided_at,
            state: NotificationState::Due { not_before: decided_at },
            ..opened
        };
        let audit = store::Audit {
            network: alert.network.clone().unwrap(),
            holes: Vec::new(),
            findings: Vec::new(),
            withdrawn: Vec::new(),
            alerts: vec![alert.clone()],
            inputs: Vec::new(),
            decisions: Vec::new(),
        };
        store.commit_audit(&audit).unwrap();
        let Notification { alert: about, kind, sequence, .. } = notification;
        let lines = vec![model::NotificationLine {
            alert: about,
            kind,
            severity: model::Severity::High,
            sequence,
        }];
        let messages = vec![store::OutboxMessage { notification, lines, held_for: None }];
        let step = store::PagingStep { messages, ..store::PagingStep::default() };
        store.commit_paging(&step).unwrap();
        let answers = Answers::new(Parts {
            store: store.clone(),
            key: None,
            inbox: Inbox::new(store.clone(), Arc::new(Notify::new())),
            plan: Arc::new(plan()),
            people: Arc::new(people()),
            teacher: None,
            clock: now,
        });
        Self { store, answers: answers.unwrap(), alert }
    }

    /// The token of a button.
    pub(super) fn token(&self, wish: Wish) -> String {
        let buttons = self.answers.buttons(MESSAGE, std::slice::from_ref(&self.alert)).unwrap();
        buttons.into_iter().find(|button| button.wish == wish).unwrap().token
    }

    /// What the pager was told so far.
    pub(super) fn told(&self) -> Vec<Input> {
        let inputs = self.store.inbox().waiting(100).unwrap();
        inputs.iter().map(|input| read(input).unwrap()).collect()
    }

    /// Lets a pager do what it was told so far, and keeps what it remembers.
    pub(super) fn page(&self) {
        let now = NOW;
        let mut pager = Pager::new(Arc::new(plan()));
        let facts = alert::pager::Facts::of(&self.alert, "first finding");
        let inputs = [Input::Alert(facts)].into_iter().chain(self.told());
        let mut rows = Vec::new();
        for input in inputs {
            for row in pager.apply(input, now).rows {
                let stored = Stored { version: ROWS_VERSION, row };
                rows.push((stored.row.key().to_string(), serde_json::to_string(&stored).unwrap()));
            }
        }
        let step = store::PagingStep { rows, at: now, ..store::PagingStep::default() };
        self.store.commit_paging(&step).unwrap();
    }

    /// Pages and hooks on a port of their own; their address.
    pub(super) async fn serve(&self, wiring: Wiring) -> String {
        let chats = Chats::start(wiring, self.answers.clone()).unwrap();
        let info = SiteInfo {
            name: "meridian".to_owned(),
            answers: Some(self.answers.clone()),
            chats: Some(chats),
            ..SiteInfo::default()
        };
        let site = Site::new(Sources {
            store: self.store.clone(),
            info: watch::channel(Arc::new(info)).1,
            health: Arc::new(Vec::new),
            changes: broadcast::channel(1).0,
            mailbox: None,
            pager: Inbox::new(self.store.clone(), Arc::new(Notify::new())),
            teacher: None,
            vitals: watch::channel(crate::pulse::Vitals::default()).1,
            twins: crate::twin::Twins::default(),
            turns: crate::pulse::Turns::default(),
            canaries: crate::canary::Canaries::default(),
            limits: TrustLimits::default(),
            clock: now,
        });
        serve(crate::web::router(site)).await
    }
}

fn plan() -> Plan {
    Plan::new(Tree::new(Branch::new(name("all"))).unwrap())
}

fn people() -> People {
    let account = |system, id: &str, who| ((system, id.to_owned()), name(who));
    let accounts = [
        account(System::Slack, "U061F7AUR", "ann"),
        account(System::Slack, "U0BOB", "bob"),
        account(System::Discord, "53908232506183680", "ann"),
        account(System::Telegram, "1111111", "ann"),
        account(System::PagerDuty, "PLH1HKV", "ann"),
        account(System::Opsgenie, "ann@acme.example", "ann"),
    ];
    let readers = vec![name("ann"), name("bob")];
    People { accounts: accounts.into(), readers: [(name("team"), readers)].into() }
}

/// Serves a router; its address.
pub(super) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

pub(super) fn client() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(super) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(super) fn person(text: &str) -> Name {
    name(text)
}
