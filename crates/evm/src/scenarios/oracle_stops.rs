use super::{Area, Scenario, Stage, Step};
use crate::meridian::{MeridianError, call, contracts::PriceOracle};

/// Silence of the reporter, then someone puts it on record, then it is back.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "oracle_stops",
    story: "The oracle's reporter falls silent; the price that loans are judged by grows stale.",
    areas: &[Area::OracleLag],
    hurts: &["oracle", "vault"],
    steps: &[
        Step::times(12, "the reporter is silent", fall_silent),
        Step::once("a user puts the lag on record", put_on_record),
        Step::once("the reporter is back", come_back),
    ],
};

/// With every second turn missed, twelve blocks are more than two heartbeats of 120 s.
fn fall_silent(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    stage.traffic.is_oracle_reporting = false;
    stage.miss_turns(1)
}

fn put_on_record(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    let on = stage.on;
    let report = call(on.oracle, PriceOracle::reportLagCall {});
    stage.send(&on.actors.users[0], report, "report the lag")
}

fn come_back(stage: &mut Stage<'_>) -> Result<(), MeridianError> {
    stage.traffic.is_oracle_reporting = true;
    Ok(())
}
