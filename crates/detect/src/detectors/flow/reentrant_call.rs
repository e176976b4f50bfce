//! A contract was entered again before it was left. The page is `reentrant_call.md`.

use alloy_json_abi::StateMutability;
use model::{Address, Confidence, FactValue, Frame, FrameKind, Level, Severity, TxTrace, U256};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, block::Transfer, milder,
    },
    state::StateTable,
    trace::{
        Protected, View,
        reentry::{self, Reentry, reentries},
    },
    windows::{Function, function_label},
};

static SPEC: Spec = Spec {
    id: "flow/reentrant_call",
    version: 2,
    needs: Level::Traces,
    severity: Severity::Critical,
    params: &[
        ParamSpec {
            name: "allowed_functions",
            kind: ParamKind::Words { default: &[] },
            doc: "functions that may be entered while the contract is open (names as in the ABI)",
        },
        ParamSpec {
            name: "tells_trusted",
            kind: ParamKind::Flag { default: false },
            doc: "whether also those are told that come back through contracts which the guarded one calls by itself, and cost it nothing",
        },
    ],
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
        Box::new(Configured {
            allowed: settings.words("allowed_functions").to_vec(),
            tells_trusted: settings.flag("tells_trusted"),
            site,
        })
    }
}

struct Configured {
    site: Site,
    allowed: Vec<String>,
    tells_trusted: bool,
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
            let found = reentries(trace, guarded, |frame| self.is_harmless(block, frame));
            if found.is_empty() {
                continue;
            }
            let alone: Protected = [guarded].into_iter().collect();
            let view = block.scene(touch.tx).and_then(|scene| View::new(scene, &alone));
            let Some(view) = view else { continue };
            let by_sender: Vec<Reentry> = reentry::by_sender(&view, &found).copied().collect();
            let is_poorer = reentry::is_poorer(&view);
            if !by_sender.is_empty() {
                self.tell(block, touch, trace, (&by_sender, is_poorer), report);
            } else if is_poorer || self.tells_trusted {
                self.tell(block, touch, trace, (&found, false), report);
            }
        }
    }
}

impl Configured {
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
        (found, is_poorer): (&[Reentry], bool),
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
        // By the sender and at a loss it is the attack itself.
        let severity = match (value_moved, is_poorer) {
            (true, _) | (false, true) => self.site.severity,
            (false, false) => milder(self.site.severity, 2),
        };
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

fn moves_ether(frame: &Frame, from: Address) -> bool {
    let is_transfer =
        matches!(frame.kind, FrameKind::Call | FrameKind::Create | FrameKind::SelfDestruct);
    is_transfer && frame.from == from && !frame.value.is_zero()
}
