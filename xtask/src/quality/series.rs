//! Run lengths and false alarms of the charts and of the scorer of any series, against their design,
//! and the detectors of telemetry on simulated traffic: the long forms of tests that throw dice.

use super::Measured;
use crate::run::cargo;

pub(super) fn run(_: bool) -> anyhow::Result<Measured> {
    let mut command =
        cargo(["test", "-p", "bellwether-detect", "--lib", "--test", "it", "--locked"]);
    command.args(["--", "--ignored", "--nocapture", "--test-threads", "1", "at_length"]);
    Measured::by_test(&mut command)
}
