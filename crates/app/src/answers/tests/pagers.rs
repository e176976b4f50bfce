use alert::{life::Deed, pager::Input};
use hmac::{Hmac, Mac};
use model::AlertId;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{World, client, person, secret};
use crate::answers::{
    Wiring,
    opsgenie::Opsgenie,
    pagerduty::{PagerDuty, SIGNATURE_HEADER, Word},
    slack::Refused,
};

const SECRET: &str = "whsec-0123456789abcdef0123456789";

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// The body of a V3 webhook, in the shape of PagerDuty's documentation.
fn event(kind: &str, agent: &str, key: &str) -> Value {
    json!({ "event": {
        "id": "01DVUHO6P4XQDFJ9AHOADT3UQ4",
        "event_type": kind,
        "resource_type": "incident",
        "occurred_at": "2027-01-15T12:01:00.000Z",
        "agent": {
            "html_url": "https://acme.pagerduty.com/users/PLH1HKV",
            "id": agent,
            "self": "https://api.pagerduty.com/users/PLH1HKV",
            "summary": "Ann Example",
            "type": "user_reference",
        },
        "client": null,
        "data": {
            "id": "PGR0VU2",
            "type": "incident",
            "number": 2,
            "status": "acknowledged",
            "incident_key": key,
            "title": "41 % of vault left in one transaction",
            "urgency": "high",
        },
    }})
}

#[test]
fn only_what_pagerduty_signed_is_read() {
    let pagerduty = PagerDuty { secret: secret(SECRET) };
    let alert = AlertId([0xab; 16]);
    let body = event("incident.acknowledged", "PLH1HKV", &alert.to_string()).to_string();
    let right = signature(SECRET, body.as_bytes());
    let word = Word { alert, account: "PLH1HKV".to_owned(), deed: Deed::Acknowledge };
    let read = |signature: Option<&str>| pagerduty.read(signature, body.as_bytes());
    assert_eq!(read(Some(&right)), Ok(Some(word.clone())));
    let replaced = format!("{},{right}", signature("another secret", body.as_bytes()));
    assert_eq!(read(Some(&replaced)), Ok(Some(word)), "while a secret is being replaced");
    let wrong = signature("another secret", body.as_bytes());
    for bad in [None, Some(""), Some("v1="), Some("v0=00"), Some(&*wrong)] {
        assert_eq!(read(bad), Err(Refused::Signature), "{bad:?}");
    }
    let other = body.replace("acknowledged", "resolved");
    assert_eq!(pagerduty.read(Some(&right), other.as_bytes()), Err(Refused::Signature));
}

#[test]
fn what_we_did_there_ourselves_or_do_not_know_is_no_word() {
    let pagerduty = PagerDuty { secret: secret(SECRET) };
    let read = |event: Value| {
        let body = event.to_string();
        pagerduty.read(Some(&signature(SECRET, body.as_bytes())), body.as_bytes()).unwrap()
    };
    let id = AlertId([0xab; 16]).to_string();
    let mut by_us = event("incident.resolved", "PSVC1", &id);
    by_us["event"]["agent"]["type"] = json!("service_reference");
    assert_eq!(read(by_us), None);
    assert_eq!(read(event("incident.triggered", "PLH1HKV", &id)), None);
    assert_eq!(read(event("incident.acknowledged", "PLH1HKV", "somebody else's")), None);
    let reopened = read(event("incident.reopened", "PLH1HKV", &id)).unwrap();
    assert_eq!(reopened.deed, Deed::Reopen);
}

#[tokio::test]
async fn acknowledged_in_pagerduty_is_acknowledged_here_by_people_we_know() {
    let world = World::new();
    let wiring =
        Wiring { pagerduty: Some(PagerDuty { secret: secret(SECRET) }), ..Wiring::default() };
    let base = world.serve(wiring).await;
    let send = async |agent: &str, secret: &str| {
        let key = world.alert.id.to_string();
        let body = event("incident.acknowledged", agent, &key).to_string();
        let request = client().post(format!("{base}/hooks/pagerduty"));
        let request = request.header(SIGNATURE_HEADER, signature(secret, body.as_bytes()));
        request.body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(send("PLH1HKV", "guessed").await, 401);
    assert_eq!(send("PSTRANGER", SECRET).await, 202, "read, and does not count");
    assert_eq!(world.told(), []);
    assert_eq!(send("PLH1HKV", SECRET).await, 200);
    let told = world.told();
    let [Input::Said { alerts, by, deed: Deed::Acknowledge, .. }] = &*told else {
        panic!("{told:#?}")
    };
    assert_eq!((alerts, by), (&vec![world.alert.id], &person("ann")));
}

#[tokio::test]
async fn closed_in_opsgenie_is_resolved_here() {
    let world = World::new();
    let token = "opsgenie-0123456789abcdef";
    let wiring = Wiring { opsgenie: Some(Opsgenie { token: secret(token) }), ..Wiring::default() };
    let base = world.serve(wiring).await;
    let send = async |action: &str, user: &str, token: &str| {
        // The fields of Opsgenie's documentation of outgoing webhooks.
        let body = json!({
            "action": action,
            "alert": {
                "alertId": "052652ac-5d1c-464a-812a-7dd18bbfba8c",
                "message": "41 % of vault left in one transaction",
                "tags": [],
                "tinyId": "23",
                "alias": world.alert.id.to_string(),
                "userId": "daed1180-0ce8-438b-8f8e-57e1a5920a2d",
                "username": user,
            },
            "source": { "name": "", "type": "web" },
            "integrationName": "bellwether",
            "integrationId": "37c8f316-17c6-49d7-899b-9c7e540c048d",
            "integrationType": "Webhook",
        });
        let request = client().post(format!("{base}/hooks/opsgenie"));
        let request = request.header("authorization", format!("Bearer {token}"));
        request.body(body.to_string()).send().await.unwrap().status().as_u16()
    };
    assert_eq!(send("Close", "ann@acme.example", "guessed").await, 401);
    assert_eq!(send("Close", "eve@acme.example", token).await, 202);
    assert_eq!(send("AddNote", "ann@acme.example", token).await, 204);
    assert_eq!(world.told(), []);
    assert_eq!(send("Close", "Ann@acme.example", token).await, 200);
    assert!(matches!(&world.told()[..], [Input::Said { deed: Deed::Resolve, .. }]));
    let elsewhere = client().post(format!("{base}/hooks/pagerduty")).send().await.unwrap();
    assert_eq!(elsewhere.status(), 404, "what is not configured is not there");
}
