//! The stage for the pager: a virtual clock, people who answer or do not, and a transcript of what
//! was sent and why.
//!
//! Inputs are given twice: to the pager that lives, and to one restored from the rows that were
//! stored so far. They must decide the same. (Of ticks and of storms only some: a day has many.)

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use bellwether_alert::{
    Labels, Matcher,
    life::{Deed, Truth},
    oncall::{Layer, Rotation, Schedule, Turn, Turns},
    pager::{Alarm, Facts, Input, Message, Outcome, Pager, Ruling, Stored, Verdict, Whom},
    plan::{Channel, ChannelKind, Escalation, Person, Plan, Target},
    quiet::{Silence, SilenceKind},
    route::{Branch, GroupBy, Tree},
};
use jiff::tz::TimeZone;
use model::{AlertId, Name, Provenance, Severity, UnixMillis};

use crate::play::name;

/// 2027-01-15T08:00:00Z, a Friday.
pub(crate) const START_MS: i64 = 1_800_000_000_000;

/// An acme team: chat for all, phones for three people, an escalation through the rota.
pub(crate) fn plan() -> Plan {
    let mut root = Branch::new(name("all"));
    root.receivers = Some(vec![name("chat")]);
    root.group_by = Some(GroupBy::Labels(vec!["protocol".to_owned()]));
    root.escalation = Some(name("acme"));
    let mut plan = Plan::new(Tree::new(root).unwrap());
    let readers = vec![name("ann"), name("bob"), name("cy")];
    plan.channels = BTreeMap::from([
        (name("chat"), Channel { readers, ..Channel::new(ChannelKind::Chat) }),
        (name("voice"), Channel::new(ChannelKind::Voice)),
        (name("sms"), Channel::new(ChannelKind::Sms)),
        (name("mail"), Channel::new(ChannelKind::Mail)),
    ]);
    for person in ["ann", "bob", "cy"] {
        let channels = vec![name("voice"), name("sms"), name("mail")];
        plan.people.insert(name(person), Person::new(channels, TimeZone::UTC));
    }
    let rotation = |people: &[&str]| Schedule {
        name: name("rota"),
        layers: vec![Layer {
            name: name("week"),
            zone: TimeZone::UTC,
            turns: Turns::Rotation(Rotation {
                people: people.iter().map(|person| name(person)).collect(),
                turn: Turn::Weeks(1),
                begins: "2027-01-11T09:00:00".parse().unwrap(),
            }),
            hours: None,
            until: None,
        }],
        overrides: Vec::new(),
    };
    plan.schedules.insert(name("rota"), rotation(&["ann", "bob"]));
    let rungs = vec![
        vec![Target::OnCall(name("rota"))],
        vec![Target::Person(name("bob"))],
        vec![Target::Person(name("cy"))],
    ];
    plan.escalations.insert(name("acme"), Escalation::of(rungs));
    plan
}

pub(crate) fn id(number: u8) -> AlertId {
    AlertId([number; 16])
}

/// An alert of monitor `drain` about protocol `acme`.
pub(crate) fn facts(number: u8, severity: Severity) -> Facts {
    let labels = Labels::default()
        .with("severity", severity.as_str())
        .with("protocol", "acme")
        .with("monitor", "drain")
        .with("alert", &number.to_string());
    Facts {
        alert: id(number),
        labels,
        severity,
        truth: Truth::Provisional,
        because: "first finding".to_owned(),
        findings: 1,
        outflow_usd: None,
        provenance: Provenance::Live,
    }
}

pub(crate) fn silence(id: &str, matchers: &str, signed: &[&str], hours: i64) -> Silence {
    Silence {
        id: name(id),
        kind: SilenceKind::Silence,
        matchers: Matcher::list(matchers).unwrap(),
        from: UnixMillis(START_MS),
        until: UnixMillis(START_MS + hours * 3_600_000),
        signed: signed.iter().map(|person| (name(person), UnixMillis(START_MS))).collect(),
        reason: "known".to_owned(),
    }
}

pub(crate) struct Night {
    pub(crate) pager: Pager,
    /// What is stored: JSON by key.
    pub(crate) store: BTreeMap<String, String>,
    pub(crate) outbox: Vec<Message>,
    pub(crate) alarms: Vec<Alarm>,
    now_s: i64,
    transcript: String,
    /// Channels over which everything arrives at once.
    arrives: bool,
    inputs: usize,
}

impl Night {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            pager: Pager::new(Arc::new(plan)),
            store: BTreeMap::new(),
            outbox: Vec::new(),
            alarms: Vec::new(),
            now_s: 0,
            transcript: String::new(),
            arrives: true,
            inputs: 0,
        }
    }

    /// From here on nothing is said to arrive.
    pub(crate) fn without_receipts(&mut self) -> &mut Self {
        self.arrives = false;
        self
    }

    pub(crate) fn now(&self) -> UnixMillis {
        UnixMillis(START_MS + self.now_s * 1_000)
    }

    /// Lets time pass up to here, with a tick whenever the pager asks for one.
    pub(crate) fn at(&mut self, s: i64) -> &mut Self {
        let until = UnixMillis(START_MS + s * 1_000);
        while let Some(due) = self.pager.next_due().filter(|due| *due <= until) {
            // The clock ticks in seconds.
            let due_s = (due.0 - START_MS + 999).div_euclid(1_000);
            self.now_s = self.now_s.max(due_s).min(s);
            self.apply(Input::Tick);
            if self.now_s == s {
                break;
            }
        }
        self.now_s = s;
        self
    }

    pub(crate) fn alert(&mut self, facts: Facts) -> &mut Self {
        self.apply(Input::Alert(facts))
    }

    /// An alert as it was, but changed.
    pub(crate) fn change(&mut self, number: u8, change: impl FnOnce(&mut Facts)) -> &mut Self {
        let mut facts = self.pager.card(id(number)).unwrap().facts().clone();
        change(&mut facts);
        let severity = facts.severity.as_str();
        facts.labels.set("severity", severity);
        self.alert(facts)
    }

    pub(crate) fn retract(&mut self, number: u8) -> &mut Self {
        self.change(number, |facts| {
            facts.truth = Truth::Retracted;
            facts.because = "block 100 left the chain".to_owned();
        })
    }

    pub(crate) fn found_again(&mut self, number: u8) -> &mut Self {
        self.change(number, |facts| {
            facts.truth = Truth::Provisional;
            facts.because = "found again on the new branch".to_owned();
        })
    }

    pub(crate) fn says(&mut self, by: &str, number: u8, deed: Deed) -> &mut Self {
        let (alerts, at) = (vec![id(number)], self.now());
        self.apply(Input::Said { alerts, by: name(by), deed, at, reason: String::new() })
    }

    pub(crate) fn acknowledges(&mut self, by: &str, number: u8) -> &mut Self {
        self.says(by, number, Deed::Acknowledge)
    }

    /// The channel says that the last message to somebody cannot be delivered.
    pub(crate) fn fails(&mut self, whom: &Whom, error: &str) -> &mut Self {
        let sent = self.outbox.iter().rev().find(|message| message.to == *whom).unwrap();
        let (message, error) = (sent.id, error.to_owned());
        self.apply(Input::Failed { message, whom: whom.clone(), error })
    }

    /// Gives an input to the pager and to one restored from the rows.
    pub(crate) fn apply(&mut self, input: Input) -> &mut Self {
        let now = self.now();
        self.inputs += 1;
        let rarely = if self.store.len() > 60 { 40 } else { 8 };
        let is_checked =
            input != Input::Tick && self.store.len() <= 60 || self.inputs.is_multiple_of(rarely);
        let twice = is_checked.then(|| {
            let mut restored = self.restored();
            let outcome = restored.apply(input.clone(), now);
            (outcome, restored.next_due())
        });
        let outcome = self.pager.apply(input, now);
        if let Some((again, next_due)) = twice {
            assert_eq!(outcome, again, "a restored pager decides the same");
            assert_eq!(self.pager.next_due(), next_due);
        }
        self.take(outcome)
    }

    pub(crate) fn replan(&mut self, plan: Plan) -> &mut Self {
        let outcome = self.pager.replan(Arc::new(plan), self.now());
        self.take(outcome)
    }

    pub(crate) fn restored(&self) -> Pager {
        let rows = self.store.values().map(|row| serde_json::from_str::<Stored>(row).unwrap());
        Pager::restore(self.pager.plan().clone(), rows).unwrap()
    }

    fn take(&mut self, outcome: Outcome) -> &mut Self {
        for row in &outcome.rows {
            let stored = serde_json::to_string(&row.clone().stored()).unwrap();
            self.store.insert(row.key().to_string(), stored);
        }
        for key in &outcome.gone {
            self.store.remove(&key.to_string());
        }
        for refusal in &outcome.refused {
            let clock = self.clock();
            writeln!(self.transcript, "{clock} refused: {refusal}").unwrap();
        }
        for ruling in &outcome.rulings {
            self.write(ruling, &outcome.messages);
        }
        for alarm in &outcome.alarms {
            let clock = self.clock();
            writeln!(self.transcript, "{clock} ALARM {alarm:?}").unwrap();
        }
        self.alarms.extend(outcome.alarms);
        for message in &outcome.messages {
            if self.arrives {
                let arrived =
                    self.pager.apply(Input::Delivered { message: message.id }, self.now());
                self.outbox.push(message.clone());
                self.take(arrived);
            } else {
                self.outbox.push(message.clone());
            }
        }
        self
    }

    fn write(&mut self, ruling: &Ruling, messages: &[Message]) {
        let clock = self.clock();
        let alerts = |ids: Vec<AlertId>| {
            ids.iter().map(|id| id.0[0].to_string()).collect::<Vec<_>>().join(",")
        };
        let sent = messages.iter().find(|message| Some(message.id) == ruling.message);
        let about = match (sent, ruling.alert) {
            (Some(sent), _) => alerts(sent.lines.iter().map(|line| line.alert).collect()),
            (None, Some(alert)) => alerts(vec![alert]),
            (None, None) => "-".to_owned(),
        };
        let whom = ruling.whom.as_ref().map_or(String::new(), |whom| format!(" {whom}"));
        let what = match (sent, ruling.verdict) {
            (Some(sent), Verdict::Sent) => format!("{:?}", sent.kind).to_uppercase(),
            (_, Verdict::Grouped { until } | Verdict::Summarised { until }) => {
                format!(
                    "{} until {}",
                    ruling.verdict.as_str(),
                    clock_of((until.0 - START_MS) / 1_000)
                )
            }
            (_, verdict) => verdict.as_str().to_owned(),
        };
        writeln!(self.transcript, "{clock} [{about}]{whom} {what}: {}", ruling.why).unwrap();
    }

    fn clock(&self) -> String {
        clock_of(self.now_s)
    }

    /// What was decided since the last call.
    pub(crate) fn transcript(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }
}

fn clock_of(s: i64) -> String {
    format!("{:02}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
}

pub(crate) fn person(person: &str, channel: &str) -> Whom {
    Whom::person(&name(person), &name(channel))
}

pub(crate) fn readers(channel: &str) -> Whom {
    Whom::readers(&name(channel))
}

pub(crate) fn names(words: &[&str]) -> Vec<Name> {
    words.iter().map(|word| name(word)).collect()
}
