use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::post,
};
use model::Secret;

use crate::notify::{
    Receiver, ReceiverConfig, SIGNATURE_HEADER, SendError, message::tests::message, signature,
};

/// Serves on a free port of loopback.
pub(super) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/hook/s3cr3t-path")
}

pub(super) const KEY: &str = "0123456789abcdef";

pub(super) fn webhook(url: &str) -> Receiver {
    let (url, secret) = (Secret::new(url.to_owned()), Secret::new(KEY.to_owned()));
    Receiver::new(&ReceiverConfig::Webhook { url, secret: Some(secret) }).unwrap()
}

fn answering<R: IntoResponse + Clone + Send + Sync + 'static>(answer: R) -> Router {
    Router::new().fallback(post(move || async move { answer.clone() }))
}

#[tokio::test]
async fn a_webhook_is_signed_over_its_raw_body_and_known_by_its_key() {
    let seen: Arc<Mutex<Vec<(HeaderMap, Bytes)>>> = Arc::default();
    let keep = seen.clone();
    let router = Router::new().fallback(post(move |headers: HeaderMap, body: Bytes| async move {
        keep.lock().unwrap().push((headers, body));
        "thanks"
    }));
    let receiver = webhook(&serve(router).await);
    let message = message();
    let receipt = receiver.send(&message).await.unwrap();
    assert_eq!(receipt.text, "HTTP 200: thanks");
    receiver.send(&message).await.unwrap();
    let seen = seen.lock().unwrap();
    for (headers, body) in seen.iter() {
        let header = headers[SIGNATURE_HEADER].to_str().unwrap();
        let (t, v1) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let expected = signature(&Secret::new(KEY.to_owned()), t.parse().unwrap(), body);
        assert_eq!(v1, expected);
        assert_eq!(headers["content-type"], "application/json");
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(body["id"], message.id.to_string());
    }
    let keys: Vec<_> = seen.iter().map(|(headers, _)| &headers["idempotency-key"]).collect();
    assert_eq!(keys, [&message.id.to_string(); 2], "a second delivery can be recognised");
}

#[tokio::test]
async fn slack_gets_its_blocks() {
    let seen: Arc<Mutex<Option<serde_json::Value>>> = Arc::default();
    let keep = seen.clone();
    let router = Router::new().fallback(post(move |body: Bytes| async move {
        *keep.lock().unwrap() = serde_json::from_slice(&body).ok();
        "ok"
    }));
    let url = Secret::new(serve(router).await);
    let receiver = Receiver::new(&ReceiverConfig::Slack { url }).unwrap();
    assert_eq!(receiver.send(&message()).await.unwrap().text, "HTTP 200: ok");
    assert_eq!(seen.lock().unwrap().take().unwrap(), message().slack());
}

#[tokio::test]
async fn overload_is_tried_again_when_the_server_says_so() {
    let busy = (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")], "slow down");
    let error = webhook(&serve(answering(busy)).await).send(&message()).await.unwrap_err();
    let (after, reason) = (Some(Duration::from_secs(7)), "HTTP 429: slow down".to_owned());
    assert_eq!(error, SendError::Retry { after, reason });
}

#[tokio::test]
async fn a_refusal_is_for_good_and_tells_no_secret() {
    let refusal = (StatusCode::BAD_REQUEST, "no route /hook/s3cr3t-path here");
    let error = webhook(&serve(answering(refusal)).await).send(&message()).await.unwrap_err();
    let reason = "HTTP 400: no route <secret> here".to_owned();
    assert_eq!(error, SendError::Permanent { reason });
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let hits = Arc::new(AtomicUsize::new(0));
    let count = hits.clone();
    let elsewhere = Router::new().fallback(move || async move {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let elsewhere = serve(elsewhere).await;
    let router = Router::new().fallback(post(move || async move {
        (StatusCode::TEMPORARY_REDIRECT, [("location", elsewhere)])
    }));
    let error = webhook(&serve(router).await).send(&message()).await.unwrap_err();
    let reason = "HTTP 307 (redirects are not followed)".to_owned();
    assert_eq!(error, SendError::Permanent { reason });
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut() {
    let endless = || {
        let chunk = Bytes::from_static(&[b'x'; 1_024]);
        let chunks = futures_util::stream::repeat(Ok::<_, Infallible>(chunk));
        Body::from_stream(chunks)
    };
    let router = Router::new().fallback(post(move || async move { endless() }));
    let receipt = webhook(&serve(router).await).send(&message()).await.unwrap();
    assert_eq!(receipt.text, format!("HTTP 200: {}", "x".repeat(200)));
}

#[tokio::test]
async fn a_server_that_is_gone_is_tried_again_and_its_address_is_not_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let receiver = webhook(&format!("http://127.0.0.1:{port}/hook/s3cr3t-path"));
    let error = receiver.send(&message()).await.unwrap_err();
    assert!(matches!(error, SendError::Retry { after: None, .. }));
    let told = format!("{error} {error:?} {receiver:?}");
    assert!(!told.contains("s3cr3t") && !told.contains(KEY), "{told}");
    assert!(told.contains("webhook cannot be reached"), "{told}");
}
