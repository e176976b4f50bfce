use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, TxEnvelope, TxType,
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::SignerRecoverable,
};
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, U256, hex, keccak256};
use bellwether_evm::{
    artifact,
    devnet::{Devnet, DevnetConfig, Endpoint, Fault, FaultRule, TransactionRequest, Wallet},
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{answer, raw, result};

fn wallets() -> (Wallet, Wallet) {
    (Wallet::derive(1, "ann"), Wallet::derive(1, "bob"))
}

fn devnet() -> Devnet {
    let (ann, bob) = wallets();
    let ether = U256::from(10).pow(U256::from(18));
    let genesis = vec![(ann.address(), ether * U256::from(100)), (bob.address(), ether)];
    Devnet::new(DevnetConfig { genesis, ..DevnetConfig::default() })
}

/// A chain with a token contract: a creation, calls that log, a failure, a legacy transaction.
fn chain_with_token() -> (Devnet, Address) {
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

async fn serve(devnet: &Devnet) -> Endpoint {
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
async fn tags_follow_the_head_at_their_distance() {
    let devnet = devnet();
    for _ in 0..10 {
        devnet.mine().unwrap();
    }
    let endpoint = serve(&devnet).await;
    for (tag, number) in [("latest", 10), ("safe", 6), ("finalized", 2), ("earliest", 0)] {
        let block = result(&endpoint, "eth_getBlockByNumber", json!([tag, false])).await;
        assert_eq!(block["number"], format!("{number:#x}"), "{tag}");
    }
    devnet.set_next_time(devnet.now() + 1_000).unwrap();
    let before = devnet.now();
    devnet.mine().unwrap();
    assert_eq!(devnet.now(), before + 1_000);
    assert!(devnet.mine_at(devnet.now()).is_err(), "time never stands still");
}

#[tokio::test]
async fn each_fault_looks_like_the_failure_it_is_named_after() {
    let (devnet, token) = chain_with_token();
    let endpoint = serve(&devnet).await;
    let healthy = serve(&devnet).await;
    let receipts = "eth_getBlockReceipts";

    let error = Fault::Error { code: -32005, message: "over capacity".into() };
    endpoint.faults().add(FaultRule::times(receipts, error, 1));
    let spoiled = answer(&endpoint, receipts, json!(["0x2"])).await;
    assert_eq!(spoiled["error"], json!({ "code": -32005, "message": "over capacity" }));
    let after = result(&endpoint, receipts, json!(["0x2"])).await;
    assert_eq!(after.as_array().unwrap().len(), 5, "only one request was spoiled");

    endpoint.faults().add(FaultRule::always(receipts, Fault::Empty));
    assert_eq!(result(&endpoint, receipts, json!(["0x2"])).await, json!([]));
    assert_eq!(result(&healthy, receipts, json!(["0x2"])).await, after, "faults are per endpoint");
    endpoint.faults().clear();

    let rule = json!([{ "method": "*", "fault": { "kind": "http", "status": 503 }, "times": 1 }]);
    result(&endpoint, "devnet_fault", rule).await;
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#;
    assert_eq!(raw(&endpoint, request).await.0, 503);
    endpoint.faults().add(FaultRule::times("*", Fault::Garbage, 1));
    assert!(serde_json::from_str::<Value>(&raw(&endpoint, request).await.1).is_err());

    endpoint.faults().add(FaultRule::always("*", Fault::Lag { blocks: 1 }));
    assert_eq!(result(&endpoint, "eth_blockNumber", json!([])).await, "0x1");
    let newest = json!([devnet.head().hash, false]);
    assert_eq!(result(&endpoint, "eth_getBlockByHash", newest).await, Value::Null);
    let logs = json!([{ "fromBlock": "0x0", "toBlock": "0x2", "address": token }]);
    assert_eq!(result(&endpoint, "eth_getLogs", logs).await.as_array().unwrap().len(), 1);
    result(&endpoint, "devnet_clearFaults", json!([])).await;
    assert_eq!(result(&endpoint, "eth_blockNumber", json!([])).await, "0x2");
}

#[tokio::test]
async fn new_heads_arrive_over_websocket_and_a_dropped_socket_ends() {
    let devnet = devnet();
    let endpoint = serve(&devnet).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(endpoint.ws_url()).await.unwrap();
    let request =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"] });
    socket.send(Message::text(request.to_string())).await.unwrap();
    let next = |message: Option<Result<Message, _>>| -> Value {
        serde_json::from_str(message.unwrap().unwrap().to_text().unwrap()).unwrap()
    };
    let id = next(socket.next().await)["result"].clone();
    devnet.mine().unwrap();
    devnet.mine().unwrap();
    for number in 1..=2 {
        let head = next(socket.next().await);
        assert_eq!(head["method"], "eth_subscription");
        assert_eq!(head["params"]["subscription"], id);
        let header: Header = serde_json::from_value(head["params"]["result"].clone()).unwrap();
        assert_eq!(header.hash_slow(), devnet.block(number).unwrap().hash);
    }
    devnet.reorg(1, |_| {}).unwrap();
    for number in 2..=3 {
        let hash = next(socket.next().await)["params"]["result"]["hash"].clone();
        assert_eq!(hash, json!(devnet.block(number).unwrap().hash), "reorgs announce each block");
    }
    let request = json!({ "jsonrpc": "2.0", "id": 2, "method": "eth_blockNumber" });
    socket.send(Message::text(request.to_string())).await.unwrap();
    assert_eq!(next(socket.next().await)["result"], "0x3");

    endpoint.faults().add(FaultRule::times("*", Fault::DropWebsocket, 1));
    devnet.mine().unwrap();
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))), "the socket is closed");
}

#[tokio::test]
async fn a_dropped_endpoint_closes_its_port_and_sockets() {
    let devnet = devnet();
    let endpoint = serve(&devnet).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(endpoint.ws_url()).await.unwrap();
    let address = endpoint.address();
    drop(endpoint);
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
