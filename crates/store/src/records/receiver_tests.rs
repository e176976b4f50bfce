//! Whether receivers can be reached: the newest test of each from end to end.

use model::{Name, UnixMillis};
use rusqlite::{OptionalExtension, params};

use crate::{Store, StoreError};

/// What came of the newest test of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverTest {
    /// When.
    pub at: UnixMillis,
    /// Since when no test message arrived; `None` when this one did.
    pub failing_since: Option<UnixMillis>,
    /// Whether others were told of the failure.
    pub told: bool,
    /// Receipt or error.
    pub detail: String,
}

impl Store {
    /// The newest test of a receiver, if it was ever tested.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn receiver_test(&self, receiver: &Name) -> Result<Option<ReceiverTest>, StoreError> {
        self.read("read the test of a receiver", |tx| {
            let test = tx
                .prepare_cached(
                    "SELECT at, failing_since, told, detail FROM receiver_tests WHERE receiver = ?1",
                )?
                .query_row([receiver.as_str()], |row| {
                    Ok(ReceiverTest {
                        at: UnixMillis(row.get(0)?),
                        failing_since: row.get::<_, Option<i64>>(1)?.map(UnixMillis),
                        told: row.get(2)?,
                        detail: row.get(3)?,
                    })
                })
                .optional()?;
            Ok(test)
        })
    }

    /// Keeps what came of a test, in place of the one before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_receiver_test(
        &self,
        receiver: &Name,
        test: &ReceiverTest,
    ) -> Result<(), StoreError> {
        self.write("keep the test of a receiver", |tx, _| {
            tx.prepare_cached(
                "INSERT OR REPLACE INTO receiver_tests (receiver, at, failing_since, told, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                receiver.as_str(),
                test.at.0,
                test.failing_since.map(|since| since.0),
                test.told,
                test.detail,
            ])?;
            Ok(())
        })
    }
}
