//! The account of alerts, as pages, API and commands show it.

use alert::{
    life::Life,
    pager::{Row, Ruling, Stored},
};
use model::{Alert, Told};
use store::{AlertDetails, Store, StoreError};

/// Alerts with what their receivers were told last.
///
/// # Errors
/// When the store cannot be read.
pub fn with_told(store: &Store, mut alerts: Vec<Alert>) -> Result<Vec<Alert>, StoreError> {
    let mut all = store.told(alerts.iter().map(|alert| alert.id))?;
    for alert in &mut alerts {
        let told = all.remove(&alert.id).unwrap_or_default();
        let (severity, findings) = (alert.severity, alert.findings_standing());
        alert.told.extend(told.into_iter().map(|(receiver, last)| {
            let (kind, sequence, at) = (last.kind, last.sequence, last.decided_at);
            (receiver, Told { kind, sequence, at, severity, findings })
        }));
    }
    Ok(alerts)
}

/// What was decided about who hears of an alert, in order. What cannot be read is told as such in the
/// log: the rest of the account is worth showing.
pub fn rulings(details: &AlertDetails) -> Vec<Ruling> {
    let read = |row: &store::RulingRow| match serde_json::from_str(&row.json) {
        Ok(ruling) => Some(ruling),
        Err(error) => {
            tracing::error!(alert = %details.alert.id, %error, "a ruling cannot be read");
            None
        }
    };
    details.rulings.iter().filter_map(read).collect()
}

/// Where an alert is among people, and how it came there; `None`: the pager was not told of it.
pub fn life(details: &AlertDetails) -> Option<Life> {
    match serde_json::from_str(details.card.as_ref()?) {
        Ok(Stored { row: Row::Card(card), .. }) => Some(card.life().clone()),
        Ok(_) => None,
        Err(error) => {
            tracing::error!(alert = %details.alert.id, %error, "a life cannot be read");
            None
        }
    }
}
