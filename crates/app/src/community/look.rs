//! Where alerts stand before the public: one look at those that are due, one transaction.

use std::{collections::BTreeSet, sync::Arc};

use alert::{
    pager::{Card, Row, Stored as StoredRow},
    plan::Plan,
    public::{
        Entry, Meter, Notice, Publishable, Standing, Status, Subject, Waiting, bulletins, consider,
    },
    quiet::{Silence, Veil, is_attack},
};
use model::{AlertId, UnixMillis};
use serde::{Deserialize, Serialize};
use store::{PublicDue, PublicSaid, PublicStep, PublicTelling, Store, StoreError};

use super::{Community, Said};
use crate::{notify::safe, paging};

/// Alerts that one look decides about: what a storm brings in a second.
pub(super) const LOOK_MAX: usize = 256;

/// What a channel may have to say at once: more is counted by the next message.
const QUEUE_MAX: usize = 10_000;

/// Version of the form of entries; one of a later version is refused rather than misread.
const ENTRY_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct StoredEntry {
    version: u32,
    entry: Entry,
}

/// An entry in the form in which it is stored.
pub fn stored(entry: &Entry) -> String {
    let stored = StoredEntry { version: ENTRY_VERSION, entry: entry.clone() };
    serde_json::to_string(&stored).expect("entries have text keys and no foreign types")
}

/// Reads an entry back. What cannot be read is told in the log: the rest is worth showing.
pub fn entry_of(alert: AlertId, body: Option<&str>) -> Option<Entry> {
    match serde_json::from_str::<StoredEntry>(body?) {
        Ok(StoredEntry { version, entry }) if version <= ENTRY_VERSION => Some(entry),
        Ok(StoredEntry { version, .. }) => {
            tracing::error!(%alert, version, "what the public heard is of a later program");
            None
        }
        Err(error) => {
            tracing::error!(%alert, %error, "what the public heard cannot be read");
            None
        }
    }
}

/// Why one look came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookError {
    /// The store refused to read or write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The silences cannot be read; published is rather nothing than what is silenced.
    #[error("reading the silences")]
    Silences(#[from] paging::PagingError),
}

impl Community {
    /// Looks at the alerts that are due; how many.
    pub(super) fn look(
        &self,
        store: &Store,
        plan: &Arc<Plan>,
        now: UnixMillis,
    ) -> Result<usize, LookError> {
        let due = store.public_due(now, LOOK_MAX)?;
        if due.is_empty() {
            return Ok(0);
        }
        let silences = paging::silences(store)?;
        let mut steps = Vec::with_capacity(due.len());
        for due in &due {
            steps.push(self.step(store, plan, &silences, due, now)?);
        }
        store.commit_public(&steps)?;
        Ok(due.len())
    }

    fn step(
        &self,
        store: &Store,
        plan: &Plan,
        silences: &[Silence],
        due: &PublicDue,
        now: UnixMillis,
    ) -> Result<PublicStep, StoreError> {
        let alert = due.alert;
        let before = entry_of(alert, due.body.as_deref());
        let details = store.alert(alert)?;
        let known = details.and_then(|details| {
            let card = card(details.card.as_deref()?)?;
            Some((Publishable::of(details.alert), card))
        });
        let standing = match known {
            Some((Ok(shown), card)) => {
                let headline = safe::title(&shown.finding().title);
                let subject = Subject {
                    shown: &shown,
                    severity: card.facts().severity,
                    life: card.life(),
                    silence: hidden_by(silences, &card, plan, now),
                    headline: &headline,
                };
                Some(consider(
                    before.as_ref().map(|entry| &entry.standing),
                    &subject,
                    &self.settings.policy,
                    now,
                ))
            }
            Some((Err(not_public), _)) => {
                tracing::error!(%alert, %not_public, "was to be published");
                None
            }
            // Not on record any more: what was published of it stays as it is.
            None => None,
        };
        let Some(standing) = standing else {
            let id = before.as_ref().and_then(|e| e.standing.notice()).map(|notice| notice.id.0);
            return Ok(PublicStep {
                alert,
                touched: due.touched,
                look_at: None,
                id,
                body: due.body.clone(),
                updated_at: before.map_or(now, |entry| entry.since),
                tellings: Vec::new(),
            });
        };
        let told_before = before.as_ref().and_then(|entry| entry.standing.notice());
        let tellings = match standing.notice() {
            Some(notice) if Some(notice) != told_before => self.tellings(store, alert, notice)?,
            _ => Vec::new(),
        };
        let since = match &before {
            Some(before) if before.standing == standing => before.since,
            _ => now,
        };
        Ok(PublicStep {
            alert,
            touched: due.touched,
            look_at: standing.look_at(),
            id: standing.notice().map(|notice| notice.id.0),
            updated_at: since,
            body: Some(stored(&Entry { standing, since })),
            tellings,
        })
    }

    /// What each channel has to say of a notice that is new, or changed. The end of something is told
    /// to who was told of it; what is void by now is not told to anybody else.
    fn tellings(
        &self,
        store: &Store,
        alert: AlertId,
        notice: &Notice,
    ) -> Result<Vec<PublicTelling>, StoreError> {
        let tellers: BTreeSet<String> = store.public_tellers(alert)?.into_iter().collect();
        let telling = |channel: &model::Name| {
            let channel_told = tellers.contains(channel.as_str());
            let channel = channel.clone();
            match notice.status {
                Status::Ongoing => PublicTelling::News(channel),
                _ if channel_told => PublicTelling::End(channel),
                Status::Over => PublicTelling::News(channel),
                Status::Harmless | Status::Retracted => PublicTelling::Nothing(channel),
            }
        };
        Ok(self.channels.keys().map(telling).collect())
    }

    /// Puts on its way what each channel bears of what it has to say; when the next one has room.
    pub(super) fn speak(
        &self,
        store: &Store,
        now: UnixMillis,
    ) -> Result<Option<UnixMillis>, StoreError> {
        let mut next: Option<UnixMillis> = None;
        for (name, channel) in &self.channels {
            let queue = store.public_queue(name, QUEUE_MAX)?;
            if queue.is_empty() {
                continue;
            }
            let allowance = self.settings.allowance(name);
            let meter = store.public_meter(name)?;
            let mut meter: Meter = match meter.map(|json| serde_json::from_str(&json)) {
                Some(Ok(meter)) => meter,
                None => Meter::new(allowance, now),
                Some(Err(error)) => {
                    tracing::error!(channel = %name, %error, "what a public channel bore cannot be read; counting anew");
                    Meter::new(allowance, now)
                }
            };
            let mut notices = std::collections::BTreeMap::new();
            let mut waiting = Vec::with_capacity(queue.len());
            for queued in queue {
                let entry = entry_of(queued.alert, Some(&queued.body));
                let notice = entry.and_then(|entry| match entry.standing {
                    Standing::Published { notice } => Some(*notice),
                    Standing::Waits { .. } | Standing::Withheld { .. } => None,
                });
                let Some(notice) = notice else { continue };
                waiting.push(Waiting {
                    alert: queued.alert,
                    severity: notice.severity.unwrap_or_default(),
                    is_end: queued.is_end,
                    since: queued.since,
                });
                notices.insert(queued.alert, (queued.is_end, notice));
            }
            let said: Vec<PublicSaid> = bulletins(waiting, &mut meter, allowance, now)
                .into_iter()
                .filter_map(|bulletin| {
                    let (_, lead) = notices.get(&bulletin.lead)?.clone();
                    let others = bulletin.others.len() as u64;
                    let mut alerts = bulletin.others;
                    alerts.push(bulletin.lead);
                    let is_end = alerts.iter().all(|a| notices.get(a).is_some_and(|n| n.0));
                    let body = serde_json::to_string(&Said { lead, others })
                        .expect("notices have text keys and no foreign types");
                    Some(PublicSaid { alerts, is_end, body })
                })
                .collect();
            let told: usize = said.iter().map(|said| said.alerts.len()).sum();
            if told < notices.len() {
                let room = meter.next(allowance);
                next = Some(next.map_or(room, |next| next.min(room)));
            }
            if !said.is_empty() {
                let meter = serde_json::to_string(&meter).expect("two numbers");
                store.say_in_public(name, channel.has_subscribers(), &said, &meter, now)?;
            }
        }
        Ok(next)
    }
}

fn card(json: &str) -> Option<Card> {
    match serde_json::from_str(json) {
        Ok(StoredRow { row: Row::Card(card), .. }) => Some(*card),
        _ => None,
    }
}

/// The silence that hides an alert from the team: what nobody is told inside is not told outside.
fn hidden_by<'a>(
    silences: &'a [Silence],
    card: &Card,
    plan: &Plan,
    now: UnixMillis,
) -> Option<(&'a model::Name, UnixMillis)> {
    let facts = card.facts();
    let attack = is_attack(facts.severity, facts.outflow_usd, plan.outflow_limit_usd);
    silences
        .iter()
        .find(|silence| silence.veil(&facts.labels, attack, now) == Veil::Hides)
        .map(|silence| (&silence.id, silence.until))
}
