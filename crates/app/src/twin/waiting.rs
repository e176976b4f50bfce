//! Messages that wait for the word of another installation.

use alert::{
    pager::{self, GroupId, MessageId, Ruling, Verdict, Whom, Why},
    twin::{Decision, Word},
};
use model::{Notification, UnixMillis};
use store::{Release, ReleaseStep, RulingRow, Store, StoreError, WaitingMessage};

use super::Twins;
use crate::{
    paging,
    words::{seconds, utc},
};

/// Messages looked at in one round; the next round goes on.
const WAITING_MAX: usize = 1_000;

/// Decides anew of each message that waits; how many changed.
pub(super) fn release(store: &Store, twins: &Twins, now: UnixMillis) -> Result<u64, StoreError> {
    let mut step = ReleaseStep { at: now, ..ReleaseStep::default() };
    for waiting in store.waiting_for_twins(WAITING_MAX)? {
        let WaitingMessage { notification, lines, networks, held_for, spoken } = waiting;
        let whom =
            Whom { channel: notification.receiver.clone(), person: notification.person.clone() };
        let word = |line: &model::NotificationLine| Word {
            whom: whom.clone(),
            alert: line.alert,
            kind: line.kind,
            severity: line.severity,
            sequence: line.sequence,
        };
        let words: Vec<Word> = lines.iter().map(word).collect();
        let decided_at = notification.decided_at;
        match twins.decide(&words, &networks, decided_at, spoken, now) {
            Decision::Send(because) => {
                let Some(_held) = held_for else { continue };
                let why = Why::TwinNot { because: because.to_string() };
                step.released.push((notification.id, Release::Send));
                step.rulings.push(ruling(&notification, &whom, Verdict::Released, why, now));
            }
            Decision::Hold { twin, until } => {
                // Only what was held back before waits on: what is being tried is not interrupted.
                if held_for.is_some() {
                    step.released.push((notification.id, Release::Hold { twin, until }));
                }
            }
            Decision::Told { twin, at, receipt } => {
                let record = format!("told by the twin {twin} at {}: {receipt}", utc(seconds(at)));
                let message = MessageId(notification.id.0);
                let report = whom
                    .person
                    .is_some()
                    .then(|| paging::stored(&pager::Input::Delivered { message }, now));
                let why = Why::TwinTold { twin, at, receipt };
                step.released.push((notification.id, Release::Told { receipt: record, report }));
                step.rulings.push(ruling(&notification, &whom, Verdict::ToldByTwin, why, now));
            }
        }
    }
    if step.released.is_empty() {
        return Ok(0);
    }
    store.release(&step)
}

fn ruling(
    about: &Notification,
    whom: &Whom,
    verdict: Verdict,
    why: Why,
    at: UnixMillis,
) -> RulingRow {
    let group = about.group;
    let ruling = Ruling {
        at,
        alert: None,
        group: group.map(GroupId),
        whom: Some(whom.clone()),
        message: Some(MessageId(about.id.0)),
        verdict,
        why,
    };
    paging::ruling(&ruling)
}
