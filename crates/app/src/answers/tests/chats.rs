use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use alert::{life::Deed, pager::Input};
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::{NOW, World, client, secret, serve};
use crate::answers::{
    Wiring, Wish,
    discord::{self, Discord},
    slack::{self, Slack},
    telegram::{SECRET_HEADER, Telegram},
};

/// What a counterpart was sent, by the last part of the address.
type Sent = Arc<Mutex<Vec<(String, Value)>>>;

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let so = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), so).await.expect(what);
}

/// A request as Slack signs it.
async fn press_in_slack(
    base: &str,
    slack: &Slack,
    payload: &Value,
    timestamp_s: i64,
) -> StatusCode {
    let mut form = reqwest::Url::parse("form://form").unwrap();
    form.query_pairs_mut().append_pair("payload", &payload.to_string());
    let body = form.query().unwrap().to_owned();
    let timestamp = timestamp_s.to_string();
    client()
        .post(format!("{base}/hooks/slack"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header(slack::SIGNATURE_HEADER, slack.signature(&timestamp, body.as_bytes()))
        .header(slack::TIMESTAMP_HEADER, timestamp)
        .body(body)
        .send()
        .await
        .unwrap()
        .status()
}

/// The payload of Slack's documentation of `block_actions`.
fn block_actions(user: &str, token: &str, response_url: &str) -> Value {
    json!({
        "type": "block_actions",
        "team": { "id": "T9TK3CUKW", "domain": "example" },
        "user": { "id": user, "username": "jtorrance", "team_id": "T9TK3CUKW" },
        "api_app_id": "AABA1ABCD",
        "token": "9s8d9as89d8as9d8as989",
        "container": { "type": "message", "message_ts": "1548261231.000200", "channel_id": "CBR2V3XEX" },
        "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
        "channel": { "id": "CBR2V3XEX", "name": "alerts" },
        "message": {
            "type": "message",
            "text": "[HIGH] 41 % of vault left",
            "blocks": [
                { "type": "header", "text": { "type": "plain_text", "text": "41 % of vault left" } },
                { "type": "actions", "elements": [] },
            ],
        },
        "response_url": response_url,
        "actions": [{
            "action_id": "WaXA", "block_id": "=qXel", "value": token, "type": "button",
            "text": { "type": "plain_text", "text": "Acknowledge", "emoji": true },
            "action_ts": "1548426417.840180",
        }],
    })
}

#[test]
fn slacks_signature_is_that_of_its_documentation() {
    // The worked example of "Verifying requests from Slack".
    let slack = Slack {
        signing_secret: secret("8f742231b10e8888abcd99yyyzzz85a5"),
        respond_to: slack::RESPOND_TO.to_owned(),
    };
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    assert_eq!(
        slack.signature("1531420618", body.as_bytes()),
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    );
}

#[tokio::test]
async fn a_button_in_slack_counts_and_the_message_says_who_pressed_it() {
    let world = World::new();
    let sent: Sent = Arc::default();
    let counterpart = Router::new()
        .route(
            "/actions/{id}",
            post(|State(sent): State<Sent>, Json(body): Json<Value>| async move {
                sent.lock().unwrap().push(("actions".to_owned(), body));
                StatusCode::OK
            }),
        )
        .with_state(sent.clone());
    let respond_to = serve(counterpart).await + "/";
    let slack = Slack {
        signing_secret: secret("8f742231b10e8888abcd99yyyzzz85a5"),
        respond_to: respond_to.clone(),
    };
    let base = world.serve(Wiring { slack: Some(slack.clone()), ..Wiring::default() }).await;
    let token = world.token(Wish::Acknowledge);
    let now_s = NOW.0 / 1_000;
    let url = format!("{respond_to}actions/T1");
    let payload = block_actions("U061F7AUR", &token, &url);

    let other = Slack { signing_secret: secret("another"), ..slack.clone() };
    assert_eq!(press_in_slack(&base, &other, &payload, now_s).await, 401);
    assert_eq!(press_in_slack(&base, &slack, &payload, now_s - 301).await, 401, "too old");
    assert_eq!(press_in_slack(&base, &slack, &payload, now_s + 301).await, 401, "not yet");
    let unsigned = client().post(format!("{base}/hooks/slack")).body("payload=%7B%7D");
    assert_eq!(unsigned.send().await.unwrap().status(), 401);
    assert_eq!(press_in_slack(&base, &slack, &json!({ "type": 7 }), now_s).await, 400);
    assert_eq!(world.told(), []);

    let stranger = block_actions("U666", &token, &url);
    assert_eq!(press_in_slack(&base, &slack, &stranger, now_s).await, 200);
    until("the stranger is told", || sent.lock().unwrap().len() == 1).await;
    assert_eq!(world.told(), []);
    assert_eq!(press_in_slack(&base, &slack, &payload, now_s).await, 200);
    until("the message is changed", || sent.lock().unwrap().len() == 2).await;
    assert!(matches!(&world.told()[..], [Input::Said { deed: Deed::Acknowledge, .. }]));
    assert_eq!(press_in_slack(&base, &slack, &payload, now_s).await, 200, "pressed again");
    until("and told so", || sent.lock().unwrap().len() == 3).await;
    assert_eq!(world.told().len(), 1);

    let sent = sent.lock().unwrap().clone();
    assert_eq!(
        (&sent[0].1["response_type"], &sent[0].1["replace_original"]),
        (&json!("ephemeral"), &json!(false))
    );
    assert_eq!(sent[1].1["replace_original"], true);
    let blocks = sent[1].1["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 3, "the buttons that are left stay: {blocks:#?}");
    let line = &blocks[2]["elements"][0];
    assert_eq!(line["type"], "plain_text");
    assert!(line["text"].as_str().unwrap().starts_with("Acknowledged by ann"), "{line}");
    assert!(sent[2].1["text"].as_str().unwrap().starts_with("Answered before"), "{}", sent[2].1);
    // A request that Slack signed but that wants us to write elsewhere is not followed.
    let lured = block_actions("U061F7AUR", &world.token(Wish::Resolve), "http://169.254.169.254/x");
    assert_eq!(press_in_slack(&base, &slack, &lured, now_s).await, 200);
}

/// Discord's side: signs as its documentation says.
struct Signer(Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap())
    }

    fn config(&self) -> Discord {
        Discord { public_key: self.0.public_key().as_ref().try_into().unwrap() }
    }

    async fn send(&self, base: &str, body: &Value, at_s: i64, spoil: bool) -> (u16, Value) {
        let body = body.to_string();
        let timestamp = at_s.to_string();
        let mut signed = [timestamp.as_bytes(), body.as_bytes()].concat();
        if spoil {
            signed.push(b' ');
        }
        let answer = client()
            .post(format!("{base}/hooks/discord"))
            .header(discord::SIGNATURE_HEADER, hex::encode(self.0.sign(&signed)))
            .header(discord::TIMESTAMP_HEADER, timestamp)
            .body(body)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
    }
}

/// A component interaction of Discord's documentation.
fn component(user: &str, token: &str) -> Value {
    json!({
        "version": 1,
        "type": 3,
        "token": "unique_interaction_token",
        "message": {
            "type": 0, "id": "846460397402423346", "content": "41 % of vault left",
            "components": [{ "type": 1, "components": [{ "type": 2, "custom_id": token, "style": 1, "label": "Acknowledge" }] }],
        },
        "member": { "user": { "id": user, "username": "Mason", "discriminator": "9999" }, "permissions": "17179869183" },
        "id": "846462639134605312",
        "guild_id": "290926798626357999",
        "data": { "custom_id": token, "component_type": 2 },
        "channel_id": "345626669114982999",
        "application_id": "290926444748734465",
    })
}

#[tokio::test]
async fn discord_is_answered_in_its_own_words_and_only_when_it_signed() {
    let world = World::new();
    let signer = Signer::new();
    let wiring = Wiring { discord: Some(signer.config()), ..Wiring::default() };
    let base = world.serve(wiring).await;
    let now_s = NOW.0 / 1_000;
    let ping = json!({ "type": 1, "id": "1", "application_id": "2", "token": "t", "version": 1 });
    assert_eq!(signer.send(&base, &ping, now_s, false).await, (200, json!({ "type": 1 })));
    assert_eq!(signer.send(&base, &ping, now_s, true).await.0, 401, "Discord tries this out");
    assert_eq!(signer.send(&base, &ping, now_s - 301, false).await.0, 401);

    let token = world.token(Wish::Resolve);
    let ann = component("53908232506183680", &token);
    assert_eq!(signer.send(&base, &ann, now_s, true).await.0, 401);
    let (status, refused) = signer.send(&base, &component("666", &token), now_s, false).await;
    assert_eq!((status, &refused["type"], &refused["data"]["flags"]), (200, &json!(4), &json!(64)));
    assert_eq!(world.told(), []);
    let (status, changed) = signer.send(&base, &ann, now_s, false).await;
    assert_eq!((status, &changed["type"]), (200, &json!(7)));
    let content = changed["data"]["content"].as_str().unwrap();
    assert!(content.starts_with("41 % of vault left\nResolved by ann"), "{content}");
    assert_eq!(changed["data"]["components"], json!([]), "nothing is left to be asked");
    assert_eq!(changed["data"]["allowed_mentions"], json!({ "parse": [] }));
    assert!(matches!(&world.told()[..], [Input::Said { deed: Deed::Resolve, .. }]));
    let (_, again) = signer.send(&base, &ann, now_s, false).await;
    assert!(again["data"]["content"].as_str().unwrap().contains("Answered before"), "{again}");
    assert_eq!(world.told().len(), 1);
}

fn callback(update: i64, from: i64, data: &str) -> Value {
    json!({
        "update_id": update,
        "callback_query": {
            "id": "4382bfdwdsb323b2d9",
            "from": { "id": from, "is_bot": false, "first_name": "Test", "username": "Testusername" },
            "message": {
                "message_id": 1365,
                "date": 1_441_645_532,
                "chat": { "id": -1_001, "type": "supergroup", "title": "alerts" },
                "text": "41 % of vault left",
                "entities": [{ "type": "bold", "offset": 0, "length": 4 }],
                "reply_markup": { "inline_keyboard": [[{ "text": "Acknowledge", "callback_data": data }]] },
            },
            "chat_instance": "1",
            "data": data,
        },
    })
}

/// The Bot API's side: a queue of updates that `offset` takes off.
#[derive(Clone, Default)]
struct Bot {
    queue: Arc<Mutex<Vec<Value>>>,
    sent: Sent,
    /// Times that it fails first.
    failures: Arc<Mutex<u32>>,
}

impl Bot {
    async fn serve(&self) -> String {
        let router = Router::new().route("/{bot}/{method}", post(take)).with_state(self.clone());
        serve(router).await
    }

    fn sent(&self, method: &str) -> Vec<Value> {
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|(to, _)| to == method).map(|(_, body)| body.clone()).collect()
    }
}

async fn take(
    State(bot): State<Bot>,
    axum::extract::Path((who, method)): axum::extract::Path<(String, String)>,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let refuse = |code: u16, text: &str| {
        let body = json!({ "ok": false, "error_code": code, "description": text });
        (StatusCode::from_u16(code).unwrap(), Json(body))
    };
    if who != "bot123:ABC" {
        return refuse(401, "Unauthorized");
    }
    if std::mem::take(&mut *bot.failures.lock().unwrap()) > 0 {
        return refuse(502, "Bad Gateway");
    }
    bot.sent.lock().unwrap().push((method.clone(), body.clone()));
    if method != "getUpdates" {
        return (StatusCode::OK, Json(json!({ "ok": true, "result": true })));
    }
    let offset = body["offset"].as_i64();
    if let Some(offset) = offset {
        let is_left = |update: &Value| update["update_id"].as_i64().unwrap() >= offset;
        bot.queue.lock().unwrap().retain(is_left);
    }
    for _ in 0..20 {
        let updates = bot.queue.lock().unwrap().clone();
        if !updates.is_empty() {
            return (StatusCode::OK, Json(json!({ "ok": true, "result": updates })));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (StatusCode::OK, Json(json!({ "ok": true, "result": [] })))
}

#[tokio::test]
async fn telegram_is_asked_for_word_and_each_update_is_taken_off_its_queue() {
    let world = World::new();
    let bot = Bot::default();
    let telegram =
        Telegram { bot_token: secret("123:ABC"), api: bot.serve().await, secret_token: None };
    let token = world.token(Wish::Acknowledge);
    *bot.failures.lock().unwrap() = 1;
    bot.queue.lock().unwrap().extend([callback(7, 666, &token), callback(8, 1_111_111, &token)]);
    let wiring = Wiring { telegram: Some(telegram), ..Wiring::default() };
    let chats = crate::answers::Chats::start(wiring, world.answers.clone()).unwrap();
    let listening = chats.listen().unwrap();
    until("both are taken", || bot.queue.lock().unwrap().is_empty()).await;
    assert!(matches!(&world.told()[..], [Input::Said { deed: Deed::Acknowledge, .. }]));
    let answered = bot.sent("answerCallbackQuery");
    assert_eq!(answered.len(), 2);
    assert_eq!(answered[0]["show_alert"], true, "a stranger is told so: {}", answered[0]);
    assert!(answered.iter().all(|a| a["text"].as_str().unwrap().chars().count() <= 200));
    let edited = bot.sent("editMessageText");
    assert_eq!(edited.len(), 1, "{edited:#?}");
    let text = edited[0]["text"].as_str().unwrap();
    assert!(text.starts_with("41 % of vault left\n\nAcknowledged by ann"), "{text}");
    assert_eq!(edited[0]["entities"][0]["type"], "bold");
    assert!(edited[0]["reply_markup"].is_object(), "other buttons are left");
    assert!(
        bot.sent("getUpdates")
            .iter()
            .all(|ask| ask["allowed_updates"] == json!(["callback_query"]))
    );
    assert_eq!(world.store.answer_offset("telegram").unwrap(), Some(9));

    // A program that died after taking an update and before saying so hears it again.
    bot.queue.lock().unwrap().push(callback(9, 1_111_111, &token));
    until("it is taken", || bot.queue.lock().unwrap().is_empty()).await;
    assert_eq!(world.told().len(), 1);
    chats.stop();
    listening.await.unwrap();
}

#[tokio::test]
async fn telegram_may_deliver_where_it_shows_the_secret() {
    let world = World::new();
    let bot = Bot::default();
    let telegram = Telegram {
        bot_token: secret("123:ABC"),
        api: bot.serve().await,
        secret_token: Some(secret("0123456789abcdef")),
    };
    let base = world.serve(Wiring { telegram: Some(telegram), ..Wiring::default() }).await;
    let deliver = async |secret: Option<&str>| {
        let update = callback(1, 1_111_111, &world.token(Wish::Benign)).to_string();
        let mut request = client().post(format!("{base}/hooks/telegram")).body(update);
        if let Some(secret) = secret {
            request = request.header(SECRET_HEADER, secret);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(deliver(None).await, 401);
    assert_eq!(deliver(Some("0123456789abcdee")).await, 401);
    assert_eq!(world.told(), []);
    assert_eq!(deliver(Some("0123456789abcdef")).await, 200);
    assert!(matches!(&world.told()[..], [Input::Said { deed: Deed::Benign, .. }]));
    assert!(bot.sent("editMessageText")[0].get("reply_markup").is_none(), "no buttons are left");
}
