use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, TxEnvelope, TxType,
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::SignerRecoverable,
};
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, U256, hex, keccak256};
use bellwether_evm::{
    artifact,
    devnet::{Devnet, DevnetConfig, Endpoint, TransactionRequest, Wallet},
};
use serde_json::{Value, json};

use crate::client::{answer, raw, result};

pub(crate) fn wallets() -> (Wallet, Wallet) {
    (Wallet::derive(1, "ann"), Wallet::derive(1, "bob"))
}

pub(crate) fn devnet() -> Devnet {
    let (ann, bob) = wallets();
    let ether = U256::from(10).pow(U256::from(18));
    let genesis = vec![(ann.address(), ether * U256::from(100)), (bob.address(), ether)];
    Devnet::new(DevnetConfig { genesis, ..DevnetConfig::default() })
}

/// A chain with a token contract: a creation, calls that log, a failure, a legacy transaction.
pub(crate) fn chain_with_token() -> (Devnet, Address) {
    let devnet = devnet();
    let (ann, bob) = wallets();
    let admin = B256::left_padding_from(ann.address().as_slice());
    let initcode = [artifact::MERIDIAN_TOKEN.bytecode().as_ref(), admin.as_slice()].concat();
    devnet.submit(&ann, TransactionRequest::create(initcode)).unwrap();
    devnet.mine().unwrap();
    let block = devnet.block(1).unwrap();
    let token = block.transactions[0].created.unwrap();
    assert!(block.transactions[0].receipt.is_success());

    let issuer = keccak256("ISSUER_ROLE");
    let call = |signature: &str, words: &[B256]| {
        let mut input = keccak256(signature)[..4].to_vec();
        words.iter().for_each(|word| input.extend(word));
        TransactionRequest::call(token, input)
    };
    let amount = B256::from(U256::from(1_000));
    let to_bob = B256::left_padding_from(bob.address().as_slice());
    let requests = [
        (&ann, call("grantRole(bytes32,address)", &[issuer, admin])),
        (&ann, call("issue(address,uint256)", &[to_bob, amount])),
        (&bob, call("redeem(uint256)", &[B256::from(U256::from(400))]).legacy()),
        (&bob, call("redeem(uint256)", &[amount])),
        (&ann, TransactionRequest::pay(bob.address(), U256::from(5))),
    ];
    for (wallet, request) in requests {
        devnet.submit(wallet, request).unwrap();
    }
    devnet.mine().unwrap();
    (devnet, token)
}

pub(crate) async fn serve(devnet: &Devnet) -> Endpoint {
    devnet.serve("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

/// Rebuilds everything a header commits to from the JSON of a block and its receipts, with nothing
/// of the devnet's own.
fn prove(block: &Value, receipts: &Value) -> Header {
    let header: Header = serde_json::from_value(block.clone()).unwrap();
    let hash: B256 = serde_json::from_value(block["hash"].clone()).unwrap();
    assert_eq!(header.hash_slow(), hash, "header hash");

    let transactions: Vec<TxEnvelope> =
        serde_json::from_value(block["transactions"].clone()).unwrap();
    assert_eq!(calculate_transaction_root(&transactions), header.transactions_root);
    for (signed, shown) in transactions.iter().zip(block["transactions"].as_array().unwrap()) {
        assert_eq!(json!(signed.tx_hash()), shown["hash"]);
        assert_eq!(json!(signed.recover_signer().unwrap()), shown["from"]);
    }

    let mut sum = Bloom::ZERO;
    let mut log_index = 0;
    let rebuilt: Vec<ReceiptEnvelope> = receipts
        .as_array()
        .unwrap()
        .iter()
        .map(|shown| {
            let receipt: ReceiptWithBloom<Receipt<Log>> =
                serde_json::from_value(shown.clone()).unwrap();
            let own: Bloom = receipt.receipt.logs.iter().collect();
            assert_eq!(own, receipt.logs_bloom);
            sum |= own;
            for log in shown["logs"].as_array().unwrap() {
                assert_eq!(log["logIndex"], format!("{log_index:#x}"));
                assert_eq!(log["blockHash"], block["hash"]);
                log_index += 1;
            }
            let kind: TxType = u8::from_str_radix(&shown["type"].as_str().unwrap()[2..], 16)
                .unwrap()
                .try_into()
                .unwrap();
            ReceiptEnvelope::from_typed(kind, receipt)
        })
        .collect();
    assert_eq!(calculate_receipt_root(&rebuilt), header.receipts_root, "receipts root");
    assert_eq!(sum, header.logs_bloom, "bloom");
    assert_eq!(rebuilt.last().map_or(0, |r| r.cumulative_gas_used()), header.gas_used);
    header
}

#[tokio::test]
async fn every_block_proves_itself_from_the_wire_alone() {
    let (devnet, _) = chain_with_token();
    devnet.mine().unwrap();
    let endpoint = serve(&devnet).await;
    let mut parent: Option<Header> = None;
    for number in 0..=3u64 {
        let id = json!(format!("{number:#x}"));
        let block = result(&endpoint, "eth_getBlockByNumber", json!([id, true])).await;
        let by_hash = json!([block["hash"], true]);
        assert_eq!(result(&endpoint, "eth_getBlockByHash", by_hash).await, block);
        let receipts = result(&endpoint, "eth_getBlockReceipts", json!([block["hash"]])).await;
        for name in [id, json!({ "blockHash": block["hash"] })] {
            let same = result(&endpoint, "eth_getBlockReceipts", json!([name])).await;
            assert_eq!(same, receipts);
        }
        let header = prove(&block, &receipts);
        if let Some(parent) = &parent {
            assert_eq!(header.parent_hash, parent.hash_slow());
            assert_eq!(header.timestamp, parent.timestamp + 12);
        }
        for receipt in receipts.as_array().unwrap() {
            let hash = json!([receipt["transactionHash"]]);
            assert_eq!(
                &result(&endpoint, "eth_getTransactionReceipt", hash.clone()).await,
                receipt
            );
            let index =
                receipt["transactionIndex"].as_str().unwrap()[2..].parse::<usize>().unwrap();
            let transaction = result(&endpoint, "eth_getTransactionByHash", hash).await;
            assert_eq!(transaction, block["transactions"][index]);
        }
        parent = Some(header);
    }
    let statuses: Vec<bool> = devnet
        .block(2)
        .unwrap()
        .transactions
        .iter()
        .map(|included| included.receipt.is_success())
        .collect();
    assert_eq!(statuses, [true, true, true, false, true]);
}

#[tokio::test]
async fn the_state_root_commits_to_every_balance_and_slot() {
    use alloy_trie::{TrieAccount, root};
    let (devnet, token) = chain_with_token();
    let (ann, bob) = wallets();
    let maker = devnet.block(0).unwrap().header.beneficiary;
    let endpoint = serve(&devnet).await;
    // Every slot that the token's few transactions wrote, by the compiler's layout: slot 0 the
    // roles, 1 the supply, 2 the balances.
    let entry = |key: B256, slot: B256| keccak256([key, slot].concat());
    let word = |address: Address| B256::left_padding_from(address.as_slice());
    let slot = |n: u64| B256::from(U256::from(n));
    let slots = [
        entry(word(ann.address()), entry(B256::ZERO, slot(0))),
        entry(word(ann.address()), entry(keccak256("ISSUER_ROLE"), slot(0))),
        slot(1),
        entry(word(bob.address()), slot(2)),
    ];
    let mut storage = Vec::new();
    for slot in slots {
        let params = json!([token, slot, "latest"]);
        let value = result(&endpoint, "eth_getStorageAt", params).await;
        storage.push((slot, serde_json::from_value::<U256>(value).unwrap()));
    }
    assert_eq!(storage[2].1, U256::from(600), "1,000 issued, 400 redeemed");
    let mut accounts = Vec::new();
    for address in [ann.address(), bob.address(), maker, token] {
        let at = json!([address, "latest"]);
        let balance = result(&endpoint, "eth_getBalance", at.clone()).await;
        let nonce = result(&endpoint, "eth_getTransactionCount", at.clone()).await;
        let code: Bytes =
            serde_json::from_value(result(&endpoint, "eth_getCode", at).await).unwrap();
        let own_storage = if address == token { storage.clone() } else { Vec::new() };
        let account = TrieAccount {
            nonce: serde_json::from_value::<U256>(nonce).unwrap().to(),
            balance: serde_json::from_value(balance).unwrap(),
            storage_root: root::storage_root_unhashed(own_storage),
            code_hash: keccak256(code),
        };
        accounts.push((address, account));
    }
    let head = devnet.block(2).unwrap();
    assert_eq!(root::state_root_unhashed(accounts), head.header.state_root);
}

#[tokio::test]
async fn calls_logs_and_gas_answer_like_a_node() {
    let (devnet, token) = chain_with_token();
    let (ann, bob) = wallets();
    let endpoint = serve(&devnet).await;
    assert_eq!(result(&endpoint, "eth_chainId", json!([])).await, "0x7a6a");
    assert_eq!(result(&endpoint, "net_version", json!([])).await, "31338");
    assert_eq!(result(&endpoint, "eth_blockNumber", json!([])).await, "0x2");

    let supply =
        json!({ "to": token, "data": hex::encode_prefixed(&keccak256("totalSupply()")[..4]) });
    let word = |n: u64| json!(B256::from(U256::from(n)));
    assert_eq!(result(&endpoint, "eth_call", json!([supply, "latest"])).await, word(600));
    assert_eq!(result(&endpoint, "eth_call", json!([supply, "0x1"])).await, word(0));
    let at_one = json!({ "blockHash": devnet.block(1).unwrap().hash });
    assert_eq!(result(&endpoint, "eth_call", json!([supply, at_one])).await, word(0));
    let balance_at = async |block: Value| {
        result(&endpoint, "eth_getBalance", json!([ann.address(), block])).await
    };
    let by_hash = json!({
        "blockHash": devnet.block(1).unwrap().hash, "requireCanonical": false
    });
    assert_eq!(balance_at(by_hash.clone()).await, balance_at(json!("0x1")).await);
    assert_ne!(balance_at(by_hash).await, balance_at(json!("latest")).await, "ann paid for gas");

    let redeem = |amount: u64| {
        let amount = B256::from(U256::from(amount));
        let input = [&keccak256("redeem(uint256)")[..4], amount.as_slice()].concat();
        json!({ "from": bob.address(), "to": token, "input": hex::encode_prefixed(input) })
    };
    let refused = answer(&endpoint, "eth_call", json!([redeem(601), "latest"])).await;
    assert_eq!(refused["error"]["code"], 3);
    let selector = &keccak256("ERC20InsufficientBalance(address,uint256,uint256)")[..4];
    let data = refused["error"]["data"].as_str().unwrap();
    assert!(data.starts_with(&hex::encode_prefixed(selector)), "{data}");

    // The estimate is enough, and one gas less is not.
    let estimate = result(&endpoint, "eth_estimateGas", json!([redeem(600)])).await;
    let gas = u64::from_str_radix(&estimate.as_str().unwrap()[2..], 16).unwrap();
    let with_gas = |gas: u64| {
        let mut call = redeem(600);
        call["gas"] = json!(format!("{gas:#x}"));
        json!([call, "latest"])
    };
    assert!(answer(&endpoint, "eth_call", with_gas(gas)).await.get("error").is_none());
    assert!(answer(&endpoint, "eth_call", with_gas(gas - 1)).await.get("error").is_some());

    let issued = keccak256("Issued(address,uint256)");
    let filter =
        |topics: Value| json!([{ "fromBlock": "0x0", "address": [token], "topics": topics }]);
    let all = result(&endpoint, "eth_getLogs", filter(json!([]))).await;
    assert_eq!(all.as_array().unwrap().len(), 6, "two grants, issue twice, redeem twice");
    let too_many = json!([[issued], null, null]);
    let only = result(&endpoint, "eth_getLogs", filter(too_many)).await;
    assert_eq!(only.as_array().unwrap().len(), 0, "the event has no third topic");
    let only = result(&endpoint, "eth_getLogs", filter(json!([[issued]]))).await;
    assert_eq!(only[0]["topics"][1], json!(B256::left_padding_from(bob.address().as_slice())));
    let none = json!([{ "fromBlock": "0x0", "address": ann.address() }]);
    assert_eq!(result(&endpoint, "eth_getLogs", none).await, json!([]));

    let unknown = answer(&endpoint, "eth_nonsense", json!([])).await;
    assert_eq!(unknown["error"]["code"], -32601);
    assert_eq!(result(&endpoint, "eth_getBlockByNumber", json!(["0x63", true])).await, Value::Null);
    let (_, batch) = raw(
        &endpoint,
        r#"[{"jsonrpc":"2.0","id":"a","method":"eth_blockNumber"},{"jsonrpc":"2.0","id":2,"method":"net_version"}]"#,
    )
    .await;
    assert_eq!(
        batch,
        r#"[{"jsonrpc":"2.0","id":"a","result":"0x2"},{"jsonrpc":"2.0","id":2,"result":"31338"}]"#
    );
    let (_, error) = raw(&endpoint, "{nonsense").await;
    assert!(error.contains("-32700"), "{error}");
}

#[tokio::test]
async fn a_raw_transaction_is_checked_queued_and_mined() {
    use alloy_eips::eip2718::Encodable2718;
    let (devnet, _) = chain_with_token();
    let endpoint = serve(&devnet).await;
    // A transaction of the same chain that another instance signed.
    let (other, _) = chain_with_token();
    let (ann, bob) = wallets();
    other.submit(&ann, TransactionRequest::pay(bob.address(), U256::from(9))).unwrap();
    other.mine().unwrap();
    let signed = other.block(3).unwrap().transactions[0].transaction.inner().clone();
    let encoded = json!([hex::encode_prefixed(signed.encoded_2718())]);
    let hash = result(&endpoint, "eth_sendRawTransaction", encoded.clone()).await;
    assert_eq!(hash, json!(signed.tx_hash()));
    let again = answer(&endpoint, "eth_sendRawTransaction", encoded).await;
    let message = again["error"]["message"].as_str().unwrap();
    assert!(message.contains("nonce"), "{message}");
    assert_eq!(result(&endpoint, "devnet_mine", json!([1])).await, "0x3");
    assert_eq!(devnet.head(), other.head(), "the same calls make the same chain");
}

#[tokio::test]
async fn traces_show_nested_calls_failures_and_gas_as_receipts_do() {
    let (devnet, token) = chain_with_token();
    let endpoint = serve(&devnet).await;
    let options = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
    let hash = devnet.block(2).unwrap().hash;
    let traces = result(&endpoint, "debug_traceBlockByHash", json!([hash, options])).await;
    let by_number = result(&endpoint, "debug_traceBlockByNumber", json!(["0x2", options])).await;
    assert_eq!(traces, by_number);
    let receipts = result(&endpoint, "eth_getBlockReceipts", json!(["0x2"])).await;
    assert_eq!(traces.as_array().unwrap().len(), 5);
    for (trace, receipt) in traces.as_array().unwrap().iter().zip(receipts.as_array().unwrap()) {
        assert_eq!(trace["txHash"], receipt["transactionHash"]);
        assert_eq!(trace["result"]["gasUsed"], receipt["gasUsed"]);
        assert_eq!(trace["result"]["from"], receipt["from"]);
        let is_failed = receipt["status"] == "0x0";
        assert_eq!(trace["result"].get("error").is_some(), is_failed);
        let one = json!([receipt["transactionHash"], options]);
        assert_eq!(result(&endpoint, "debug_traceTransaction", one).await, trace["result"]);
    }
    let issue = &traces[1]["result"];
    assert_eq!(issue["to"], json!(token));
    assert_eq!(issue["logs"].as_array().unwrap().len(), 2);
    let failed = &traces[3]["result"];
    assert_eq!(failed["error"], "execution reverted");
    assert!(failed.get("logs").is_none());
    let creation = result(&endpoint, "debug_traceBlockByNumber", json!(["0x1", options])).await;
    assert_eq!(creation[0]["result"]["type"], "CREATE");
    assert_eq!(creation[0]["result"]["to"], json!(token));
    assert_eq!(creation[0]["result"]["output"], json!(devnet.code(token)));
    let other = json!([hash, { "tracer": "prestateTracer" }]);
    assert_eq!(answer(&endpoint, "debug_traceBlockByHash", other).await["error"]["code"], -32602);
}

#[tokio::test]
async fn a_reorg_replaces_blocks_and_may_drop_or_move_transactions() {
    let (devnet, _) = chain_with_token();
    let (ann, bob) = wallets();
    let before = devnet.balance(bob.address());
    let dropped =
        devnet.submit(&ann, TransactionRequest::pay(bob.address(), U256::from(100))).unwrap();
    devnet.mine().unwrap();
    let moved = devnet.submit(&bob, TransactionRequest::pay(ann.address(), U256::from(1))).unwrap();
    devnet.mine().unwrap();
    let (old, old_head) = (devnet.block(3).unwrap(), devnet.head());
    let endpoint = serve(&devnet).await;

    let reorg = devnet.reorg(2, |branch| branch.leave_out(dropped)).unwrap();
    assert_eq!(reorg.removed, [old.block_ref(), old_head]);
    assert_eq!(reorg.dropped, [dropped]);
    assert_eq!(reorg.added.len(), 3);
    assert_eq!(devnet.head().number, 5);
    assert!(devnet.balance(bob.address()) < before, "the payment never happened");
    assert_eq!(result(&endpoint, "eth_getTransactionReceipt", json!([dropped])).await, Value::Null);
    let receipt = result(&endpoint, "eth_getTransactionReceipt", json!([moved])).await;
    assert_eq!(receipt["blockNumber"], "0x5");
    for number in 3..=5 {
        let block = devnet.block(number).unwrap();
        assert_eq!(block.header.parent_hash, devnet.block(number - 1).unwrap().hash);
        let id = json!([block.hash, true]);
        let shown = result(&endpoint, "eth_getBlockByHash", id).await;
        let receipts = result(&endpoint, "eth_getBlockReceipts", json!([block.hash])).await;
        prove(&shown, &receipts);
    }
    // Nodes still know an orphan by its hash.
    let orphan = result(&endpoint, "eth_getBlockByHash", json!([old.hash, false])).await;
    assert_eq!(orphan["number"], "0x3");
    assert!(devnet.reorg(6, |_| {}).is_err(), "deeper than the chain");

    // An empty branch over empty blocks still has other hashes.
    devnet.mine().unwrap();
    let reorg = devnet.reorg(1, |_| {}).unwrap();
    assert_ne!(reorg.removed[0].hash, reorg.added[0].hash);
    devnet.submit(&ann, TransactionRequest::pay(bob.address(), U256::from(1))).unwrap();
    devnet.mine().unwrap();
    assert_eq!(devnet.block(devnet.head().number).unwrap().transactions.len(), 1);
}

#[tokio::test]
async fn answers_have_the_fields_of_other_nodes() {
    use expect_test::expect;
    let (devnet, _) = chain_with_token();
    let endpoint = serve(&devnet).await;
    let block = result(&endpoint, "eth_getBlockByNumber", json!(["0x2", true])).await;
    let keys = |value: &Value| -> String {
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        keys.join(" ")
    };
    expect!["baseFeePerGas blobGasUsed difficulty excessBlobGas extraData gasLimit gasUsed hash logsBloom miner mixHash nonce number parentBeaconBlockRoot parentHash receiptsRoot requestsHash sha3Uncles size stateRoot timestamp transactions transactionsRoot uncles withdrawals withdrawalsRoot"].assert_eq(&keys(&block));
    let legacy = &block["transactions"][2];
    expect![[r#"
        {
          "blockHash": "0x95e0c94454e308c581e4a09f591a4952e523551052a3c8f9a765ec8832662f57",
          "blockNumber": "0x2",
          "chainId": "0x7a6a",
          "from": "0x5baebeca2fcee814947269556e957bd7a6bcc20c",
          "gas": "0x927c0",
          "gasPrice": "0x975f8d4e",
          "hash": "0x23b6682c123a1d564cb3ddab615b72aefdd5d81bc171a1689be985e38058eaaa",
          "input": "0xdb006a750000000000000000000000000000000000000000000000000000000000000190",
          "nonce": "0x0",
          "r": "0x2fceea8106297850fa100d1674bee016eb475c92c743b50547137a136241123d",
          "s": "0x188780af74b6a0f600dca469d3ccf4ebf694386c67dc1249d8ff91fd43e12f34",
          "to": "0x2a5357fc84fe1c839d98d3eec4c4d7f97247fd60",
          "transactionIndex": "0x2",
          "type": "0x0",
          "v": "0xf4f8",
          "value": "0x0"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(legacy).unwrap());
    expect!["accessList blockHash blockNumber chainId from gas gasPrice hash input maxFeePerGas maxPriorityFeePerGas nonce r s to transactionIndex type v value yParity"].assert_eq(&keys(&block["transactions"][0]));
    let receipts = result(&endpoint, "eth_getBlockReceipts", json!(["0x2"])).await;
    let mut failed = receipts[3].clone();
    assert_eq!(failed["logsBloom"].as_str().unwrap().len(), 2 + 512);
    failed["logsBloom"] = json!("…");
    expect![[r#"
        {
          "blockHash": "0x95e0c94454e308c581e4a09f591a4952e523551052a3c8f9a765ec8832662f57",
          "blockNumber": "0x2",
          "contractAddress": null,
          "cumulativeGasUsed": "0x2bf11",
          "effectiveGasPrice": "0x697d2ba7",
          "from": "0x5baebeca2fcee814947269556e957bd7a6bcc20c",
          "gasUsed": "0x5d45",
          "logs": [],
          "logsBloom": "…",
          "status": "0x0",
          "to": "0x2a5357fc84fe1c839d98d3eec4c4d7f97247fd60",
          "transactionHash": "0x8e91b8d7e787b688cf06f81962a9f2a5a78721772a6656199e2f6538e1133555",
          "transactionIndex": "0x3",
          "type": "0x2"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&failed).unwrap());
    let log = &receipts[2]["logs"][1];
    expect![[r#"
        {
          "address": "0x2a5357fc84fe1c839d98d3eec4c4d7f97247fd60",
          "blockHash": "0x95e0c94454e308c581e4a09f591a4952e523551052a3c8f9a765ec8832662f57",
          "blockNumber": "0x2",
          "blockTimestamp": "0x684ee198",
          "data": "0x0000000000000000000000000000000000000000000000000000000000000190",
          "logIndex": "0x4",
          "removed": false,
          "topics": [
            "0x4896181ff8f4543cc00db9fe9b6fb7e6f032b7eb772c72ab1ec1b4d2e03b9369",
            "0x0000000000000000000000005baebeca2fcee814947269556e957bd7a6bcc20c"
          ],
          "transactionHash": "0x23b6682c123a1d564cb3ddab615b72aefdd5d81bc171a1689be985e38058eaaa",
          "transactionIndex": "0x2"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(log).unwrap());
    let options = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
    let traces = result(&endpoint, "debug_traceBlockByNumber", json!(["0x2", options])).await;
    expect![[r#"
        {
          "result": {
            "error": "execution reverted",
            "from": "0x5baebeca2fcee814947269556e957bd7a6bcc20c",
            "gas": "0x927c0",
            "gasUsed": "0x5d45",
            "input": "0xdb006a7500000000000000000000000000000000000000000000000000000000000003e8",
            "output": "0xe450d38c0000000000000000000000005baebeca2fcee814947269556e957bd7a6bcc20c000000000000000000000000000000000000000000000000000000000000025800000000000000000000000000000000000000000000000000000000000003e8",
            "to": "0x2a5357fc84fe1c839d98d3eec4c4d7f97247fd60",
            "type": "CALL",
            "value": "0x0"
          },
          "txHash": "0x8e91b8d7e787b688cf06f81962a9f2a5a78721772a6656199e2f6538e1133555"
        }"#]].assert_eq(&serde_json::to_string_pretty(&traces[3]).unwrap());
    expect![[r#"
        {
          "result": {
            "from": "0x54024e60ae6884ff5a7f99be670cc9ad07b6863c",
            "gas": "0x5208",
            "gasUsed": "0x5208",
            "input": "0x",
            "to": "0x5baebeca2fcee814947269556e957bd7a6bcc20c",
            "type": "CALL",
            "value": "0x5"
          },
          "txHash": "0x3871ae6c29292195bed0a3b0cdc91a4819ee174fe91b7c07e0d5ae9056870689"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&traces[4]).unwrap());
}
