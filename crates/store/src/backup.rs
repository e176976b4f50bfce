//! A copy of the live database, at one moment.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use crate::{Store, StoreError, database::create_private};

impl Store {
    /// Writes a copy of the database to `path`, while judging goes on: event log, checkpoints,
    /// records and outbox of one moment. The copy appears under its name only when it is whole and
    /// on disk; like the original, its owner alone may read it.
    ///
    /// # Errors
    /// When something is at `path` already (a backup never overwrites), or the copy cannot be
    /// written.
    pub fn backup_to(&self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        let path = path.as_ref();
        let failed =
            |operation| move |source| StoreError::Io { operation, path: path.to_owned(), source };
        if path.try_exists().map_err(failed("look for"))? {
            let source = std::io::ErrorKind::AlreadyExists.into();
            return Err(failed("write a backup to")(source));
        }
        let partial = partial(path);
        let copied = self.copy_to(&partial).and_then(|()| {
            let sync = || File::open(&partial)?.sync_all();
            sync().and_then(|()| fs::rename(&partial, path)).map_err(failed("write a backup to"))
        });
        if copied.is_err() {
            // Best effort: the error that matters is the copy's.
            drop(fs::remove_file(&partial));
        }
        copied
    }

    fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        create_private(path)?;
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let mut copy = Connection::open(path).map_err(open)?;
        let copied = self.with_reader(|source| {
            let backup = Backup::new(source, &mut copy)?;
            // All pages in one step, in one read transaction: WAL lets the writer go on meanwhile,
            // and a copy in several steps would begin anew at each commit.
            match backup.step(-1)? {
                StepResult::Done => Ok(()),
                _ => Err(StoreError::BadQuery("a backup while another one holds the database")),
            }
        });
        copied.map_err(|error| error.during("copy the database"))?;
        // A single file: no write-ahead file that could be forgotten when the copy is moved.
        copy.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).map_err(open)
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}
