//! What a Safe is asked to do, read from its calldata.

use std::sync::{Arc, LazyLock};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, U256, address};
use registry::{Class, ContractAbi, DecodedCall, Deployment};

/// Transactions inside one batch that are looked at: a batch that fills a block of 36 million gas
/// with the cheapest calls has fewer.
pub(super) const BATCH_LEN_MAX: usize = 4_096;

/// Libraries of the Safe project that exist to be run by delegate call: `MultiSend` and
/// `MultiSendCallOnly` of versions 1.3.0 (both deployments) and 1.4.1, and `SignMessageLib` of both.
/// Source: the deployments published in safe-global/safe-deployments.
pub(crate) const LIBRARIES: [Address; 8] = [
    address!("A238CBeb142c10Ef7Ad8442C6D1f9E89e07e7761"),
    address!("998739BFdAAdde7C933B942a68053933098f9EDa"),
    address!("38869bf66a61cF6bDB996A6aE40D5853Fd43B526"),
    address!("40A2aCCbd92BCA938b02010E17A5b8929b49130D"),
    address!("A1dabEF33b3B82c7814B6D82A79e50F4AC44102B"),
    address!("9641d764fc13c8B624c04430C7356C1C7C8102e2"),
    address!("A65387F16B013cf2Af4605Ad8aA5ec25a2cbA3a2"),
    address!("d53cd0aB83D845Ac265BE939c57F53AD838012c9"),
];

/// How calls reach a Safe. Source: the published interfaces of Safe 1.0 to 1.4.1 and `MultiSend`.
static CALLS: LazyLock<ContractAbi> = LazyLock::new(|| {
    ContractAbi::from_solidity([
        "function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures) payable returns (bool success)",
        "function execTransactionFromModule(address to, uint256 value, bytes data, uint8 operation) returns (bool success)",
        "function execTransactionFromModuleReturnData(address to, uint256 value, bytes data, uint8 operation) returns (bool success, bytes returnData)",
        "function multiSend(bytes transactions) payable",
    ])
    .expect("a test reads all of them")
});

/// One call that a Safe is to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SafeCall {
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) data: Vec<u8>,
    /// Whether the code of `to` runs in the Safe's own name.
    pub(crate) is_delegate: bool,
    /// How deep in batches it stands; 0 is what was signed.
    pub(crate) depth: u8,
}

/// A transaction of a Safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SafeTransaction {
    /// What was signed, followed by everything in its batches.
    pub(super) calls: Vec<SafeCall>,
    /// Whether a module asked for it, without signatures.
    pub(super) is_of_module: bool,
    /// Who is paid for sending it, when a price of gas is set and it is not the sender.
    pub(super) refund_to: Option<Address>,
    /// Whether a batch could not be read to its end.
    pub(super) is_partly_unread: bool,
}

/// Whether the interface is that of a Safe.
pub(super) fn is_safe(deployment: &Deployment) -> bool {
    let has = |name: &str| deployment.abi.functions().any(|known| known.name == name);
    has("execTransaction") && (has("getThreshold") || deployment.class == Class::Multisig)
}

/// Reads calldata of a Safe; `None` when it is another function, `Some(Err)` when it has the selector
/// and not the arguments.
pub(super) fn read(input: &[u8]) -> Option<Result<SafeTransaction, String>> {
    let function = CALLS.function_by_selector(*input.first_chunk()?)?;
    if function.name == "multiSend" {
        return None;
    }
    Some(match function.decode(input) {
        Ok(call) => Ok(transaction(&call)),
        Err(why) => Err(format!("{} of a Safe: {why}", function.name)),
    })
}

fn transaction(call: &DecodedCall) -> SafeTransaction {
    let number = |name: &str| call.arg(name).and_then(DynSolValue::as_uint).map(|(n, _)| n);
    let to_whom = |name: &str| call.arg(name).and_then(DynSolValue::as_address);
    let first = SafeCall {
        to: to_whom("to").unwrap_or_default(),
        value: number("value").unwrap_or_default(),
        data: call.arg("data").and_then(DynSolValue::as_bytes).unwrap_or_default().to_vec(),
        is_delegate: number("operation") == Some(U256::ONE),
        depth: 0,
    };
    let is_paid = number("gasPrice").is_some_and(|price| !price.is_zero());
    let refund_to = to_whom("refundReceiver").filter(|to| is_paid && !to.is_zero());
    let (calls, is_whole) = with_batches(first);
    let is_of_module = call.function.name.starts_with("execTransactionFromModule");
    SafeTransaction { calls, is_of_module, refund_to, is_partly_unread: !is_whole }
}

/// A call followed by everything in its batches, and whether all of them could be read to their end.
pub(crate) fn with_batches(first: SafeCall) -> (Vec<SafeCall>, bool) {
    let mut calls = vec![first];
    let mut is_partly_unread = false;
    let mut at = 0;
    // Batches may hold batches; what they hold is read in turn.
    while at < calls.len() {
        let outer = &calls[at];
        if let Some(batch) = batch_of(outer) {
            let depth = outer.depth.saturating_add(1);
            let (inner, is_whole) = unpack(&batch, depth);
            is_partly_unread |= !is_whole || calls.len() + inner.len() > BATCH_LEN_MAX;
            let room = BATCH_LEN_MAX.saturating_sub(calls.len());
            calls.extend(inner.into_iter().take(room));
        }
        at += 1;
    }
    (calls, !is_partly_unread)
}

/// The packed transactions of a call to `multiSend`, if it runs in the Safe's name.
fn batch_of(call: &SafeCall) -> Option<Vec<u8>> {
    let function = CALLS.function_by_selector(*call.data.first_chunk()?)?;
    let is_batch = call.is_delegate && function.name == "multiSend";
    let decoded = is_batch.then(|| Arc::clone(function).decode(&call.data).ok())??;
    decoded.arg("transactions").and_then(DynSolValue::as_bytes).map(<[u8]>::to_vec)
}

/// Packed transactions: operation (1 byte), target (20), value (32), length (32), data.
/// Source: the contract `MultiSend` of Safe.
fn unpack(mut packed: &[u8], depth: u8) -> (Vec<SafeCall>, bool) {
    let mut calls = Vec::new();
    while calls.len() < BATCH_LEN_MAX {
        let Some((head, rest)) = packed.split_at_checked(85) else {
            return (calls, packed.is_empty());
        };
        let length = usize::try_from(U256::from_be_slice(&head[53..85])).ok();
        let Some((data, rest)) = length.and_then(|length| rest.split_at_checked(length)) else {
            return (calls, false);
        };
        calls.push(SafeCall {
            to: Address::from_slice(&head[1..21]),
            value: U256::from_be_slice(&head[21..53]),
            data: data.to_vec(),
            is_delegate: head[0] == 1,
            depth,
        });
        packed = rest;
    }
    (calls, packed.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(operation: u8, to: Address, data: &[u8]) -> Vec<u8> {
        let mut all = vec![operation];
        all.extend(to);
        all.extend([0; 32]);
        all.extend(U256::from(data.len()).to_be_bytes::<32>());
        all.extend(data);
        all
    }

    fn with_bytes(selector: [u8; 4], bytes: &[u8]) -> Vec<u8> {
        let mut data = selector.to_vec();
        data.extend(
            DynSolValue::Tuple(vec![DynSolValue::Bytes(bytes.to_vec())]).abi_encode_params(),
        );
        data
    }

    fn selector(name: &str) -> [u8; 4] {
        let function = CALLS.functions().find(|function| function.name == name).unwrap();
        function.selector
    }

    #[test]
    fn a_delegate_call_inside_of_batches_is_read() {
        let bad = Address::repeat_byte(0x66);
        let inner = with_bytes(selector("multiSend"), &packed(1, bad, &[1, 2, 3]));
        let mut batch = packed(0, Address::repeat_byte(1), &[]);
        batch.extend(packed(1, LIBRARIES[0], &inner));
        let first = SafeCall {
            to: LIBRARIES[1],
            value: U256::ZERO,
            data: with_bytes(selector("multiSend"), &batch),
            is_delegate: true,
            depth: 0,
        };
        let arguments = DynSolValue::Tuple(vec![
            DynSolValue::Address(first.to),
            DynSolValue::Uint(U256::ZERO, 256),
            DynSolValue::Bytes(first.data.clone()),
            DynSolValue::Uint(U256::ONE, 8),
        ]);
        let mut input = selector("execTransactionFromModule").to_vec();
        input.extend(arguments.abi_encode_params());
        let read = read(&input).unwrap().unwrap();
        let seen: Vec<_> = read.calls.iter().map(|c| (c.to, c.is_delegate, c.depth)).collect();
        let plain = Address::repeat_byte(1);
        let expected =
            [(LIBRARIES[1], true, 0), (plain, false, 1), (LIBRARIES[0], true, 1), (bad, true, 2)];
        assert_eq!(seen, expected);
        assert!(read.is_of_module && !read.is_partly_unread);
    }

    #[test]
    fn a_batch_that_ends_early_is_said_to_be_unread() {
        let mut batch = packed(0, Address::repeat_byte(1), &[1, 2]);
        batch.pop();
        assert_eq!(unpack(&batch, 1), (Vec::new(), false));
    }

    proptest! {
        #[test]
        fn no_calldata_is_fatal(bytes in proptest::collection::vec(any::<u8>(), 0..600), which in 0usize..3) {
            let name = ["execTransaction", "execTransactionFromModule", "multiSend"][which];
            let mut input = selector(name).to_vec();
            input.extend(&bytes);
            let _ = read(&input);
            let (calls, _) = unpack(&bytes, 0);
            prop_assert!(calls.len() <= bytes.len() / 85);
        }
    }
}
