//! Who of us created something.

use alloy_primitives::Address;
use registry::{Category, Class};

use crate::{chronicle::Creation, detectors::Block};

/// Somebody of ours behind a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detectors) enum Maker {
    /// A factory, or one of its children: it creates contracts for a living.
    Factory(Address),
    /// Any other guarded contract, or an account that is labelled as a deployer.
    Principal(Address),
}

/// Who of us created a contract: its creator, or, further out in the call tree up to the sender, a
/// principal that made others create it. Deployers send to public `CREATE2` factories, Safes
/// delegate to libraries; a router of ours that makes somebody's exchange open a pair is no creator.
pub(in crate::detectors) fn maker(
    block: &Block<'_>,
    creation: &Creation,
    deployers: &[Category],
) -> Option<Maker> {
    let is_deployer = |address: Address| {
        let labels = block.registry.labels().of(block.network(), address);
        labels.into_iter().any(|label| deployers.contains(label.category))
    };
    let creator = creation.creator;
    if let Some((index, deployment)) = block.guarded(&creator) {
        let is_factory = deployment.class == Class::Factory
            || block.registry.template(index).is_some()
            || block.registry.child(index).is_some();
        return Some(if is_factory { Maker::Factory(creator) } else { Maker::Principal(creator) });
    }
    if is_deployer(creator) {
        return Some(Maker::Principal(creator));
    }
    let commands = |address: Address| {
        let is_commanding = |class| {
            matches!(
                class,
                Class::Multisig
                    | Class::Governor
                    | Class::Timelock
                    | Class::Treasury
                    | Class::AccessControl
            )
        };
        block.guarded(&address).is_some_and(|(_, deployment)| is_commanding(deployment.class))
            || is_deployer(address)
    };
    let trace = block.trace(creation.tx);
    let mut around = trace.and_then(|trace| trace.frames.get(creation.frame as usize)?.parent);
    while let Some(frame) = around.and_then(|at| trace?.frames.get(at as usize)) {
        if commands(frame.from) {
            return Some(Maker::Principal(frame.from));
        }
        around = frame.parent;
    }
    let sender = block.tx(creation.tx).from;
    commands(sender).then_some(Maker::Principal(sender))
}
