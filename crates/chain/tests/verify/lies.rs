//! Every way of bending a block is refused, each for its own reason.

use alloy_primitives::{Address, B256};
use bellwether_chain::{Part, Prove, RawBlock, RawTraces, verify::Refusal};
use serde_json::{Value, json};

use crate::{
    source::assembled,
    synthetic::{Bodies, Era, block},
};

struct Lie {
    name: &'static str,
    tell: fn(&mut Bodies),
    /// What the refusal has to say, up to hashes.
    reason: &'static str,
    part: Part,
}

fn lie(name: &'static str, part: Part, reason: &'static str, tell: fn(&mut Bodies)) -> Lie {
    Lie { name, tell, reason, part }
}

fn word() -> Value {
    json!(B256::repeat_byte(0x5a))
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().unwrap()
}

/// Tells every lie of a table and collects those that were not refused as they should.
fn check(lies: Vec<Lie>, prove: &Prove) {
    let truth = block(Era::Status);
    let mut wrong = Vec::new();
    for Lie { name, tell, reason, part } in lies {
        let mut bodies = truth.clone();
        tell(&mut bodies);
        match assembled(bodies.texts().raw(), prove) {
            Ok(_) => wrong.push(format!("{name}: believed")),
            Err(refusal) => {
                let text = refusal.to_string();
                if !text.contains(reason) || refusal.part() != part {
                    wrong.push(format!("{name}: refused with {text:?} of {}", refusal.part()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_field_of_the_header_is_in_its_hash() {
    let fields = [
        ("parentHash", word()),
        ("sha3Uncles", word()),
        ("miner", json!(Address::repeat_byte(0x5a))),
        ("stateRoot", word()),
        ("transactionsRoot", word()),
        ("receiptsRoot", word()),
        ("logsBloom", json!(format!("0x{}", "5a".repeat(256)))),
        ("difficulty", json!("0x5a")),
        ("number", json!("0x5a")),
        ("gasLimit", json!("0x5a")),
        ("gasUsed", json!("0x5a")),
        ("timestamp", json!("0x5a")),
        ("extraData", json!("0x5a")),
        ("mixHash", word()),
        ("nonce", json!("0x5a5a5a5a5a5a5a5a")),
        ("baseFeePerGas", json!("0x5a")),
        ("withdrawalsRoot", word()),
        ("blobGasUsed", json!("0x5a")),
        ("excessBlobGas", json!("0x5a")),
        ("parentBeaconBlockRoot", word()),
        ("requestsHash", word()),
        ("hash", word()),
    ];
    for (field, value) in fields {
        let mut bodies = block(Era::Status);
        assert!(bodies.block.get(field).is_some(), "{field} is in the block");
        bodies.block[field] = value;
        let refusal = assembled(bodies.texts().raw(), &Prove::everything()).unwrap_err();
        assert!(matches!(refusal, Refusal::HeaderHash { .. }), "{field}: {refusal}");
    }
}

#[test]
fn every_field_of_a_transaction_is_in_its_hash() {
    let truth = block(Era::Status);
    let not_hashed =
        ["hash", "from", "blockHash", "blockNumber", "transactionIndex", "type", "v", "gasPrice"];
    let bend = |value: &Value| match value {
        Value::String(text) if text == "0x" => json!("0x00"),
        Value::String(text) => {
            let last = if text.ends_with('1') { "0" } else { "1" };
            json!(format!("{}{last}", &text[..text.len() - 1]))
        }
        Value::Null => json!(Address::repeat_byte(0x5a)),
        Value::Array(list) if list.is_empty() => {
            json!([{"address": Address::repeat_byte(0x5a), "storageKeys": []}])
        }
        _ => json!([]),
    };
    let mut bent = 0;
    for (index, tx) in truth.block["transactions"].as_array().unwrap().iter().enumerate() {
        let is_priced = matches!(tx["type"].as_str(), Some("0x0" | "0x1"));
        for (field, value) in tx.as_object().unwrap() {
            let is_hashed = !not_hashed.contains(&field.as_str())
                || field == "gasPrice" && is_priced
                || field == "v" && tx["type"] == "0x0";
            // A legacy transaction's chain id is in its `v`.
            if !is_hashed || field == "chainId" && tx["type"] == "0x0" {
                continue;
            }
            let mut bodies = truth.clone();
            bodies.block["transactions"][index][field] = bend(value);
            let prove = Prove { senders: false, ..Prove::everything() };
            let refusal = assembled(bodies.texts().raw(), &prove).unwrap_err();
            let is_refused = match &refusal {
                Refusal::TransactionHash { index: at, .. } => *at == index,
                // An authorization list or a blob list of the wrong shape.
                Refusal::Malformed { part, .. } => *part == Part::Block,
                _ => false,
            };
            assert!(is_refused, "transaction {index} {field}: {refusal}");
            bent += 1;
        }
    }
    assert!(bent > 60, "only {bent} fields were bent");
}

#[test]
fn a_lie_about_transactions_is_refused() {
    use Part::{Block, Receipts};
    check(
        vec![
            lie("hash", Block, "transaction 1 hashes to 0x", |b| {
                b.block["transactions"][1]["hash"] = word();
            }),
            lie("from", Block, "transaction 4 was signed by 0x", |b| {
                b.block["transactions"][4]["from"] = json!(Address::repeat_byte(9));
            }),
            lie("type", Block, "transaction 3 hashes to 0x", |b| {
                b.block["transactions"][3]["type"] = json!("0x0");
                b.block["transactions"][3]["v"] = json!("0x25");
            }),
            lie(
                "type without its fields",
                Block,
                "transaction 0 has a yParity other than 0 and 1",
                |b| {
                    b.block["transactions"][0]["type"] = json!("0x2");
                },
            ),
            lie("block hash", Block, "transaction 2 has blockHash 0x5a5a", |b| {
                b.block["transactions"][2]["blockHash"] = word();
            }),
            lie("block number", Block, "transaction 2 has blockNumber 1, expected 4370000", |b| {
                b.block["transactions"][2]["blockNumber"] = json!("0x1");
            }),
            lie("index", Block, "transaction 2 has transactionIndex 3, expected 2", |b| {
                b.block["transactions"][2]["transactionIndex"] = json!("0x3");
            }),
            lie("v", Block, "transaction 1 has signature v 0x5, which no chain has", |b| {
                b.block["transactions"][1]["v"] = json!("0x5");
            }),
            lie("unknown type", Block, "cannot prove block: transaction 1 has type 0x7e", |b| {
                b.block["transactions"][1]["type"] = json!("0x7e");
            }),
            lie("unsigned", Block, "cannot prove block: transaction 1 has no signature", |b| {
                for field in ["v", "r", "s"] {
                    b.block["transactions"][1][field] = json!("0x0");
                }
            }),
            lie("missing", Block, "transactions root is 0x", |b| {
                list(&mut b.block["transactions"]).pop();
                list(&mut b.receipts).pop();
                list(&mut b.traces).pop();
            }),
            lie("none", Block, "transactions root is 0x56e81f171bcc55a6", |b| {
                b.block["transactions"] = json!([]);
            }),
            lie("only hashes", Block, "cannot read block: ", |b| {
                b.block["transactions"] = json!([word()]);
            }),
            lie("one more receipt", Receipts, "9 receipts for 8 transactions", |b| {
                let copy = b.receipts[7].clone();
                list(&mut b.receipts).push(copy);
            }),
        ],
        &Prove::everything().on_chain(1),
    );
}

#[test]
fn a_lie_about_receipts_is_refused() {
    use Part::Receipts;
    check(
        vec![
            lie("status", Receipts, "receipts root is 0x", |b| {
                b.receipts[7]["status"] = json!("0x1");
                b.traces[7]["result"].as_object_mut().unwrap().remove("error");
            }),
            lie("status of 2", Receipts, "receipt 1 has status 0x2, a status is 0x0 or 0x1", |b| {
                b.receipts[1]["status"] = json!("0x2");
            }),
            lie("no status", Receipts, "receipt 1 has no status", |b| {
                b.receipts[1]["status"] = json!(null);
            }),
            lie(
                "gas",
                Receipts,
                "gas of receipts 0 to 1 adds up to 100001, the receipt says 100000",
                |b| {
                    b.receipts[1]["gasUsed"] = json!("0xc351");
                },
            ),
            lie(
                "cumulative gas",
                Receipts,
                "gas of receipts 0 to 1 adds up to 100000, the receipt says 1",
                |b| {
                    b.receipts[1]["cumulativeGasUsed"] = json!("0x1");
                },
            ),
            lie(
                "gas of the block",
                Receipts,
                "gas of the receipts is 400001, the header commits to 400000",
                |b| {
                    b.receipts[7]["gasUsed"] = json!("0xc351");
                    b.receipts[7]["cumulativeGasUsed"] = json!("0x61a81");
                },
            ),
            lie("gas moved between receipts", Receipts, "receipts root is 0x", |b| {
                b.receipts[0]["gasUsed"] = json!("0xc351");
                b.receipts[0]["cumulativeGasUsed"] = json!("0xc351");
                b.receipts[1]["gasUsed"] = json!("0xc34f");
            }),
            lie("missing", Receipts, "7 receipts for 8 transactions", |b| {
                list(&mut b.receipts).pop();
            }),
            lie("duplicate", Receipts, "receipt 1 has transactionHash 0x", |b| {
                b.receipts[1] = b.receipts[0].clone();
            }),
            lie("swapped", Receipts, "receipt 3 has transactionHash 0x", |b| {
                list(&mut b.receipts).swap(3, 4);
            }),
            lie("of another block", Receipts, "receipt 0 has blockHash 0x5a5a", |b| {
                b.receipts[0]["blockHash"] = word();
            }),
            lie(
                "at another height",
                Receipts,
                "receipt 0 has blockNumber 7, expected 4370000",
                |b| {
                    b.receipts[0]["blockNumber"] = json!("0x7");
                },
            ),
            lie("index", Receipts, "receipt 0 has transactionIndex 7, expected 0", |b| {
                b.receipts[0]["transactionIndex"] = json!("0x7");
            }),
            lie("from", Receipts, "receipt 0 has from 0x0909", |b| {
                b.receipts[0]["from"] = json!(Address::repeat_byte(9));
            }),
            lie("to", Receipts, "receipt 0 has to 0x0909", |b| {
                b.receipts[0]["to"] = json!(Address::repeat_byte(9));
            }),
            lie("to of a creation", Receipts, "receipt 2 has to 0x0909", |b| {
                b.receipts[2]["to"] = json!(Address::repeat_byte(9));
            }),
            lie("type", Receipts, "receipt 0 has type 2, expected 0", |b| {
                b.receipts[0]["type"] = json!("0x2");
            }),
            lie("created contract", Receipts, "receipt 2 has contractAddress 0x0909", |b| {
                b.receipts[2]["contractAddress"] = json!(Address::repeat_byte(9));
            }),
            lie("null", Receipts, "the answer for receipts is null", |b| b.receipts = json!(null)),
            lie("empty", Receipts, "0 receipts for 8 transactions", |b| b.receipts = json!([])),
            lie("an error object", Receipts, "cannot read receipts: ", |b| {
                b.receipts = json!({"code": -32000, "message": "header not found"});
            }),
            lie("a null inside", Receipts, "cannot read receipts: ", |b| {
                b.receipts[3] = json!(null)
            }),
        ],
        &Prove::everything(),
    );
}

#[test]
fn a_lie_about_logs_is_refused() {
    use Part::Receipts;
    check(
        vec![
            lie("data", Receipts, "receipts root is 0x", |b| {
                b.receipts[0]["logs"][0]["data"] = json!("0x00");
            }),
            lie("address", Receipts, "bloom of the logs is 0x", |b| {
                b.receipts[0]["logs"][0]["address"] = json!(Address::repeat_byte(0x99));
            }),
            lie("topic", Receipts, "bloom of the logs is 0x", |b| {
                b.receipts[0]["logs"][0]["topics"][1] = word();
            }),
            lie("topics reversed", Receipts, "receipts root is 0x", |b| {
                list(&mut b.receipts[0]["logs"][0]["topics"]).swap(1, 2);
            }),
            lie("five topics", Receipts, "at most 4 topics", |b| {
                b.receipts[0]["logs"][0]["topics"] =
                    json!([word(), word(), word(), word(), word()]);
            }),
            lie("logs swapped", Receipts, "log 0 of receipt 0 has logIndex 1, expected 0", |b| {
                list(&mut b.receipts[0]["logs"]).swap(0, 1);
            }),
            lie("a gap", Receipts, "log 0 of receipt 1 has logIndex 2, expected 1", |b| {
                list(&mut b.receipts[0]["logs"]).pop();
            }),
            lie("duplicate", Receipts, "log 1 of receipt 0 has logIndex 0, expected 1", |b| {
                b.receipts[0]["logs"][1] = b.receipts[0]["logs"][0].clone();
            }),
            lie("last one missing", Receipts, "bloom of the logs is 0x", |b| {
                list(&mut b.receipts[6]["logs"]).pop();
            }),
            lie(
                "none at all",
                Receipts,
                "no logs at all, but the header's bloom says there are some",
                |b| {
                    list(&mut b.receipts)
                        .iter_mut()
                        .for_each(|receipt| receipt["logs"] = json!([]));
                },
            ),
            lie("removed", Receipts, "log 1 of receipt 3 is marked as removed by a reorg", |b| {
                b.receipts[3]["logs"][1]["removed"] = json!(true);
            }),
            lie("of another block", Receipts, "log 1 of receipt 3 has blockHash 0x5a5a", |b| {
                b.receipts[3]["logs"][1]["blockHash"] = word();
            }),
            lie(
                "at another height",
                Receipts,
                "log 1 of receipt 3 has blockNumber 1, expected",
                |b| {
                    b.receipts[3]["logs"][1]["blockNumber"] = json!("0x1");
                },
            ),
            lie(
                "of another transaction",
                Receipts,
                "log 0 of receipt 3 has transactionHash 0x5a5a",
                |b| {
                    b.receipts[3]["logs"][0]["transactionHash"] = word();
                },
            ),
            lie(
                "of another index",
                Receipts,
                "log 0 of receipt 3 has transactionIndex 4, expected 3",
                |b| {
                    b.receipts[3]["logs"][0]["transactionIndex"] = json!("0x4");
                },
            ),
        ],
        &Prove::everything(),
    );
}

#[test]
fn without_any_logs_the_bloom_is_looked_at_even_when_nothing_is_to_be_proven() {
    let none = "no logs at all, but the header's bloom says there are some";
    check(
        vec![lie("none at all", Part::Receipts, none, |b| {
            list(&mut b.receipts).iter_mut().for_each(|receipt| receipt["logs"] = json!([]));
        })],
        &Prove::nothing(),
    );
}

#[test]
fn a_lie_about_traces_is_refused_without_touching_the_block() {
    use Part::Traces;
    check(
        vec![
            lie("missing", Traces, "7 traces for 8 transactions", |b| {
                list(&mut b.traces).pop();
            }),
            lie("swapped", Traces, "trace 3 has txHash 0x", |b| list(&mut b.traces).swap(3, 4)),
            lie("hash", Traces, "trace 0 has txHash 0x5a5a", |b| b.traces[0]["txHash"] = word()),
            lie("from", Traces, "trace 0 has from 0x0909", |b| {
                b.traces[0]["result"]["from"] = json!(Address::repeat_byte(9));
            }),
            lie("to", Traces, "trace 0 has to 0x0909", |b| {
                b.traces[0]["result"]["to"] = json!(Address::repeat_byte(9));
            }),
            lie("created contract", Traces, "trace 2 has to 0x0909", |b| {
                b.traces[2]["result"]["to"] = json!(Address::repeat_byte(9));
            }),
            lie("value", Traces, "trace 0 has value 1, expected 1000000007", |b| {
                b.traces[0]["result"]["value"] = json!("0x1");
            }),
            lie("input", Traces, "trace 0 has input 1 bytes, keccak 0x", |b| {
                b.traces[0]["result"]["input"] = json!("0x5a");
            }),
            lie("kind", Traces, "trace 0 has type Create, expected Call", |b| {
                b.traces[0]["result"]["type"] = json!("CREATE");
            }),
            lie("failure", Traces, "trace 0 has outcome failed, expected success", |b| {
                b.traces[0]["result"]["error"] = json!("out of gas");
            }),
            lie("success", Traces, "trace 7 has outcome success, expected failed", |b| {
                b.traces[7]["result"].as_object_mut().unwrap().remove("error");
            }),
            lie(
                "error",
                Traces,
                "the node could not trace transaction 1: execution timeout",
                |b| {
                    b.traces[1] = json!({"error": "execution timeout"});
                },
            ),
            lie("null result", Traces, "the node could not trace transaction 1: neither", |b| {
                b.traces[1]["result"] = json!(null);
            }),
            lie("unknown frame", Traces, "unknown call frame type \"AUTHCALL\"", |b| {
                b.traces[1]["result"]["calls"][0]["type"] = json!("AUTHCALL");
            }),
            lie("null", Traces, "the answer for traces is null", |b| b.traces = json!(null)),
        ],
        &Prove::everything(),
    );
}

#[test]
fn parity_traces_out_of_order_are_refused() {
    let truth = block(Era::Status);
    let check = |tell: fn(&mut Value), reason: &str| {
        let mut parity = truth.parity.clone();
        tell(&mut parity);
        let (texts, parity) = (truth.texts(), parity.to_string());
        let traces = Some(RawTraces::Parity(parity.as_bytes()));
        let raw = RawBlock { traces, ..texts.raw() };
        let refusal = assembled(raw, &Prove::nothing()).unwrap_err();
        assert_eq!(refusal.to_string(), reason);
        assert_eq!(refusal.part(), Part::Traces);
    };
    check(
        |parity| parity[1]["traceAddress"] = json!([1]),
        "cannot read traces: trace entry 1 is not next in pre-order",
    );
    check(
        |parity| parity[1]["traceAddress"] = json!([0, 0]),
        "cannot read traces: trace entry 1 is not next in pre-order",
    );
    check(
        |parity| parity[1]["traceAddress"] = json!([]),
        "cannot read traces: trace entry 1 is a second outermost frame of its transaction",
    );
    check(
        |parity| parity[0]["action"]["callType"] = json!("authcall"),
        "cannot read traces: trace entry 0 has unknown callType Some(\"authcall\")",
    );
    check(
        |parity| parity[0]["transactionHash"] = json!(null),
        "cannot read traces: trace entry 0 has no transactionHash",
    );
    check(|parity| *parity = json!([]), "0 traces for 8 transactions");
}
