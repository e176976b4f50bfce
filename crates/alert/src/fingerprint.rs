//! What makes findings belong together.

use model::{Finding, Provenance};

/// `monitor/network/deployment`; without a deployment the address stands in its place behind an
/// `@`, and without either nothing does.
///
/// Names hold neither `/` nor `@`, so that two different triples never give one text. The version
/// of the monitor is left out on purpose: a configuration that is edited during an attack does not
/// open a second alert about it. That of a drill begins with the drill's name and a `!`, which no
/// name holds either, so that no drill joins a real alert and nothing real joins a drill; that of a
/// canary begins with the `!` alone.
pub fn fingerprint(finding: &Finding) -> String {
    let about = match (&finding.deployment, &finding.address) {
        (Some(deployment), _) => deployment.to_string(),
        (None, Some(address)) => format!("@{address}"),
        (None, None) => String::new(),
    };
    let real = format!("{}/{}/{about}", finding.monitor, finding.network);
    match finding.provenance() {
        Provenance::Live => real,
        Provenance::Drill { drill } => format!("{drill}!{real}"),
        Provenance::Canary => format!("!{real}"),
    }
}

/// That of a finding which is an alert of its own: its id stands behind a `#`, which no name holds.
pub(crate) fn fingerprint_of_lasting(finding: &Finding) -> String {
    format!("{}#{}", fingerprint(finding), finding.id)
}
