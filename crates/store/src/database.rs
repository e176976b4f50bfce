//! The file: one writer, several readers.
//!
//! WAL lets readers go on while the writer commits, so a web page never holds up judging: pages use
//! read connections of their own, each read a consistent snapshot. All writing goes through one
//! connection behind a mutex; SQLite allows one writer anyway, and queueing here is fairer and
//! cheaper than `SQLITE_BUSY`.
//!
//! `synchronous=FULL` makes a commit wait for the disk: after a power cut everything that was
//! committed is there. Measured by `examples/commit_cost.rs` (a block with 2 findings and 100 points,
//! debug build, a virtual disk of 240 fsyncs a second): 5.2 ms a step committed alone, 1.0 ms in
//! transactions of ten, 0.5 ms in memory. So the wait is one fsync whatever the size, which is why
//! steps and appends take batches. `NORMAL` would be three times faster when catching up and could
//! lose the last steps, and with them the knowledge of what was sent.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{
    StoreError,
    migrate::{check_schema, migrate},
    outbox,
    series::SeriesIds,
};

/// Read connections: more than the cores that would use them would only queue elsewhere.
const READERS_MAX: usize = 4;

/// Statements kept prepared on each connection: more than the store has.
const STATEMENTS_CACHED_MAX: usize = 128;

/// How long SQLite waits for a lock held by another process (a backup tool, an operator's shell)
/// before it refuses.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Size to which the write-ahead file is cut after a checkpoint: a burst of catch-up does not keep
/// its disk space for ever.
const WAL_BYTES_KEPT: i64 = 64 * 1024 * 1024;

/// The store's handle. Clones share one database.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
}

struct Database {
    /// `None` for a database in memory.
    path: Option<PathBuf>,
    /// The only connection that writes, with what must stay true of its rows.
    writer: Mutex<Writer>,
    /// Idle read connections and the count of open ones; unused for a database in memory, which
    /// other connections cannot see.
    readers: Mutex<Readers>,
    /// Signalled when a reader returns to the pool.
    reader_returned: Condvar,
    /// Held for the life of the handle: keeps a second process from writing the same file.
    _lock: Option<File>,
}

struct Writer {
    connection: Connection,
    series: SeriesIds,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    open: usize,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.database.path).finish_non_exhaustive()
    }
}

impl Store {
    /// The database's file; `None` for one in memory.
    pub fn file(&self) -> Option<&Path> {
        self.database.path.as_deref()
    }

    /// Opens a database, creating it (readable by its owner only) or migrating it as needed.
    ///
    /// # Errors
    /// When it is in use by another process, not ours, newer than this program, or unreadable.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let lock = lock(path)?;
        create_private(path)?;
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(open)?;
        prepare(&connection).map_err(open)?;
        connection
            .pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))
            .and_then(|()| connection.pragma_update(None, "synchronous", "full"))
            .and_then(|()| {
                let cut = |_: &rusqlite::Row<'_>| Ok(());
                connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES_KEPT, cut)
            })
            .map_err(open)?;
        migrate(&mut connection, path)?;
        // The lock says that whoever took these is gone.
        let released = outbox::release(&connection).map_err(open)?;
        if released > 0 {
            tracing::info!(released, "messages that were on their way are due again");
        }
        Ok(Self::over(connection, Some(path.to_owned()), Some(lock)))
    }

    /// Opens a database that is there, only to read: also while another process watches with it.
    /// Whatever would write is refused.
    ///
    /// # Errors
    /// When it is not there, not ours, or has the schema of another version of this program.
    pub fn open_to_read(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let connection = open_reader(path)?;
        check_schema(&connection, path)?;
        Ok(Self::over(connection, Some(path.to_owned()), None))
    }

    /// A database that lives as long as its handle: for tests and for replays that keep nothing.
    ///
    /// # Errors
    /// When SQLite cannot be set up at all.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = Path::new(":memory:");
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let mut connection = Connection::open_in_memory().map_err(open)?;
        prepare(&connection).map_err(open)?;
        migrate(&mut connection, path)?;
        Ok(Self::over(connection, None, None))
    }

    fn over(connection: Connection, path: Option<PathBuf>, lock: Option<File>) -> Self {
        let writer = Mutex::new(Writer { connection, series: SeriesIds::default() });
        let database = Database {
            path,
            writer,
            readers: Mutex::default(),
            reader_returned: Condvar::new(),
            _lock: lock,
        };
        Self { database: Arc::new(database) }
    }

    /// Runs `body` in one write transaction: all of it is kept, or nothing.
    pub(crate) fn write<T>(
        &self,
        operation: &'static str,
        body: impl FnOnce(&Transaction<'_>, &mut SeriesIds) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = guard(&self.database.writer);
        let Writer { connection, series } = &mut *writer;
        let run = || {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = body(&tx, series)?;
            tx.commit()?;
            Ok(value)
        };
        let result = run();
        match &result {
            Ok(_) => series.committed(),
            Err(_) => series.rolled_back(),
        }
        result.map_err(|error: StoreError| error.during(operation))
    }

    /// Runs `body` on one consistent snapshot, beside the writer.
    pub(crate) fn read<T>(
        &self,
        operation: &'static str,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let run = |connection: &mut Connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            body(&tx)
        };
        let result = self.with_reader(run);
        result.map_err(|error| error.during(operation))
    }

    /// Runs `body` on a read connection outside any transaction.
    pub(crate) fn with_reader<T>(
        &self,
        body: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(path) = &self.database.path else {
            return body(&mut guard(&self.database.writer).connection);
        };
        let idle = self.database.idle_reader();
        let mut lease = ReaderLease { database: &self.database, connection: None };
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(path)?,
        };
        body(lease.connection.insert(connection))
    }
}

impl Database {
    /// An idle reader, or `None` with the right to open one more.
    fn idle_reader(&self) -> Option<Connection> {
        let mut readers = guard(&self.readers);
        loop {
            if let Some(connection) = readers.idle.pop() {
                return Some(connection);
            }
            if readers.open < READERS_MAX {
                readers.open += 1;
                return None;
            }
            readers = self.reader_returned.wait(readers).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A place in the reader pool; given back even when the read panics or the opening fails.
struct ReaderLease<'a> {
    database: &'a Database,
    connection: Option<Connection>,
}

impl Drop for ReaderLease<'_> {
    fn drop(&mut self) {
        let mut readers = guard(&self.database.readers);
        match self.connection.take() {
            Some(connection) => readers.idle.push(connection),
            None => readers.open -= 1,
        }
        drop(readers);
        self.database.reader_returned.notify_one();
    }
}

/// A panic while the mutex was held has rolled its transaction back: the data behind it is sound.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(open)?;
    prepare(&connection).map_err(open)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)
}

/// Takes the lock file beside the database. The system releases it when the process ends, however
/// it ends.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let failed = |source| StoreError::Io { operation: "lock", path: lock_path.clone(), source };
    let file = private().truncate(false).open(&lock_path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Makes the file, if it is not there, readable and writable by its owner only: it holds the
/// whole picture of what is guarded and where it hurts. SQLite gives its side files the same mode.
pub(crate) fn create_private(path: &Path) -> Result<(), StoreError> {
    let created = private().truncate(false).open(path);
    created.map(drop).map_err(|source| StoreError::Io {
        operation: "create",
        path: path.to_owned(),
        source,
    })
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
