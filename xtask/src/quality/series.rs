//! Run lengths and false alarms of the charts and of the scorer of any series, against their design:
//! the long forms of the tests, which throw dice for minutes.

use crate::run::{self, cargo};

pub(super) fn run() -> anyhow::Result<()> {
    run::run(&mut cargo([
        "test",
        "-p",
        "bellwether-detect",
        "--test",
        "it",
        "--",
        "--ignored",
        "--nocapture",
        "--test-threads",
        "1",
        "at_length",
    ]))
}
