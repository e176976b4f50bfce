//! Batches of the Safe transaction builder: the Safe itself, the contracts it calls (with the
//! methods it calls as their interface), and contracts that a batch will create through Safe's
//! `CreateCall` with CREATE2, whose address is known before they exist.

use std::collections::BTreeMap;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{hex, keccak256};
use model::{Address, B256};
use serde_json::{Map, Value, json};

use super::{
    AbiText, Chain, Deployed, Files, Import, Place, Why, file_name,
    json::{self as read_json, Node, Problem},
    nameless, stem,
};
use crate::Class;

/// `performCreate2(uint256 value, bytes deploymentData, bytes32 salt)`.
pub(super) const PERFORM_CREATE2: [u8; 4] = hex!("4847be6f");
/// `performCreate(uint256 value, bytes deploymentData)`.
pub(super) const PERFORM_CREATE: [u8; 4] = hex!("4c8c9ea1");

pub(super) fn read(files: &dyn Files, import: &mut Import) {
    // Interfaces grow over all batches of one chain: each shows some of a contract's methods.
    let mut methods: BTreeMap<(u64, Address), Vec<Value>> = BTreeMap::new();
    for path in files.paths() {
        if !path.ends_with(".json") {
            continue;
        }
        match read_json::parse(files, path) {
            Ok(value) => {
                let node = Node::root(path, &value);
                if let Err(problem) = take(&node, &mut methods, import) {
                    import.left_out.push(problem.left_out(""));
                }
            }
            Err(left) => import.left_out.push(left),
        }
    }
    for deployed in &mut import.deployed {
        let Chain::Id(chain) = deployed.chain else { continue };
        match methods.get(&(chain, deployed.address)) {
            Some(items) if !items.is_empty() => {
                deployed.abi = Some(AbiText {
                    json: Value::Array(items.clone()).to_string(),
                    from: deployed.place.file.clone(),
                });
                deployed.notes.push(format!(
                    "only {} of its methods are known, from what the batches call",
                    items.len()
                ));
            }
            _ => {}
        }
    }
    if import.deployed.is_empty() && import.left_out.is_empty() {
        let why = "holds no batch (*.json) of the transaction builder".to_owned();
        import.leave(Place::file("."), "", Why::Incomplete(why));
    }
}

fn take(
    node: &Node<'_>,
    methods: &mut BTreeMap<(u64, Address), Vec<Value>>,
    import: &mut Import,
) -> Result<(), Problem> {
    let (Some(chain), Some(transactions)) = (node.field("chainId"), node.field("transactions"))
    else {
        let why = format!(
            "expected a batch (an object with \"chainId\" and \"transactions\"), found {}",
            read_json::shown(node.value)
        );
        import.leave(node.place(), "", Why::Foreign(why));
        return Ok(());
    };
    let id = chain.number()?;
    let chain = Chain::Id(id);
    let meta = node.field("meta");
    if let Some(safe) = meta.as_ref().and_then(|meta| meta.field("createdFromSafeAddress"))
        && safe.value != ""
    {
        let address = safe.address()?;
        let mut deployed = Deployed::new("safe", chain.clone(), address, safe.place());
        deployed.class = Some(Class::Multisig);
        import.add(deployed);
    }
    let batch = meta
        .as_ref()
        .and_then(|meta| meta.text_of("name"))
        .unwrap_or_else(|| stem(file_name(node.file)))
        .to_owned();
    for transaction in transactions.items()? {
        if let Err(problem) = target(&transaction, (id, &chain), &batch, methods, import) {
            import.left_out.push(problem.left_out(""));
        }
    }
    Ok(())
}

fn target(
    transaction: &Node<'_>,
    (id, chain): (u64, &Chain),
    batch: &str,
    methods: &mut BTreeMap<(u64, Address), Vec<Value>>,
    import: &mut Import,
) -> Result<(), Problem> {
    let to = transaction.required("to", "the address that is called")?.address()?;
    if let Some(CreateCall { selector, arguments }) = create_call(transaction)? {
        if selector == PERFORM_CREATE {
            let why = "a contract made with CREATE: its address depends on how many CreateCall has made before";
            import.leave(transaction.place(), batch, Why::Unfinished(why.into()));
            return Ok(());
        }
        let (code, salt) = create2_arguments(&arguments)
            .ok_or_else(|| transaction.expected("the arguments of performCreate2"))?;
        let address = to.create2(salt, keccak256(&code));
        let mut deployed =
            Deployed::new(nameless(address), chain.clone(), address, transaction.place());
        deployed.is_planned = true;
        deployed.creator = Some(to);
        deployed.notes.push(format!(
            "will be created by the batch {batch:?} (CREATE2, creation code {})",
            keccak256(&code)
        ));
        import.add(deployed);
        return Ok(());
    }
    let method = transaction.field("contractMethod");
    let data = transaction.text_of("data").unwrap_or("0x");
    if method.is_none() && data.len() <= 2 {
        let why = format!("only money is sent to {to}: it may be a person");
        import.leave(transaction.place(), batch, Why::Foreign(why));
        return Ok(());
    }
    let mut deployed = Deployed::new(nameless(to), chain.clone(), to, transaction.place());
    deployed.notes.push(format!("called by the batch {batch:?}"));
    let of_target = methods.entry((id, to)).or_default();
    match method {
        Some(method) => {
            let item = function(&method)?;
            if !of_target.contains(&item) {
                of_target.push(item);
            }
        }
        None => deployed.notes.push(format!(
            "called with {}, of which the batch holds no method",
            data.get(..10).unwrap_or(data)
        )),
    }
    import.add(deployed);
    Ok(())
}

/// A method of the builder as an item of an ABI.
fn function(method: &Node<'_>) -> Result<Value, Problem> {
    let name = method.required("name", "the method's name")?.text()?;
    if matches!(name, "fallback" | "receive" | "") {
        return Ok(json!({ "type": "fallback", "stateMutability": "payable" }));
    }
    let mut inputs = Vec::new();
    if let Some(list) = method.field("inputs") {
        for input in list.items()? {
            input.required("type", "a Solidity type")?.text()?;
            inputs.push(input.value.clone());
        }
    }
    let is_payable = method.value.get("payable") == Some(&Value::Bool(true));
    let mut item = Map::new();
    item.insert("type".into(), "function".into());
    item.insert("name".into(), name.into());
    item.insert("inputs".into(), Value::Array(inputs));
    item.insert("outputs".into(), Value::Array(Vec::new()));
    let mutability = if is_payable { "payable" } else { "nonpayable" };
    item.insert("stateMutability".into(), mutability.into());
    Ok(Value::Object(item))
}

/// A call of Safe's `CreateCall`.
struct CreateCall {
    selector: [u8; 4],
    /// ABI-encoded.
    arguments: Vec<u8>,
}

/// The call, when the transaction calls Safe's `CreateCall`: from
/// its data, or from the method and the values that a person filled in.
fn create_call(transaction: &Node<'_>) -> Result<Option<CreateCall>, Problem> {
    if let Some(data) = transaction.text_of("data") {
        let bytes = hex::decode(data).map_err(|_| {
            transaction
                .problem(format!("data: {} is not hex", read_json::shown(&Value::from(data))))
        })?;
        return Ok(bytes.split_first_chunk::<4>().and_then(|(selector, arguments)| {
            [PERFORM_CREATE, PERFORM_CREATE2]
                .contains(selector)
                .then(|| CreateCall { selector: *selector, arguments: arguments.to_vec() })
        }));
    }
    let Some(method) = transaction.field("contractMethod") else { return Ok(None) };
    let selector = match method.text_of("name") {
        Some("performCreate") => {
            return Ok(Some(CreateCall { selector: PERFORM_CREATE, arguments: Vec::new() }));
        }
        Some("performCreate2") => PERFORM_CREATE2,
        _ => return Ok(None),
    };
    let values = transaction.required("contractInputsValues", "the values of performCreate2")?;
    let bytes = |key: &str| {
        let field = values.required(key, "hex")?;
        hex::decode(field.text()?).map_err(|_| field.expected("hex"))
    };
    let salt = bytes("salt")?;
    let salt =
        B256::try_from(salt.as_slice()).map_err(|_| values.problem("salt: expected 32 bytes"))?;
    let encoded = DynSolValue::Tuple(vec![
        DynSolValue::Uint(model::U256::ZERO, 256),
        DynSolValue::Bytes(bytes("deploymentData")?),
        DynSolValue::FixedBytes(salt, 32),
    ]);
    Ok(Some(CreateCall { selector, arguments: encoded.abi_encode_params() }))
}

fn create2_arguments(arguments: &[u8]) -> Option<(Vec<u8>, B256)> {
    let shape = DynSolType::Tuple(vec![
        DynSolType::Uint(256),
        DynSolType::Bytes,
        DynSolType::FixedBytes(32),
    ]);
    let DynSolValue::Tuple(values) = shape.abi_decode_params(arguments).ok()? else { return None };
    match values.as_slice() {
        [_, DynSolValue::Bytes(code), DynSolValue::FixedBytes(salt, _)] => {
            Some((code.clone(), *salt))
        }
        _ => None,
    }
}
