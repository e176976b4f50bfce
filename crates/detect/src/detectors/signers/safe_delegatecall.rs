//! A Safe ran code of others in its own name. The page is `safe_delegatecall.md`.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use model::{BlindReason, FactValue, FrameKind, Level, Name, Severity, TokenAmount};
use registry::Registry;

use super::safe::{self, LIBRARIES, SafeCall, SafeTransaction};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, addresses_named, milder,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "signers/safe_delegatecall",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Critical,
    params: &[
        ParamSpec {
            name: "allowed",
            kind: ParamKind::Words { default: &[] },
            doc: "contracts that the Safe may run in its own name: addresses, or labels of deployments",
        },
        ParamSpec {
            name: "libraries",
            kind: ParamKind::Flag { default: true },
            doc: "whether the batch and message libraries of the Safe project are allowed as well",
        },
    ],
    page: include_str!("safe_delegatecall.md"),
};

/// See the page.
#[derive(Debug)]
pub struct SafeDelegatecall;

impl Detector for SafeDelegatecall {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn mistakes(&self, settings: &Settings, registry: &Registry, network: &Name) -> Vec<String> {
        addresses_named(settings, "allowed", registry, network).err().unwrap_or_default()
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        // What could not be read was told by `mistakes`, and nothing is configured then.
        let named = addresses_named(settings, "allowed", &site.registry, &site.network);
        let mut allowed: BTreeSet<Address> = named.unwrap_or_default().into_iter().collect();
        if settings.flag("libraries") {
            allowed.extend(LIBRARIES);
        }
        let safes = site.deployments().filter(|(_, known)| safe::is_safe(known));
        let safes = safes.map(|(_, known)| known.address).collect();
        Box::new(Configured { safes, allowed, severity: site.severity })
    }
}

struct Configured {
    safes: BTreeSet<Address>,
    allowed: BTreeSet<Address>,
    severity: Severity,
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
        let mut last = None;
        for touch in touches.iter().filter(|touch| touch.what == What::Transaction) {
            let safe = block.deployment(touch.deployment).address;
            if !self.safes.contains(&safe)
                || last.replace((touch.tx, safe)) == Some((touch.tx, safe))
            {
                continue;
            }
            match block.trace(touch.tx).filter(|trace| !trace.frames.is_empty()) {
                Some(_) => self.traced(block, touch.tx, safe, report),
                None => self.untraced(block, touch.tx, safe, report),
            }
        }
    }
}

impl Configured {
    /// Every delegate call of the Safe beside the one by which its proxy runs its own code.
    fn traced(&self, block: &Block<'_>, tx: u32, safe: Address, report: &mut Report<'_>) {
        let Some(trace) = block.trace(tx) else { return };
        let is_own = |at: u32| {
            let frame = &trace.frames[at as usize];
            frame.kind == FrameKind::DelegateCall && frame.from == safe
        };
        let effects = trace.effects();
        for (at, frame) in (0u32..).zip(&trace.frames) {
            let took_effect = effects[at as usize];
            let enters = frame.kind == FrameKind::Call && frame.to == Some(safe);
            if enters && took_effect {
                match safe::read(&frame.input) {
                    Some(Ok(asked)) => self.refund(block, (tx, at), safe, &asked, report),
                    Some(Err(why)) => report.blind(BlindReason::Undecodable(why)),
                    None => {}
                }
            }
            // The proxy's own step into the singleton is the frame right under a call of the Safe.
            let is_inner = frame.parent.is_some_and(is_own);
            let Some(to) = frame.to.filter(|_| is_own(at) && is_inner && took_effect) else {
                continue;
            };
            if !self.allowed.contains(&to) {
                let call = SafeCall {
                    to,
                    value: frame.value,
                    data: frame.input.to_vec(),
                    is_delegate: true,
                    depth: 0,
                };
                report.claim(self.ran(block, (tx, at), safe, &call, false));
            }
        }
    }

    /// What the transaction itself asks of the Safe. Calls of others' contracts to the Safe are seen
    /// only in traces; a log of the Safe in such a transaction says that there was one.
    fn untraced(&self, block: &Block<'_>, tx: u32, safe: Address, report: &mut Report<'_>) {
        let transaction = block.tx(tx);
        if transaction.status == model::TxStatus::Failed {
            return;
        }
        let asked =
            (transaction.to == Some(safe)).then(|| safe::read(&transaction.input)).flatten();
        match asked {
            Some(Ok(asked)) => {
                if asked.is_partly_unread {
                    let reason = format!("a batch of {} could not be read", block.name_of(safe));
                    report.blind(BlindReason::Undecodable(reason));
                }
                self.refund(block, (tx, 0), safe, &asked, report);
                let foreign = asked.calls.iter().filter(|call| call.is_delegate);
                for call in foreign.filter(|call| !self.allowed.contains(&call.to)) {
                    report.claim(self.ran(block, (tx, 0), safe, call, asked.is_of_module));
                }
            }
            Some(Err(why)) => report.blind(BlindReason::Undecodable(why)),
            None if transaction.logs.iter().any(|log| log.address == safe) => {
                let reason = format!(
                    "{} acted inside of another call, seen only in traces",
                    block.name_of(safe)
                );
                report.blind(BlindReason::Unverified(reason));
            }
            None => {}
        }
    }

    fn ran(
        &self,
        block: &Block<'_>,
        (tx, frame): (u32, u32),
        safe: Address,
        call: &SafeCall,
        is_of_module: bool,
    ) -> Claim {
        let (name, code) = (block.name_of(safe), block.name_of(call.to));
        let title = format!("{name} ran the code of {code} in its own name");
        let function = call.data.get(..4).map(|selector| format!("0x{}", hex::encode(selector)));
        let mut claim = Claim::about_frame(block, tx, frame, title)
            .about(block, safe)
            .what(format!("{safe} {} {}", call.to, call.depth))
            .severity(self.severity)
            .fact("code of", block.address_fact(call.to))
            .fact("transaction sender", block.address_fact(block.tx(tx).from));
        if let Some(function) = function {
            claim = claim.fact("function", FactValue::Text(function));
        }
        if call.depth > 0 {
            claim = claim.fact("inside of batches", FactValue::Text(call.depth.to_string()));
        }
        if is_of_module {
            claim = claim.fact("asked by a module, without signatures", FactValue::Bool(true));
        }
        claim
    }

    fn refund(
        &self,
        block: &Block<'_>,
        (tx, frame): (u32, u32),
        safe: Address,
        asked: &SafeTransaction,
        report: &mut Report<'_>,
    ) {
        let Some(to) = asked.refund_to.filter(|to| *to != block.tx(tx).from) else { return };
        let first = &asked.calls[0];
        let title = format!(
            "{} pays {} for sending its transaction",
            block.name_of(safe),
            block.name_of(to)
        );
        report.claim(
            Claim::about_frame(block, tx, frame, title)
                .about(block, safe)
                .what(format!("{safe} refund"))
                .severity(milder(self.severity, 2))
                .fact("paid", block.address_fact(to))
                .fact("target", block.address_fact(first.to))
                .fact("native value", FactValue::Amount(TokenAmount::ether(first.value))),
        );
    }
}
