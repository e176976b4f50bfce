//! A contract was entered again before it was left. The page is `reentrant_call.md`.

use alloy_json_abi::StateMutability;
use model::{Address, Confidence, FactValue, Frame, FrameKind, Level, Severity, TxTrace, U256};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, block::Transfer, milder,
    },
    state::StateTable,
    windows::{Function, function_label},
};

static SPEC: Spec = Spec {
    id: "flow/reentrant_call",
    version: 1,
    needs: Level::Traces,
    severity: Severity::Critical,
    params: &[ParamSpec {
        name: "allowed_functions",
        kind: ParamKind::Words { default: &[] },
        doc: "functions that may be entered while the contract is open (names as in the ABI)",
    }],
    page: include_str!("reentrant_call.md"),
};

/// See the page.
#[derive(Debug)]
pub struct ReentrantCall;

impl Detector for ReentrantCall {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { allowed: settings.words("allowed_functions").to_vec(), site })
    }
}

struct Configured {
    site: Site,
    allowed: Vec<String>,
}

/// One re-entry into a contract.
struct Reentry {
    outer: usize,
    inner: usize,
    through: Address,
}

/// What is open where a frame makes calls.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    /// The innermost call of the contract around it, or it itself.
    entered: Option<usize>,
    /// The contract was left for somebody else: by which call it was entered before, and through
    /// whom it would be entered again.
    left: Option<(usize, Address)>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        _: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for touch in touches {
            let Some(trace) = block.trace(touch.tx) else { continue };
            let guarded = block.deployment(touch.deployment).address;
            let found = self.reentries(block, trace, guarded);
            if !found.is_empty() {
                self.tell(block, touch, trace, &found, report);
            }
        }
    }
}

impl Configured {
    fn reentries(&self, block: &Block<'_>, trace: &TxTrace, guarded: Address) -> Vec<Reentry> {
        let mut found = Vec::new();
        if trace.frames.iter().filter(|frame| enters(frame, guarded)).nth(1).is_none() {
            return found;
        }
        let effects = trace.effects();
        // From the outermost frame in: what a call directly below each would come back into.
        let mut open: Vec<Open> = Vec::with_capacity(trace.frames.len());
        for (inner, frame) in trace.frames.iter().enumerate() {
            let around = frame.parent.and_then(|parent| open.get(parent as usize)).copied();
            let around = around.unwrap_or_default();
            if let Some((outer, through)) = around.left
                && enters(frame, guarded)
                && effects[inner]
                && !self.is_harmless(block, frame)
            {
                found.push(Reentry { outer, inner, through });
            }
            let runs_as = runs_as(frame);
            let is_same = runs_as == Some(guarded);
            let entered =
                if is_same && enters(frame, guarded) { Some(inner) } else { around.entered };
            let left = match runs_as {
                _ if is_same => around.left,
                Some(other) => around.entered.map(|outer| (outer, other)),
                None => around.left,
            };
            open.push(Open { entered, left });
        }
        found
    }

    /// Functions that cannot change anything, and those the user knows to be safe.
    fn is_harmless(&self, block: &Block<'_>, frame: &Frame) -> bool {
        let Some((_, deployment)) = frame.to.as_ref().and_then(|to| block.guarded(to)) else {
            return false;
        };
        let function = Function::of(&deployment.abi, &frame.input);
        let is_view = match function {
            Function::Known(selector) => {
                deployment.abi.function_by_selector(selector).is_some_and(|known| {
                    matches!(known.mutability, StateMutability::View | StateMutability::Pure)
                })
            }
            // Ether that comes back (an unwrapped token) enters nothing that could be abused by
            // itself.
            Function::Receive => true,
            Function::Other => false,
        };
        is_view || self.allowed.contains(&function_label(&deployment.abi, function))
    }

    fn tell(
        &self,
        block: &Block<'_>,
        touch: &Touch,
        trace: &TxTrace,
        found: &[Reentry],
        report: &mut Report<'_>,
    ) {
        let deployment = block.deployment(touch.deployment);
        let first = &found[0];
        let function = |index: usize| {
            let frame = &trace.frames[index];
            function_label(&deployment.abi, Function::of(&deployment.abi, &frame.input))
        };
        let (outer, inner) = (function(first.outer), function(first.inner));
        let effects = trace.effects();
        let ether_out = trace
            .frames
            .iter()
            .enumerate()
            .filter(|(at, frame)| moves_ether(frame, deployment.address) && effects[*at])
            .fold(U256::ZERO, |sum, (_, frame)| sum.saturating_add(frame.value));
        let logs = &block.tx(touch.tx).logs;
        let tokens_left =
            logs.iter().filter_map(Transfer::of).any(|t| t.from == deployment.address);
        let value_moved = !ether_out.is_zero() || tokens_left;
        let severity = if value_moved { self.site.severity } else { milder(self.site.severity, 2) };
        let contract = &deployment.label;
        let money = if value_moved { ", and value left it" } else { "" };
        let title = format!(
            "{contract}.{inner} was entered while {contract}.{outer} was still running, through {}{money}",
            block.name_of(first.through)
        );
        let mut claim = Claim::about_frame(block, touch.tx, first.inner as u32, title)
            .about(block, deployment.address)
            .severity(severity)
            .confidence(Confidence::Heuristic)
            .fact("outer function", FactValue::Text(outer))
            .fact("entered again", FactValue::Text(inner))
            .fact("through", block.address_fact(first.through))
            .fact(
                "re-entries",
                FactValue::Number { value: found.len() as f64, unit: String::new() },
            )
            .fact("transaction sender", block.address_fact(block.tx(touch.tx).from));
        if !ether_out.is_zero() {
            let amount = model::TokenAmount::ether(ether_out);
            claim = claim.fact("native value that left", FactValue::Amount(amount));
        }
        report.claim(claim);
    }
}

/// Whether a frame runs the contract's code in the contract's own name and may change its state.
fn enters(frame: &Frame, guarded: Address) -> bool {
    frame.kind == FrameKind::Call && frame.to == Some(guarded)
}

/// In whose name a frame runs: a delegate call runs foreign code in the caller's.
fn runs_as(frame: &Frame) -> Option<Address> {
    match frame.kind {
        FrameKind::DelegateCall | FrameKind::CallCode => Some(frame.from),
        _ => frame.to,
    }
}

fn moves_ether(frame: &Frame, from: Address) -> bool {
    let is_transfer =
        matches!(frame.kind, FrameKind::Call | FrameKind::Create | FrameKind::SelfDestruct);
    is_transfer && frame.from == from && !frame.value.is_zero()
}
