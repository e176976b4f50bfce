//! The schema and its history.
//!
//! A migration is SQL text with a number, applied once, in order, each in its own transaction
//! together with the number in `user_version`. A released migration is never edited.

use std::{cmp::Ordering, path::Path};

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// Marks the file as ours: `BELL`.
const APPLICATION_ID: i32 = 0x4245_4c4c;

/// All migrations; the first is number 1.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_coverage_ledger.sql"),
    include_str!("migrations/0003_retention.sql"),
    include_str!("migrations/0004_feedback.sql"),
    include_str!("migrations/0005_paging.sql"),
    include_str!("migrations/0006_receiver_tests.sql"),
    include_str!("migrations/0007_answers.sql"),
    include_str!("migrations/0008_alert_lists.sql"),
    include_str!("migrations/0009_public.sql"),
    include_str!("migrations/0010_twins.sql"),
    include_str!("migrations/0011_drills.sql"),
    include_str!("migrations/0012_reports.sql"),
    include_str!("migrations/0013_canaries.sql"),
];

/// Brings a database to the newest schema, or refuses it.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let found = pragma(connection, "user_version", path)?;
    let application_id = pragma(connection, "application_id", path)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(open)?;
    let is_new = found == 0 && application_id == 0 && tables == 0;
    if !is_new && application_id != i64::from(APPLICATION_ID) {
        let found = i32::try_from(application_id).unwrap_or_default();
        return Err(StoreError::NotOurs { path: path.to_owned(), found });
    }
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::NewerDatabase { path: path.to_owned(), found, known });
    }
    for (number, sql) in (1_i64..).zip(MIGRATIONS).skip_while(|(number, _)| *number <= found) {
        let tx =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(open)?;
        tx.execute_batch(sql).map_err(open)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(open)?;
        tx.pragma_update(None, "user_version", number).map_err(open)?;
        tx.commit().map_err(open)?;
        tracing::info!(path = %path.display(), schema = number, "database migrated");
    }
    Ok(())
}

/// Refuses a database that is not exactly of the schema this program reads.
pub(crate) fn check_schema(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let application_id = pragma(connection, "application_id", path)?;
    if application_id != i64::from(APPLICATION_ID) {
        let found = i32::try_from(application_id).unwrap_or_default();
        return Err(StoreError::NotOurs { path: path.to_owned(), found });
    }
    let (found, known) = (pragma(connection, "user_version", path)?, MIGRATIONS.len() as i64);
    match found.cmp(&known) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(StoreError::NewerDatabase { path: path.to_owned(), found, known }),
        Ordering::Less => Err(StoreError::OlderDatabase { path: path.to_owned(), found, known }),
    }
}

fn pragma(connection: &Connection, name: &str, path: &Path) -> Result<i64, StoreError> {
    let value = connection.pragma_query_value(None, name, |row| row.get(0));
    value.map_err(|source| StoreError::Open { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn refused(prepare: &str) -> String {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(prepare).unwrap();
        migrate(&mut connection, Path::new("x.db")).unwrap_err().to_string()
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("x.db")).unwrap();
        let schema = |connection: &Connection| -> String {
            let sql = "SELECT group_concat(sql, ';') FROM sqlite_schema";
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let first = schema(&connection);
        migrate(&mut connection, Path::new("x.db")).unwrap();
        assert_eq!(first, schema(&connection));
    }

    #[test]
    fn a_database_of_an_earlier_schema_keeps_what_it_holds() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        let insert = "INSERT INTO coverage (network, block_number, block_hash, monitors_version,
                          monitors_judged, blind_count)
                      VALUES ('mainnet', 7, x'07', 1, 3, 0), ('mainnet', 8, x'08', 1, 3, 0);
                      PRAGMA application_id = 0x42454c4c; PRAGMA user_version = 1";
        connection.execute_batch(insert).unwrap();
        migrate(&mut connection, Path::new("x.db")).unwrap();
        let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM coverage"), 2);
        assert_eq!(count("SELECT last - first + 1 FROM coverage_runs"), 2, "one run of both");
        assert_eq!(count("SELECT count(*) FROM forgotten"), 0);
    }

    #[test]
    fn messages_from_before_the_pager_keep_their_order_and_their_alerts() {
        let mut connection = Connection::open_in_memory().unwrap();
        MIGRATIONS[..4].iter().for_each(|sql| connection.execute_batch(sql).unwrap());
        let insert = "INSERT INTO alerts VALUES
                          (x'0a', 'mainnet', 'drain', NULL, 0, 4, 1, 1, x'01'),
                          (x'0b', 'mainnet', 'drain', NULL, 2, 4, 1, 1, x'01');
                      INSERT INTO notifications VALUES
                          (x'02', x'0a', 'mail', 'retracted', 1, 'why', 20, 0, 0, 20, ''),
                          (x'01', x'0a', 'mail', 'opened', 0, 'why', 10, 1, 1, 11, 'ok');
                      INSERT INTO attempts VALUES (x'01', 1, 10, 11, 'delivered', 'ok');
                      PRAGMA application_id = 0x42454c4c; PRAGMA user_version = 4";
        connection.execute_batch(insert).unwrap();
        migrate(&mut connection, Path::new("x.db")).unwrap();
        let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT number FROM notifications WHERE id = x'02'"), 2);
        assert_eq!(count("SELECT count(*) FROM notification_alerts WHERE alert = x'0a'"), 2);
        assert_eq!(count("SELECT count(*) FROM notifications WHERE form = 'notice'"), 2);
        assert_eq!(
            count("SELECT count(*) FROM alerts WHERE is_open = 1"),
            1,
            "not the retracted one"
        );
        assert_eq!(count("SELECT applied FROM pager_checkpoint"), 0);
    }

    #[test]
    fn a_newer_database_and_a_foreign_one_are_refused_by_name() {
        expect![
            "the database x.db has schema 99, this program knows up to 13: use a newer program"
        ]
        .assert_eq(&refused("PRAGMA application_id = 0x42454c4c; PRAGMA user_version = 99"));
        expect!["x.db is a SQLite database, but not one of Bellwether's (application id 0x0)"]
            .assert_eq(&refused("CREATE TABLE bookmarks (url TEXT)"));
    }

    #[test]
    fn a_failed_migration_leaves_nothing_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        // A table that the first migration wants to make, under our id: its SQL must fail half-way.
        let prepare = "CREATE TABLE undo (x); PRAGMA application_id = 0x42454c4c";
        connection.execute_batch(prepare).unwrap();
        assert!(migrate(&mut connection, Path::new("x.db")).is_err());
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 1, "only the table that was there before");
    }
}
