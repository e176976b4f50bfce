//! Our pager, fed with the same alerts, on a virtual clock.

use std::{collections::BTreeMap, sync::Arc};

use bellwether_alert::{
    Labels,
    life::Truth,
    pager::{Facts, Input, News, Outcome, Pager},
    plan::{Channel, ChannelKind, Plan},
    quiet::Silence,
};
use model::{AlertId, Name, Provenance, Severity, UnixMillis};

/// When the story begins.
pub(crate) const START: UnixMillis = UnixMillis(1_800_000_000_000);

/// One message, in the words of the comparison.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) at: UnixMillis,
    pub(crate) receiver: String,
    /// Names of alerts that stand.
    pub(crate) firing: Vec<String>,
    /// Names of those that are over.
    pub(crate) resolved: Vec<String>,
}

/// A pager and its clock.
pub(crate) struct Ours {
    pager: Pager,
    now: UnixMillis,
    names: BTreeMap<AlertId, String>,
    told: Vec<Told>,
}

/// Channels that bear everything: what a reader does not bear is no part of this comparison.
pub(crate) fn channels(names: impl IntoIterator<Item = Name>) -> BTreeMap<Name, Channel> {
    let channel =
        Channel { burst: 1_000_000, per_minute: 1_000_000, ..Channel::new(ChannelKind::Webhook) };
    names.into_iter().map(|name| (name, channel.clone())).collect()
}

impl Ours {
    pub(crate) fn new(plan: Plan) -> Self {
        let (names, told) = (BTreeMap::new(), Vec::new());
        Self { pager: Pager::new(Arc::new(plan)), now: START, names, told }
    }

    pub(crate) fn alert(&mut self, name: &str, labels: Labels, severity: Severity, truth: Truth) {
        let mut id = [0; 16];
        id[..name.len()].copy_from_slice(name.as_bytes());
        let alert = AlertId(id);
        self.names.insert(alert, name.to_owned());
        let because = "posted".to_owned();
        let provenance = Provenance::Live;
        let (findings, outflow_usd) = (1, None);
        let facts =
            Facts { alert, labels, severity, truth, because, findings, outflow_usd, provenance };
        self.apply(Input::Alert(facts));
    }

    pub(crate) fn silence(&mut self, silence: Silence) {
        let outcome = self.apply(Input::Silence(silence));
        assert_eq!(outcome, [""; 0], "a silence that Alertmanager takes, too");
    }

    fn apply(&mut self, input: Input) -> Vec<String> {
        let outcome = self.pager.apply(input, self.now);
        let refused = outcome.refused.iter().map(ToString::to_string).collect();
        self.keep(outcome);
        refused
    }

    fn keep(&mut self, outcome: Outcome) {
        for message in outcome.messages {
            let names = |over: bool| -> Vec<String> {
                let lines = message.lines.iter();
                lines
                    .filter(|line| matches!(line.news, News::Over(_) | News::Void) == over)
                    .map(|line| self.names[&line.alert].clone())
                    .collect()
            };
            self.told.push(Told {
                at: message.at,
                receiver: message.to.channel.to_string(),
                firing: names(false),
                resolved: names(true),
            });
        }
    }

    /// Lets time pass.
    pub(crate) fn wait_s(&mut self, seconds: i64) {
        let until = self.now.plus(seconds * 1_000);
        while let Some(due) = self.pager.next_due().filter(|due| *due <= until) {
            self.now = due;
            let outcome = self.pager.apply(Input::Tick, due);
            self.keep(outcome);
        }
        self.now = until;
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.now
    }

    /// What it told since the last look.
    pub(crate) fn take(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
}
