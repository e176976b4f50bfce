use alloy_consensus::Header;
use bellwether_evm::devnet::{Fault, FaultRule};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{answer, raw, result},
    rpc::{chain_with_token, devnet, serve},
};

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
    rustls::crypto::ring::default_provider().install_default().ok();
    let devnet = devnet();
    let endpoint = serve(&devnet).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(endpoint.ws_url()).await.unwrap();
    let address = endpoint.address();
    // A client that keeps its connection notices as well as one that comes anew.
    let client = reqwest::Client::new();
    let ask = || {
        let request = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#;
        client.post(endpoint_url(address)).body(request).send()
    };
    assert!(ask().await.is_ok());
    drop(endpoint);
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert!(ask().await.is_err());
    // The same port can serve again.
    let _endpoint = devnet.serve(address).await.unwrap();
    assert!(ask().await.is_ok());
}

fn endpoint_url(address: std::net::SocketAddr) -> String {
    format!("http://{address}")
}
