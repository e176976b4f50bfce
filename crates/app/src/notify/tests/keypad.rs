use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use model::{Name, Secret};
use serde_json::json;
use tokio::sync::watch;

use crate::notify::{
    Heard, Receiver, ReceiverConfig, Receivers, TELEPHONE_SIGNATURE_HEADER, Telephone, keypad,
    message::tests::message, telephone_signature,
};

async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_key_that_is_pressed_ends_the_call_it_was_pressed_in() {
    let rings = Arc::new(AtomicBool::new(false));
    let ringing = rings.clone();
    let calls = "/2010-04-01/Accounts/AC1";
    let provider = Router::new()
        .route(
            &format!("{calls}/Calls.json"),
            post(move || async move {
                ringing.store(true, Ordering::SeqCst);
                (StatusCode::CREATED, Json(json!({ "sid": "CA1", "status": "queued" })))
            }),
        )
        .route(
            &format!("{calls}/Calls/CA1.json"),
            get(|| async { Json(json!({ "sid": "CA1", "status": "in-progress" })) }),
        );
    let token = Secret::new("the account's token".to_owned());
    let receiver = Receiver::new(&ReceiverConfig::Voice {
        telephone: Telephone {
            url: listen(provider).await,
            account: "AC1".to_owned(),
            token: token.clone(),
            from: "+4930111111".to_owned(),
            to: "+4930123456".to_owned(),
        },
        callback: Some("https://watch.example/".to_owned()),
    });
    let team = Name::new("team").unwrap();
    let by_name = BTreeMap::from([(team.clone(), receiver.unwrap())]);
    let receivers = Arc::new(Receivers { by_name, ..Receivers::default() });
    let (_keep, view) = watch::channel(receivers.clone());
    let ours = listen(keypad(view)).await;

    let call = tokio::spawn(async move { receivers.by_name[&team].send(&message()).await });
    while !rings.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let path = format!("/calls/team/{}", message().id);
    let press_key = async |path: &str, token: &Secret<String>, key: &str| {
        let form =
            [("CallSid".to_owned(), "CA1".to_owned()), ("Digits".to_owned(), key.to_owned())];
        let signature = telephone_signature(token, &format!("https://watch.example{path}"), &form);
        let request = reqwest::Client::new().post(format!("{ours}{path}")).form(&form);
        let answer = request.header(TELEPHONE_SIGNATURE_HEADER, signature).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let press = async |path: &str, token: &Secret<String>| press_key(path, token, "1").await;
    for key in ["3", "0"] {
        let (status, again) = press_key(&path, &token, key).await;
        assert_eq!(status, 200);
        assert!(again.contains("<Gather") && again.contains("3 to hear it again"), "{again}");
    }
    let stranger = Secret::new("another token".to_owned());
    assert_eq!(press(&path, &stranger).await, (403, String::new()));
    assert_eq!(press("/calls/nobody/00", &token).await, (403, String::new()));
    let (status, program) = press(&path, &token).await;
    assert_eq!(status, 200);
    assert!(program.contains("<Say>Acknowledged. Thank you.</Say>"), "{program}");
    assert_eq!(call.await.unwrap().unwrap().heard, Some(Heard::Acknowledged));
    assert_eq!(press(&path, &token).await.0, 403, "the call is over");
}
