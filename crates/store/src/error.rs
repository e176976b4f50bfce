//! What can go wrong, with the object it went wrong on.

use std::path::PathBuf;

use model::{AlertId, BlockNumber, BlockRange, BlockRef, Name, NotificationId, Position};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database file could not be opened, created or prepared.
    #[error("cannot open the database {path}")]
    Open {
        /// File.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Another process (or another handle that is not a clone of this one) has it open.
    #[error("the database {path} is in use by another process")]
    InUse {
        /// File.
        path: PathBuf,
    },
    /// A SQLite file that some other program made.
    #[error("{path} is a SQLite database, but not one of Bellwether's (application id {found:#x})")]
    NotOurs {
        /// File.
        path: PathBuf,
        /// The id in the file's header.
        found: i32,
    },
    /// Written by a later version of this program; reading it could lose what we do not know of.
    #[error(
        "the database {path} has schema {found}, this program knows up to {known}: use a newer program"
    )]
    NewerDatabase {
        /// File.
        path: PathBuf,
        /// Schema of the file.
        found: i64,
        /// Newest schema this program has.
        known: i64,
    },
    /// Written by an earlier version of this program, and only to be read.
    #[error(
        "the database {path} has schema {found}, this program reads {known}: `bellwether run` brings it up to date"
    )]
    OlderDatabase {
        /// File.
        path: PathBuf,
        /// Schema of the file.
        found: i64,
        /// Schema of this program.
        known: i64,
    },
    /// What the pager decided does not follow on what is stored.
    #[error("inputs {from}..={to} of the pager do not follow on input {stored}")]
    InboxMismatch {
        /// Newest input that was thought to be applied.
        from: u64,
        /// Newest input applied with this step.
        to: u64,
        /// Newest input that is.
        stored: u64,
    },
    /// The file system refused.
    #[error("cannot {operation} {path}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// SQLite refused; nothing of the operation was kept.
    #[error("cannot {operation}")]
    Sqlite {
        /// What was tried.
        operation: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Something is said of an alert that is not on record.
    #[error("there is no alert {0} on record")]
    NoAlert(AlertId),
    /// Something is given out for a drill that is none.
    #[error("alert {0} is no drill")]
    NotADrill(AlertId),
    /// A row that this program would never have written.
    #[error("corrupt row in {table}, key {key}: {reason}")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Key of the row, printed.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A row in an encoding of a later version of this program.
    #[error(
        "row in {table}, key {key}, has format {found}, this program knows up to {known}: use a newer program"
    )]
    UnknownFormat {
        /// Table.
        table: &'static str,
        /// Key of the row, printed; for the event log it names network and position.
        key: String,
        /// The row's format.
        found: u8,
        /// The newest format of such rows that this program reads.
        known: u8,
    },
    /// A value could not be encoded for storing.
    #[error("cannot encode a row of {table}")]
    Encode {
        /// Table it was meant for.
        table: &'static str,
        /// What the encoder says.
        source: postcard::Error,
    },
    /// A number beyond what a column holds (2^63 - 1).
    #[error("{what} {value} is too large to be stored")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// The step begins elsewhere than the last one ended: it was committed before, or one is missing.
    #[error(
        "step of {network} begins at position {from}, but the checkpoint is {stored}",
        from = from.0, stored = stored.0
    )]
    CheckpointMismatch {
        /// Network.
        network: Name,
        /// Where the step begins.
        from: Position,
        /// Where the last one ended.
        stored: Position,
    },
    /// The step ends where it begins, or before.
    #[error(
        "step of {network} does not advance: it begins at position {from} and ends at {to}",
        from = from.0, to = to.0
    )]
    CheckpointNotAdvancing {
        /// Network.
        network: Name,
        /// Where the step begins.
        from: Position,
        /// Where it ends.
        to: Position,
    },
    /// Something of one network was handed in under another.
    #[error("{what} of network {found} in a batch of network {expected}")]
    ForeignNetwork {
        /// What it is.
        what: &'static str,
        /// Network of the batch.
        expected: Name,
        /// Network of the thing.
        found: Name,
    },
    /// Two blocks at one height without a reversal in between.
    #[error("{network} has block {stored}; {new} at the same height came without a reversal")]
    HeightTaken {
        /// Network.
        network: Name,
        /// The block on record.
        stored: BlockRef,
        /// The block that was to be recorded.
        new: BlockRef,
    },
    /// Blocks that can still be reverted were to be judged as if they were the past.
    #[error(
        "blocks {range} of {network} are not final ({})",
        finalized.map_or("none is".to_owned(), |number| format!("final is {number}"))
    )]
    NotFinal {
        /// Network.
        network: Name,
        /// The blocks.
        range: BlockRange,
        /// The newest final block.
        finalized: Option<BlockNumber>,
    },
    /// Positions that retention has removed were asked for.
    #[error(
        "event log of {network} begins at position {start}; {from} was removed by retention",
        start = start.0, from = from.0
    )]
    Truncated {
        /// Network.
        network: Name,
        /// What was asked for.
        from: Position,
        /// First position that is still there.
        start: Position,
    },
    /// Positions that do not exist yet were to be removed.
    #[error(
        "event log of {network} ends at position {end}, cannot truncate before {before}",
        end = end.0, before = before.0
    )]
    TruncateBeyondEnd {
        /// Network.
        network: Name,
        /// What was to be the first position.
        before: Position,
        /// Position of the next event to come.
        end: Position,
    },
    /// An outcome was reported for a notification that the outbox does not have.
    #[error("no notification {0} in the outbox")]
    UnknownNotification(NotificationId),
    /// A range or page larger than one answer may be.
    #[error("{what}: {asked} asked for, at most {limit} in one query")]
    QueryTooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much was asked for.
        asked: u64,
        /// How much there may be.
        limit: u64,
    },
    /// A query that cannot be answered, whatever the data.
    #[error("bad query: {0}")]
    BadQuery(&'static str),
}

/// Operation of an error that has not passed [`StoreError::during`] yet.
const UNNAMED: &str = "use the database";

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite { operation: UNNAMED, source }
    }
}

impl StoreError {
    /// Names the operation that an SQLite error interrupted, once, at the boundary of the store.
    pub(crate) fn during(self, operation: &'static str) -> Self {
        match self {
            Self::Sqlite { operation: UNNAMED, source } => Self::Sqlite { operation, source },
            other => other,
        }
    }

    pub(crate) fn corrupt(table: &'static str, key: impl ToString, reason: impl ToString) -> Self {
        Self::Corrupt { table, key: key.to_string(), reason: reason.to_string() }
    }
}

/// A number as an SQLite integer.
pub(crate) fn integer(what: &'static str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::OutOfRange { what, value })
}

/// A block height as an SQLite integer.
pub(crate) fn height(number: BlockNumber) -> Result<i64, StoreError> {
    integer("block number", number)
}
