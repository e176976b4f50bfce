//! Silences that have not ended, out of the pager's memory.

use alert::{
    pager::{Row, Stored},
    quiet::Silence,
};
use store::Store;

use super::PagingError;

/// The silences that the pager knows of, the one that ends first first.
///
/// # Errors
/// When the store or a row cannot be read.
pub fn silences(store: &Store) -> Result<Vec<Silence>, PagingError> {
    let mut silences = Vec::new();
    for (key, json) in store.pager_rows()? {
        let stored: Stored =
            serde_json::from_str(&json).map_err(|source| PagingError::Row { key, source })?;
        if let Row::Silence(silence) = stored.row {
            silences.push(silence);
        }
    }
    silences.sort_by(|a, b| (a.until, &a.id).cmp(&(b.until, &b.id)));
    Ok(silences)
}
