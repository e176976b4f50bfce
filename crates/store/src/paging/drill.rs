//! Drills: alerts that no chain and no other system made.

use model::Alert;

use super::{Input, inbox};
use crate::{Store, StoreError, records::alerts};

impl Store {
    /// Puts the alert of a drill on record, together with what the pager is told of it. Gives the
    /// number of the input.
    ///
    /// # Errors
    /// [`StoreError::NotADrill`] when the alert is real, or when the database cannot be written;
    /// nothing is on record then.
    pub fn begin_drill(&self, alert: &Alert, input: &Input) -> Result<u64, StoreError> {
        if alert.provenance().drill().is_none() {
            return Err(StoreError::NotADrill(alert.id));
        }
        self.write("begin a drill", |tx, _| {
            alerts::upsert(tx, alert)?;
            inbox::insert(tx, input)
        })
    }
}
