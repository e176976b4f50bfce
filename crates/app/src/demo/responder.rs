//! The person who is woken, and says that they are on it.

use alert::{life::Deed, pager::Input};
use model::{AlertId, MessageForm, Name, NotificationState, UnixMillis};
use store::AlertDetails;

use super::judge::is_retracted;

/// Somebody to whom a page was delivered, and the alerts that they now look after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Responder {
    /// Who.
    pub(super) name: Name,
    /// What they are on.
    pub(super) alerts: Vec<AlertId>,
}

impl Responder {
    /// The first person who got a page about one of these alerts takes all of them that stand.
    /// `None` while no page has arrived.
    pub(super) fn of(alerts: &[AlertDetails]) -> Option<Self> {
        let pages = alerts.iter().flat_map(|details| &details.notifications);
        let arrived = pages.filter_map(|message| match (&message.person, &message.state) {
            (Some(person), NotificationState::Delivered { at, .. })
                if message.form == MessageForm::Page =>
            {
                Some((*at, person))
            }
            _ => None,
        });
        let (_, name) = arrived.min()?;
        let standing = alerts.iter().map(|details| &details.alert);
        let alerts: Vec<AlertId> =
            standing.filter(|alert| !is_retracted(alert)).map(|alert| alert.id).collect();
        (!alerts.is_empty()).then(|| Self { name: name.clone(), alerts })
    }

    /// What they tell the pager.
    pub(super) fn acknowledges(&self, at: UnixMillis) -> Input {
        Input::Said {
            alerts: self.alerts.clone(),
            by: self.name.clone(),
            deed: Deed::Acknowledge,
            at,
            reason: "woken by a page".to_owned(),
        }
    }
}
