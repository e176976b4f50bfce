//! Canaries: the program's own, many and worth little, so that only the newest are kept.

use model::{Name, Provenance};
use rusqlite::{Transaction, params};

use crate::StoreError;

/// Canaries of a network that are kept with all that belongs to them: an hour at the usual pace of one
/// in five minutes, to be looked at when one did not arrive.
pub const CANARIES_KEPT: usize = 12;

/// What the pager was told of canaries that is kept: five networks' of an hour.
const INPUTS_KEPT: usize = 5 * CANARIES_KEPT;

/// Removes the canaries of a network beyond the newest [`CANARIES_KEPT`] with everything that was
/// decided and sent about them, delivered or not: a younger one tells the same.
pub(crate) fn keep_newest(tx: &Transaction<'_>, network: &Name) -> Result<(), StoreError> {
    let old = tx
        .prepare_cached(
            "SELECT id FROM alerts WHERE network = ?1 AND apart = 'canary'
             ORDER BY opened_at DESC, id DESC LIMIT -1 OFFSET ?2",
        )?
        .query_map(params![network.as_str(), CANARIES_KEPT as i64], |row| row.get(0))?
        .collect::<Result<Vec<Vec<u8>>, _>>()?;
    for id in &old {
        for statement in [
            "DELETE FROM attempts WHERE notification IN (
                 SELECT id FROM notifications WHERE alert = ?1)",
            "DELETE FROM notification_alerts WHERE notification IN (
                 SELECT id FROM notifications WHERE alert = ?1)",
            "DELETE FROM notifications WHERE alert = ?1",
            "DELETE FROM rulings WHERE alert = ?1",
            "DELETE FROM decisions WHERE alert = ?1",
            "DELETE FROM alerts WHERE id = ?1",
        ] {
            tx.prepare_cached(statement)?.execute([id])?;
        }
    }
    tx.prepare_cached(
        "DELETE FROM pager_inbox WHERE kind = ?1
           AND sequence <= (SELECT applied FROM pager_checkpoint)
           AND sequence <= (SELECT sequence FROM pager_inbox WHERE kind = ?1
                            ORDER BY at DESC, sequence DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![Provenance::CANARY_MARK, INPUTS_KEPT as i64])?;
    Ok(())
}
