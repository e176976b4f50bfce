//! A month in which people were called: by the pager, as the program does it.

use std::sync::Arc;

use alert::{
    AlertBook, AlertInput, Policy,
    life::Deed,
    pager::{Facts, Input},
};
use bellwether::paging::{self, Desk};
use model::{
    Anchor, B256, BlockRef, Confidence, Evidence, Finding, FindingId, Origin, Position, Severity,
    UnixMillis, UnixSeconds,
};
use store::{Step, Store};

use super::{HOSTILE, name};

const HOUR_MS: i64 = 3_600_000;
const WEEK_MS: i64 = 7 * 24 * HOUR_MS;

/// Writes four weeks of calls into a store: ever more of them, answered ever later, most for nothing.
pub(crate) fn fill(store: &Store, now: UnixMillis) {
    let plan = Arc::new(super::plan::plan(now));
    let mut desk = Desk::open(store.clone(), plan, now.plus(-4 * WEEK_MS)).expect("a desk");
    let mut book = AlertBook::new();
    for (week, calls) in [(3, 4), (2, 7), (1, 11), (0, 16)] {
        for call in 0..calls {
            let at = now.plus(-week * WEEK_MS - 10 * HOUR_MS - (calls - call) * 7 * HOUR_MS);
            let is_gas = call % 3 != 0;
            let alert = page(store, &mut desk, &mut book, is_gas, at);
            if call % 5 == 4 {
                continue;
            }
            let minutes = 2 + 3 * (3 - week);
            let worth = if is_gas { Deed::Benign } else { Deed::Acknowledge };
            for deed in [Deed::Acknowledge, worth] {
                let said = at.plus(minutes * 60_000);
                let reason = "looked at it".to_owned();
                let (alerts, by) = (vec![alert], name("ann"));
                let input = Input::Said { alerts, by, deed, at: said, reason };
                store.inbox().put(&[paging::stored(&input, said)]).expect("an inbox");
                desk.advance(said).expect("the pager");
            }
        }
    }
}

/// Somebody is called: for gas, or for something from a stranger.
fn page(
    store: &Store,
    desk: &mut Desk,
    book: &mut AlertBook,
    is_gas: bool,
    at: UnixMillis,
) -> model::AlertId {
    let network = name("mainnet");
    let from = store.checkpoint(&network).expect("a checkpoint").map_or(0, |c| c.position.0);
    let monitor = name(if is_gas { "gas-price" } else { "role-change" });
    let what = format!("night-{}", at.0);
    let anchor = Anchor::Episode { entity: what.clone(), began: UnixSeconds(0) };
    let finding = Finding {
        id: FindingId::derive(&monitor, 1, &network, &anchor, &what),
        detector: if is_gas { "anomaly/level" } else { "expression" }.to_owned(),
        monitor,
        version: 1,
        network: network.clone(),
        deployment: Some(name(&what)),
        address: None,
        severity: Severity::High,
        confidence: Confidence::Proven,
        title: format!("a call of {what} {HOSTILE}"),
        origin: Origin {
            block: BlockRef { number: 19_000_000, hash: B256::with_last_byte(7) },
            timestamp: UnixSeconds(at.0.unsigned_abs() / 1_000),
            tx: None,
            log_index: None,
            frame: None,
        },
        evidence: Evidence::default(),
        value_at_risk: None,
        runbook: None,
    };
    let input = AlertInput::Findings { network: network.clone(), findings: vec![finding] };
    let alerts = book.apply(input, &Policy::default(), at).alerts;
    let id = alerts[0].id;
    let input = Input::Alert(Facts::of(&alerts[0], "found"));
    let step = Step {
        network,
        from: Position(from),
        checkpoint: Position(from + 1),
        monitors_version: 1,
        reverted: Vec::new(),
        findings: Vec::new(),
        samples: Vec::new(),
        coverage: Vec::new(),
        state: Vec::new(),
        finalized: None,
        alerts,
        inputs: vec![paging::stored(&input, at)],
        decisions: Vec::new(),
    };
    store.commit(&step).expect("a step that fits");
    desk.advance(at).expect("the pager");
    id
}
