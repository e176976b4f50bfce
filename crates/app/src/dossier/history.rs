//! What happened to a contract.

use model::Alert;
use registry::Deployment;
use store::{AlertFilter, Store, StoreError};

/// Alerts that a dossier lists; the alerts page has the rest.
pub const ALERTS_LISTED_MAX: usize = 20;

/// Alerts about one deployment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Newest first.
    pub alerts: Vec<Alert>,
    /// Whether there are more.
    pub has_more: bool,
}

impl History {
    pub(super) fn of(deployment: &Deployment, store: &Store) -> Result<Self, StoreError> {
        let filter =
            AlertFilter { deployment: Some(deployment.label.clone()), ..AlertFilter::default() };
        let page = store.alerts(&filter, None, ALERTS_LISTED_MAX)?;
        Ok(Self { alerts: page.items, has_more: page.next.is_some() })
    }
}
