//! The database file: modes, locks, reopening, backup, damage.

use std::{path::Path, sync::mpsc, thread};

use bellwether_store::{EventLog, FindingFilter, Store, StoreError};
use expect_test::expect;
use model::Position;
use rusqlite::Connection;

use crate::{
    seen::{Model, Seen},
    world::{Op, World, judge, name},
};

const OPS: [Op; 8] = [
    Op::Commit(2),
    Op::Commit(1),
    Op::Quarantine,
    Op::Commit(3),
    Op::Revert(2),
    Op::Commit(1),
    Op::Finalize(1),
    Op::Commit(2),
];

/// A database in which something happened, and what it must say.
fn populated(path: &Path) -> (Store, Seen) {
    let store = Store::open(path).unwrap();
    let mut world = World::new("mainnet");
    let mut model = Model::default();
    for op in OPS {
        model.apply(&judge(&store, &mut world, op));
    }
    (store, model.seen())
}

#[test]
fn reopening_finds_everything_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bellwether.db");
    let (store, expected) = populated(&path);
    assert_eq!(Seen::of(&store, &name("mainnet")), expected);
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(Seen::of(&store, &name("mainnet")), expected);
    assert_eq!(store.verify().unwrap().problems, [""; 0]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bellwether.db");
    let (store, _) = populated(&path);
    store.backup_to(directory.path().join("copy.db")).unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        files.push(format!("{} {mode:o}", entry.file_name().display()));
    }
    files.sort();
    expect![[r#"
        bellwether.db 600
        bellwether.db-shm 600
        bellwether.db-wal 600
        bellwether.db.lock 600
        copy.db 600"#]]
    .assert_eq(&files.join("\n"));
}

#[test]
fn a_second_handle_on_the_same_file_is_refused_until_the_first_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bellwether.db");
    let store = Store::open(&path).unwrap();
    let clone = store.clone();
    assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
    drop(store);
    assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })), "a clone is alive");
    drop(clone);
    Store::open(&path).unwrap();
}

#[test]
fn a_path_that_cannot_be_is_named() {
    let error = Store::open("/nonexistent/bellwether.db").unwrap_err().to_string();
    expect!["cannot lock /nonexistent/bellwether.db.lock"].assert_eq(&error);
}

#[test]
fn a_reader_neither_blocks_the_writer_nor_sees_half_a_step() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("bellwether.db")).unwrap();
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        // More readers than the pool has connections: the rest wait for one, none fails.
        for _ in 0..6 {
            scope.spawn(|| {
                let net = name("mainnet");
                let mut reached = 0;
                while reached < 60 {
                    let seen = store.checkpoint(&net).unwrap();
                    let position = seen.map_or(0, |checkpoint| checkpoint.position.0);
                    assert!(position >= reached, "time went back");
                    reached = position;
                    let summary = store.coverage_summary(&net, 0).unwrap();
                    assert!(summary.blocks >= position, "a row for each block judged by then");
                    assert_eq!(summary.missing, 0);
                }
            });
        }
        let mut world = World::new("mainnet");
        for _ in 0..60 {
            judge(&store, &mut world, Op::Commit(1));
        }
        done.send(()).unwrap();
    });
    is_done.recv().unwrap();
}

#[test]
fn a_backup_of_a_busy_database_is_whole_and_sound() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("bellwether.db")).unwrap();
    let mut world = World::new("mainnet");
    let mut models = vec![Seen::default()];
    let mut model = Model::default();
    let copies = thread::scope(|scope| {
        let backups = scope.spawn(|| {
            let copy = |i: u32| {
                let path = directory.path().join(format!("copy-{i}.db"));
                store.backup_to(&path).unwrap();
                path
            };
            (0..5).map(copy).collect::<Vec<_>>()
        });
        for i in 0..80 {
            let op = if i % 7 == 6 { Op::Revert(2) } else { Op::Commit(1) };
            model.apply(&judge(&store, &mut world, op));
            models.push(model.seen());
        }
        backups.join().unwrap()
    });
    for path in copies {
        let copy = Store::open(path).unwrap();
        assert_eq!(copy.verify().unwrap().problems, [""; 0]);
        let seen = Seen::of(&copy, &world.network);
        assert_eq!(seen, models[seen.checkpoint as usize]);
    }
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_no_pieces() {
    let directory = tempfile::tempdir().unwrap();
    let (store, expected) = populated(&directory.path().join("bellwether.db"));
    let target = directory.path().join("copies");
    std::fs::create_dir(&target).unwrap();
    let path = target.join("precious.db");
    std::fs::write(&path, "precious").unwrap();
    let refused = store.backup_to(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Io { .. }), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    store.backup_to(target.join("copy.db")).unwrap();
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 2);
    let copy = Store::open(target.join("copy.db")).unwrap();
    assert_eq!(Seen::of(&copy, &name("mainnet")), expected);

    let memory = Store::in_memory().unwrap();
    judge(&memory, &mut World::new("mainnet"), Op::Commit(1));
    memory.backup_to(target.join("memory.db")).unwrap();
    let copy = Store::open(target.join("memory.db")).unwrap();
    assert_eq!(copy.checkpoint(&name("mainnet")).unwrap().unwrap().position, Position(1));
}

/// Opens the database behind the store's back, damages it, and asks the store.
fn damaged<T>(sql: &str, ask: impl FnOnce(&Store) -> T) -> (T, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bellwether.db");
    drop(populated(&path));
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    drop(connection);
    let store = Store::open(&path).unwrap();
    let problems = store.verify().unwrap().problems;
    (ask(&store), problems)
}

#[test]
fn an_event_of_a_later_format_is_an_error_that_names_its_position() {
    let sql = "UPDATE log_events SET event = x'03ffff' WHERE position = 3";
    let (read, problems) = damaged(sql, |store| {
        let log = store.event_log();
        assert_eq!(log.read(&name("mainnet"), Position(0), 3).unwrap().len(), 3);
        log.read(&name("mainnet"), Position(0), 10).unwrap_err().to_string()
    });
    expect!["row in log_events, key mainnet position 3, has format 3, this program knows up to 2: use a newer program"]
        .assert_eq(&read);
    expect!["event of mainnet at position 3 has format 03"].assert_eq(&problems.join("\n"));
}

#[test]
fn a_damaged_event_is_an_error_never_a_gap() {
    let sql = "UPDATE log_events SET event = substr(event, 1, 20) WHERE position = 1";
    let (read, _) = damaged(sql, |store| {
        store.event_log().read(&name("mainnet"), Position(1), 1).unwrap_err().to_string()
    });
    expect!["corrupt row in log_events, key mainnet position 1: Hit the end of buffer, expected more data"]
        .assert_eq(&read);
    let (read, problems) = damaged("DELETE FROM log_events WHERE position = 2", |store| {
        store.event_log().read(&name("mainnet"), Position(0), 10).unwrap_err().to_string()
    });
    expect!["corrupt row in log_events, key mainnet position 3: position 2 is missing before it"]
        .assert_eq(&read);
    expect!["event log of mainnet says 0..8, but holds 7 events, 0..=7"]
        .assert_eq(&problems.join("\n"));
}

#[test]
fn a_damaged_record_is_an_error_that_names_table_and_key() {
    let list = |store: &Store| {
        store.findings(&FindingFilter::default(), None, 100).unwrap_err().to_string()
    };
    let (error, problems) = damaged("UPDATE findings SET body = x'01ff'", list);
    assert!(error.starts_with("corrupt row in findings, key "), "{error}");
    assert!(problems.contains(&error), "{problems:?}");
    let (error, _) = damaged("UPDATE findings SET status = 9", list);
    assert!(error.ends_with(": unknown status 9"), "{error}");
    let (_, problems) = damaged(
        "UPDATE notifications SET kind = 'sung' WHERE sequence = 1;
         UPDATE blind_lists SET body = x'' WHERE id = 1;
         UPDATE series SET key = x'0909' WHERE id = 1",
        |_| (),
    );
    let kinds: Vec<_> = problems.iter().map(|p| p.split(", key").next().unwrap()).collect();
    assert!(kinds.contains(&"corrupt row in notifications"), "{problems:?}");
    assert!(kinds.contains(&"corrupt row in blind_lists"), "{problems:?}");
    assert!(kinds.contains(&"row in series"), "{problems:?}");
}

#[test]
fn verification_finds_each_broken_invariant() {
    let broken = |sql: &str| damaged(sql, |_| ()).1.join("\n");
    expect!["checkpoint of mainnet is 99, beyond the end of its event log, 8"]
        .assert_eq(&broken("UPDATE checkpoints SET position = 99"));
    expect![
        "event log of mainnet begins at 1, beyond the checkpoint, 0: events were removed unjudged"
    ]
    .assert_eq(&broken(
        "DELETE FROM log_events WHERE position = 0;
             UPDATE log_topics SET first_position = 1; UPDATE checkpoints SET position = 0",
    ));
    expect![[r#"
        coverage of mainnet has block 0x0000000000000001abababababababababababababababababababababababab at 2 heights
        coverage of mainnet has 5 rows and runs over 4 blocks"#]]
        .assert_eq(&broken(
            "INSERT INTO coverage SELECT network, 77, block_hash, at, endpoint, monitors_version,
                 monitors_judged, blind_count, blind, quarantine FROM coverage WHERE block_number = 0",
        ));
    expect!["way back from block 0 of mainnet, which is final (1)"].assert_eq(&broken(
        "INSERT INTO undo SELECT network, 0, block_hash, body FROM undo LIMIT 1",
    ));
    let dangling = broken("DELETE FROM alerts WHERE id = (SELECT min(alert) FROM notifications)");
    assert!(
        dangling.starts_with("row of notifications points to a missing row of alerts"),
        "{dangling}"
    );
}

#[test]
fn a_reader_sees_what_the_watcher_commits_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bellwether.db");
    assert!(Store::open_to_read(&path).is_err(), "reading makes no database");
    assert!(!path.exists());
    let store = Store::open(&path).unwrap();
    let beside = Store::open_to_read(&path).unwrap();
    let mut world = World::new("mainnet");
    let mut model = Model::default();
    for op in OPS {
        model.apply(&judge(&store, &mut world, op));
        assert_eq!(Seen::of(&beside, &name("mainnet")), model.seen());
    }
    let end = beside.event_log().end(&name("mainnet")).unwrap();
    assert!(beside.event_log().truncate(&name("mainnet"), end).is_err(), "reading never writes");
    drop(store);
    // Nobody holds the database any more: what is there can still be read.
    drop(beside);
    let alone = Store::open_to_read(&path).unwrap();
    assert_eq!(Seen::of(&alone, &name("mainnet")), model.seen());
}

#[test]
fn a_reader_refuses_another_schema_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bellwether.db");
    drop(Store::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    for (version, said) in [(0, "`bellwether run` brings it up to date"), (99, "a newer program")] {
        connection.pragma_update(None, "user_version", version).unwrap();
        let error = Store::open_to_read(&path).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
