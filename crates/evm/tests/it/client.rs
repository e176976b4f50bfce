use bellwether_evm::devnet::Endpoint;
use serde_json::{Value, json};

/// Sends one request and returns the whole answer.
pub(crate) async fn raw(endpoint: &Endpoint, body: impl Into<String>) -> (u16, String) {
    // TLS is not used here, but the client wants a provider when it is built.
    rustls::crypto::ring::default_provider().install_default().ok();
    let answer = reqwest::Client::new()
        .post(endpoint.url())
        .header("content-type", "application/json")
        .body(body.into())
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The answer object of one request.
pub(crate) async fn answer(endpoint: &Endpoint, method: &str, params: Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let (status, text) = raw(endpoint, request.to_string()).await;
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["id"], 7);
    answer
}

/// The result of one request that must succeed.
pub(crate) async fn result(endpoint: &Endpoint, method: &str, params: Value) -> Value {
    let mut answer = answer(endpoint, method, params).await;
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].take()
}
