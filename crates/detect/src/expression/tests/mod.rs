//! The language as a whole, from text to answer.

mod laws; // properties over random expressions
mod mistakes; // what each mistake looks like
mod page; // the examples of the documentation
mod semantics; // what expressions mean
mod templates; // messages

use std::sync::Arc;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, U256, address};

use super::*;

/// A holder that is in no label set.
const HOLDER: Address = address!("d8dA6BF26964aF9D7eEd9e03E53415D37aA96045");
/// The only member of `labels.treasury`.
const TREASURY: Address = address!("1f9840a85d5aF5bf1D1762F925BDADdC4201F984");
/// The address of the deployment `vault`.
const VAULT: Address = address!("7a250d5630B4cF539739dF2C5dAcb4c659F2488D");

fn parameter(name: &str, ty: &str) -> Parameter {
    Parameter { name: name.into(), ty: ty.parse().unwrap(), indexed: false, components: vec![] }
}

/// Parameters of every type, as one event might have them.
fn parameters() -> Vec<Parameter> {
    let mut order = parameter("order", "(address,uint96,int24[])");
    order.components = vec![
        parameter("maker", "address"),
        parameter("amount", "uint96"),
        parameter("ticks", "int24[]"),
    ];
    let mut orders = parameter("orders", "(address,uint96)[]");
    orders.components = vec![parameter("maker", "address"), parameter("amount", "uint96")];
    let mut name = parameter("name", "string");
    name.indexed = true;
    vec![
        parameter("holder", "address"),
        parameter("amount", "uint256"),
        parameter("small", "uint8"),
        parameter("tick", "int24"),
        parameter("flag", "bool"),
        parameter("note", "string"),
        parameter("data", "bytes"),
        parameter("role", "bytes32"),
        parameter("sig", "bytes4"),
        parameter("amounts", "uint256[]"),
        parameter("pair", "address[2]"),
        order,
        orders,
        parameter("matrix", "uint8[][]"),
        name,
        parameter("", "uint160"),
        parameter("total", "uint256"),
    ]
}

fn scope() -> Scope {
    Scope::event(&parameters())
        .with_labels("treasury", Arc::new(AddressSet::from_iter([TREASURY])))
        .with_labels("tornado-cash", Arc::new(AddressSet::default()))
        .with_deployment("vault", VAULT)
        .with_deployment("vault-proxy_2.main", VAULT)
        .with_unit(&Unit { symbol: "USDC".into(), decimals: 6 })
        .with_token(Unit { symbol: "MER".into(), decimals: 18 })
}

/// The value of an ABI type from text, as alloy reads it.
fn coerced(ty: &str, text: &str) -> DynSolValue {
    ty.parse::<DynSolType>().unwrap().coerce_str(text).unwrap()
}

/// Values for [`parameters`].
fn arguments() -> Vec<DynSolValue> {
    let token = U256::from(10).pow(U256::from(18));
    vec![
        DynSolValue::Address(HOLDER),
        DynSolValue::Uint(token * U256::from(300_000), 256),
        DynSolValue::Uint(U256::from(200), 8),
        coerced("int24", "-887272"),
        DynSolValue::Bool(true),
        DynSolValue::String("Hello, Vault".into()),
        DynSolValue::Bytes(alloy_primitives::hex!("a9059cbb0102030405").to_vec()),
        coerced("bytes32", &format!("0x{}", "11".repeat(32))),
        coerced("bytes4", "0xa9059cbb"),
        coerced("uint256[]", "[1, 20, 300]"),
        DynSolValue::FixedArray(vec![HOLDER.into(), TREASURY.into()]),
        DynSolValue::Tuple(vec![
            HOLDER.into(),
            DynSolValue::Uint(U256::from(5), 96),
            coerced("int24[]", "[-1, 0, 1]"),
        ]),
        DynSolValue::Array(vec![
            DynSolValue::Tuple(vec![HOLDER.into(), DynSolValue::Uint(U256::from(7), 96)]),
            DynSolValue::Tuple(vec![TREASURY.into(), DynSolValue::Uint(U256::from(9), 96)]),
        ]),
        coerced("uint8[][]", "[[1, 2], [3]]"),
        DynSolValue::FixedBytes(alloy_primitives::keccak256("vitalik"), 32),
        DynSolValue::Uint(U256::from(1) << 100, 160),
        DynSolValue::Uint(token * U256::from(1_000_000), 256),
    ]
}
