//! Who is told what, now, later or not at all; each with its reason.
//!
//! Choices that a reader should know:
//! * A retraction goes to everyone who was told, even if the earlier message still waits in the
//!   outbox: whether that one was delivered cannot be known for certain, and the later message tells
//!   the truth in any order of arrival. Every message also shows the alert's state at the time of
//!   sending.
//! * Who was told about an alert keeps hearing of it, also when the routes have changed since.
//! * A rise in severity never waits; more of the same waits for [`Policy::update_interval_s`], and
//!   [`AlertInput::Tick`](crate::AlertInput::Tick) sends what waited if nothing else happens.

use model::{
    Action, Alert, AlertState, BlockRef, Decision, Name, Notification, NotificationId,
    NotificationKind, NotificationState, Reason, Severity, Stage, Told, UnixMillis,
};

use crate::{Outcome, Policy, Subject};

/// What an alert was like before an input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    pub(crate) state: AlertState,
    pub(crate) severity: Severity,
    pub(crate) standing: u64,
}

impl From<&Alert> for Before {
    fn from(alert: &Alert) -> Self {
        let standing = alert.findings_standing();
        Self { state: alert.state, severity: alert.severity, standing }
    }
}

/// Decides for one input.
pub(crate) struct Tell<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) now: UnixMillis,
    pub(crate) outcome: &'a mut Outcome,
}

impl Tell<'_> {
    /// Findings joined the alert; `before` is `None` when they opened it.
    pub(crate) fn found(&mut self, alert: &mut Alert, before: Option<Before>) {
        let standing = alert.findings_standing();
        if let Some(before) = before.filter(|before| before.state != AlertState::Retracted) {
            let findings = standing - before.standing;
            let window_s = self.policy.group_window_s;
            self.decide(alert, None, Action::Group, Reason::WithinWindow { findings, window_s });
        }
        let mut receivers: Vec<Name> =
            self.policy.receivers(&Subject::from(&*alert)).into_iter().cloned().collect();
        receivers.extend(
            alert.told.keys().filter(|told| !receivers.contains(told)).cloned().collect::<Vec<_>>(),
        );
        let is_news = before.is_none_or(|before| {
            before.state == AlertState::Retracted || alert.severity > before.severity
        });
        if receivers.is_empty() && is_news {
            let reason = match self.policy.stage(&alert.monitor) {
                Stage::Shadow => Reason::InShadow,
                _ => Reason::NoRoute { severity: alert.severity },
            };
            self.decide(alert, None, Action::Withhold, reason);
        }
        for receiver in &receivers {
            self.found_for(alert, before, standing, receiver);
        }
    }

    fn found_for(
        &mut self,
        alert: &mut Alert,
        before: Option<Before>,
        standing: u64,
        receiver: &Name,
    ) {
        let Some(told) = alert.told.get(receiver) else {
            let reason = match before {
                Some(Before { state, severity, .. }) if state != AlertState::Retracted => {
                    if alert.severity > severity {
                        Reason::SeverityRose { from: severity, to: alert.severity }
                    } else {
                        Reason::NewlyRouted
                    }
                }
                _ => Reason::FirstFinding { more: standing - 1 },
            };
            return self.notify(alert, receiver, NotificationKind::Opened, reason);
        };
        if told.kind == NotificationKind::Retracted {
            self.notify(alert, receiver, NotificationKind::Opened, Reason::FoundAgain);
        } else if alert.severity > told.severity {
            let reason = Reason::SeverityRose { from: told.severity, to: alert.severity };
            self.notify(alert, receiver, NotificationKind::Updated, reason);
        } else if standing > told.findings {
            let until = due(told, self.policy);
            let waiting = standing - told.findings;
            let was_waiting = before.is_some_and(|before| before.standing > told.findings);
            if self.now >= until {
                let reason = Reason::MoreFindings { new: waiting, total: standing };
                self.notify(alert, receiver, NotificationKind::Updated, reason);
            } else if !was_waiting {
                let reason = Reason::UpdateInterval { waiting };
                self.decide(alert, Some(receiver), Action::Hold { until }, reason);
            }
        }
    }

    /// Findings left the alert with blocks that left the chain, of which `oldest` is the oldest.
    pub(crate) fn undone(&mut self, alert: &mut Alert, left: u64, oldest: BlockRef) {
        let standing = alert.findings_standing();
        let told: Vec<(Name, Severity)> = alert
            .told
            .iter()
            .filter(|(_, told)| told.kind != NotificationKind::Retracted)
            .map(|(receiver, told)| (receiver.clone(), told.severity))
            .collect();
        if alert.state == AlertState::Retracted {
            if told.is_empty() {
                self.decide(alert, None, Action::Withhold, Reason::NobodyWasTold);
            }
            let Some(block) = alert.finding().map(|first| first.origin.block) else { return };
            for (receiver, _) in &told {
                let reason = Reason::LeftTheChain { block, findings: left };
                self.notify(alert, receiver, NotificationKind::Retracted, reason);
            }
            return;
        }
        self.decide(alert, None, Action::Withhold, Reason::StillStands { left, standing });
        for (receiver, from) in &told {
            if alert.severity < *from {
                let to = alert.severity;
                let reason = Reason::SeverityFell { from: *from, to, block: oldest };
                self.notify(alert, receiver, NotificationKind::Updated, reason);
            } else if let Some(told) = alert.told.get_mut(receiver) {
                // Others may take the places of those that left; they must not pass untold.
                told.findings = told.findings.min(standing);
            }
        }
    }

    /// Findings of the alert do not hold any more, because somebody put right what they were about.
    pub(crate) fn put_right(&mut self, alert: &mut Alert, left: u64, how: &str) {
        let standing = alert.findings_standing();
        if alert.state != AlertState::Retracted {
            self.decide(alert, None, Action::Withhold, Reason::StillStands { left, standing });
            for told in alert.told.values_mut() {
                // Others may take the places of those that left; they must not pass untold.
                told.findings = told.findings.min(standing);
            }
            return;
        }
        let told: Vec<Name> = alert
            .told
            .iter()
            .filter(|(_, told)| told.kind != NotificationKind::Retracted)
            .map(|(receiver, _)| receiver.clone())
            .collect();
        if told.is_empty() {
            self.decide(alert, None, Action::Withhold, Reason::NobodyWasTold);
        }
        for receiver in &told {
            let reason = Reason::PutRight { how: how.to_owned() };
            self.notify(alert, receiver, NotificationKind::Retracted, reason);
        }
    }

    /// Findings of the alert became final.
    pub(crate) fn settled(&mut self, alert: &mut Alert, before: AlertState, block: BlockRef) {
        if before == AlertState::Confirmed || alert.state != AlertState::Confirmed {
            return;
        }
        let told: Vec<Name> = alert
            .told
            .iter()
            .filter(|(_, told)| told.kind != NotificationKind::Retracted)
            .map(|(receiver, _)| receiver.clone())
            .collect();
        for receiver in &told {
            if self.policy.asks_confirmation(&Subject::from(&*alert), receiver) {
                self.notify(alert, receiver, NotificationKind::Confirmed, Reason::Final { block });
            } else {
                let severity = alert.severity;
                let reason = Reason::ConfirmationNotAsked { severity };
                self.decide(alert, Some(receiver), Action::Withhold, reason);
            }
        }
    }

    /// Time has passed: tells what waited long enough.
    pub(crate) fn tick(&mut self, alert: &mut Alert) {
        let standing = alert.findings_standing();
        let ready: Vec<(Name, u64)> = waiting(alert)
            .filter(|(_, told)| self.now >= due(told, self.policy))
            .map(|(receiver, told)| (receiver.clone(), standing - told.findings))
            .collect();
        for (receiver, new) in &ready {
            let reason = Reason::MoreFindings { new: *new, total: standing };
            self.notify(alert, receiver, NotificationKind::Updated, reason);
        }
    }

    fn notify(
        &mut self,
        alert: &mut Alert,
        receiver: &Name,
        kind: NotificationKind,
        reason: Reason,
    ) {
        let sequence = alert.told.get(receiver).map_or(0, |told| told.sequence + 1);
        let told = Told {
            kind,
            sequence,
            at: self.now,
            severity: alert.severity,
            findings: alert.findings_standing(),
        };
        alert.told.insert(receiver.clone(), told);
        self.outcome.notifications.push(Notification {
            id: NotificationId::derive(alert.id, receiver, sequence),
            alert: alert.id,
            receiver: receiver.clone(),
            person: None,
            form: model::MessageForm::Notice,
            group: None,
            alerts: 1,
            kind,
            sequence,
            reason: reason.to_string(),
            decided_at: self.now,
            attempts: 0,
            state: NotificationState::Due { not_before: self.now },
        });
        self.decide(alert, Some(receiver), Action::Notify(kind), reason);
    }

    fn decide(&mut self, alert: &Alert, receiver: Option<&Name>, action: Action, reason: Reason) {
        self.outcome.decisions.push(Decision {
            alert: alert.id,
            receiver: receiver.cloned(),
            at: self.now,
            action,
            reason,
        });
    }
}

/// Receivers who have not been told of findings that stand.
pub(crate) fn waiting(alert: &Alert) -> impl Iterator<Item = (&Name, &Told)> {
    let standing = alert.findings_standing();
    alert.told.iter().filter(move |(_, told)| {
        told.kind != NotificationKind::Retracted && standing > told.findings
    })
}

/// When the next update may go to a receiver.
pub(crate) fn due(told: &Told, policy: &Policy) -> UnixMillis {
    let interval_ms = i64::try_from(policy.update_interval_s).unwrap_or(i64::MAX);
    told.at.plus(interval_ms.saturating_mul(1000))
}
