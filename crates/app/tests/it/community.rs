//! What everybody hears: over a webhook, by mail with double opt-in, in feeds that others can read,
//! signed so that anybody can check it; and taken back from all who got it.

use std::{
    fs,
    net::TcpListener,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State};
use bellwether::signature::{Envelope, SigningKey};

use crate::world::{
    Chain, MailServer, PATIENCE, Program, Project, Webhook, all_alerts, bellwether, installed,
    run_to_end, until, within,
};

/// What must not be seen from outside: the rule, its limit, who hears of it, what the alert is
/// addressed by inside.
const SECRETS: [&str; 6] =
    ["inside-rule", "777777", "777,777", "777_777", "inside-hook", "inside-name"];

const RULE: &str = r#"[[monitor]]
name = "inside-rule"
on = ["token"]
event = "Issued"
when = "amount == 777_777 token"
severity = "high"
"#;

/// Keeps the bodies that it is sent.
#[derive(Clone, Default)]
pub(crate) struct Reader {
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Reader {
    pub(crate) async fn start(&self) -> String {
        async fn take(State(reader): State<Reader>, body: Bytes) {
            let body = String::from_utf8(body.to_vec()).unwrap();
            reader.bodies.lock().unwrap().push(body);
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(take).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/hook")
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The public pages' other side: a browser without a login.
struct Public {
    base: String,
    client: reqwest::Client,
}

impl Public {
    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let url = format!("{}{path}", self.base);
        let answer = self.client.post(url).form(form).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

fn assert_tells_nothing(what: &str, text: &str, more: &[&str]) {
    for secret in SECRETS.iter().chain(more) {
        assert!(!text.contains(secret), "{what} tells {secret}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_what_is_listed_signed_once_and_hears_its_end() {
    let Some(folder) = installed("public mail") else { return };
    let mails = MailServer::open(&folder).await;
    let mut chain = Chain::start(83).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let inside = Webhook::start().await;
    let reader = Reader::default();
    let (hook, port, public_port) = (reader.start().await, free_port(), free_port());
    let key = SigningKey::generate().unwrap();
    key.write(&project.path().join("public.key")).unwrap();
    let routes = crate::world::routes_to(inside.url()).replace("\"hook\"", "\"inside-hook\"");
    project
        .write("monitors/all.toml", RULE)
        .write("routes.toml", &routes)
        .write("write.key", "0123456789abcdef0123456789abcdef\n")
        .write(
            "bellwether.toml",
            &format!(
                "name = \"inside-name\"\nlisten = \"127.0.0.1:{port}\"\nwrite_key = {{ file = \"write.key\" }}\n"
            ),
        )
        .write(
            "public.toml",
            &format!(
                r#"name = "Meridian alerts"
url = "http://127.0.0.1:{public_port}"
listen = "127.0.0.1:{public_port}"
signing_key = {{ file = "public.key" }}

[[publish]]
detectors = ["expression"]
title = "New tokens beyond what was announced"
hold = "0s"

[[channel]]
name = "hook"
kind = "webhook"
url = "{hook}"

[[channel]]
name = "list"
kind = "mail"
host = "127.0.0.1"
port = {}
tls = "none"
from = "Meridian <alerts@example.org>"
"#,
                mails.port
            ),
        );
    let mut program = Program::run(&project);
    program.url().await;
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let public = Public { base: format!("http://127.0.0.1:{public_port}"), client };

    // Twice asked for, once confirmed; the second link is as good as none.
    let asked = public.post("/public/subscribe", &[("address", "reader@example.org")]).await;
    assert_eq!(asked.0, 202, "{}", asked.1);
    until("the invitation comes", || !mails.mails().is_empty()).await;
    let invitation = mails.mails().remove(0);
    let link = invitation.text.split(&public.base).nth(1).unwrap();
    let link = link.split_whitespace().next().unwrap();
    assert_eq!(public.get(link).await.0, 200, "opening it does nothing");
    assert_eq!(subscribers(&project).await, "nobody subscribed\n");
    assert_eq!(public.post(link, &[]).await.0, 200);
    assert_eq!(public.post(link, &[]).await.0, 410, "once");
    assert!(subscribers(&project).await.starts_with("reader@example.org"));
    let again = public.post("/public/subscribe", &[("address", "reader@example.org")]).await;
    assert_eq!(again, asked, "the same answer whoever is on the list");
    for bad in ["nobody", "a@b\r\nBcc: c@d", "", "x@y, z@w"] {
        assert_eq!(public.post("/public/subscribe", &[("address", bad)]).await.0, 422, "{bad}");
    }

    // Told inside at once, outside when it is final.
    chain.issue(777_777);
    program.judged(chain.everydays(2)).await;
    until("the team is told", || !inside.taken().is_empty()).await;
    assert!(public.get("/public/feed.json").await.1.contains("\"items\":[]"), "not final yet");
    chain.everydays(10);
    until("the webhook is told", || !reader.bodies().is_empty()).await;
    until("the reader is told", || mails.mails().len() == 2).await;

    let alert = {
        let store = store::Store::open_to_read(project.store()).unwrap();
        all_alerts(&store)[0].id.to_string()
    };
    let signed = reader.bodies().remove(0);
    let envelope: Envelope = serde_json::from_str(&signed).unwrap();
    let told = bellwether::community::opened(&envelope, &key.public()).unwrap();
    assert_eq!(told.notice.title, "New tokens beyond what was announced");
    let id = told.notice.id.to_string();
    let mail = mails.mails().pop().unwrap();
    assert!(mail.subject.contains("New tokens beyond what was announced"), "{mail:?}");
    assert_eq!(mail.header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    let (name, document) = &mail.attached[0];
    assert_eq!(name, "alert.json");

    // Anybody can check it, and only the very thing that was signed.
    let (_, public_key) = public.get("/public/key").await;
    assert_eq!(public_key.trim(), key.public());
    let check = async |document: &str| {
        let file = project.path().join("alert.json");
        fs::write(&file, document).unwrap();
        let mut verify = bellwether();
        verify.args(["public", "verify"]).arg(&file).args(["--public", public_key.trim()]);
        run_to_end(verify).await
    };
    let genuine = check(document).await;
    assert_eq!(genuine.code, Some(0), "{genuine:?}");
    assert!(genuine.out.contains("Meridian alerts says"), "{}", genuine.out);
    let (_, served) = public.get(&format!("/public/alerts/{id}.json")).await;
    assert_eq!(check(&served).await.code, Some(0));
    let forged = SigningKey::generate().unwrap();
    let forged = forged.seal(bellwether::community::NOTICE_TYPE, &told).unwrap();
    let forged = check(&serde_json::to_string(&forged).unwrap()).await;
    assert_eq!(forged.code, Some(1), "{forged:?}");

    // Feeds that others can read.
    for feed in ["feed.atom", "feed.rss", "feed.json"] {
        let (_, text) = public.get(&format!("/public/{feed}")).await;
        let read = feed_rs::parser::parse(text.as_bytes()).unwrap();
        assert_eq!(read.title.unwrap().content, "Meridian alerts", "{feed}");
        assert_eq!(read.entries.len(), 1, "{feed}");
        let entry = &read.entries[0];
        assert!(entry.title.as_ref().unwrap().content.contains("New tokens"), "{feed}");
        assert_eq!(entry.links[0].href, format!("{}/public/alerts/{id}", public.base), "{feed}");
        assert!(entry.published.or(entry.updated).is_some(), "{feed}");
    }

    // Whoever asks for it by another way is taken off beside the running program.
    let other = public.post("/public/subscribe", &[("address", "other@example.org")]).await;
    assert_eq!(other.0, 202);
    until("the second invitation comes", || mails.mails().len() == 3).await;
    let link = mails.mails().pop().unwrap();
    let link = link.text.split(&public.base).nth(1).unwrap().to_owned();
    assert_eq!(public.post(link.split_whitespace().next().unwrap(), &[]).await.0, 200);
    assert!(subscribers(&project).await.contains("other@example.org"));
    let off = ["public", "subscribers", "remove", "other@example.org"];
    let said = command(&project, &off).await;
    assert_eq!(said, "other@example.org: off the list\n");
    let left = subscribers(&project).await;
    assert!(left.contains("reader@") && !left.contains("other@"), "{left}");
    let mut again = bellwether();
    again.args(off).args(["--json"]).env("BELLWETHER_FOLDER", project.path());
    let again = run_to_end(again).await;
    assert_eq!((again.code, &again.json()["removed"]), (Some(1), &false.into()), "{again:?}");

    // Nothing of what is inside is seen outside, and nothing else is served there.
    let private = [alert.as_str(), "0123456789abcdef0123456789abcdef"];
    for path in [
        "/public/alerts",
        "/public/feed.atom",
        "/public/feed.rss",
        "/public/feed.json",
        "/public/key",
        "/public/nothing",
        "/public/confirm/x",
        "/public/leave/x",
        "/public/alerts/x",
        &format!("/public/alerts/{id}"),
        &format!("/public/alerts/{id}.json"),
        &format!("/public/alerts/{alert}"),
    ] {
        assert_tells_nothing(path, &public.get(path).await.1, &private);
    }
    assert_tells_nothing("the mail", &format!("{mail:?}"), &private);
    assert_tells_nothing("the document", &serde_json::to_string(&told).unwrap(), &private);
    for path in ["/", "/alerts", "/api/v1/status", "/metrics", &format!("/alerts/{alert}")] {
        assert_eq!(public.get(path).await.0, 404, "{path} is not for everybody");
    }

    // Its end is told to all who were told.
    let mut benign = bellwether();
    benign
        .args(["alerts", "benign", &alert, "--by", "ann", "--because", "announced after all"])
        .env("BELLWETHER_FOLDER", project.path());
    let benign = run_to_end(benign).await;
    assert_eq!(benign.code, Some(0), "{benign:?}");
    until("the webhook hears its end", || reader.bodies().len() == 2).await;
    until("the reader hears its end", || mails.mails().len() == 4).await;
    let end = mails.mails().pop().unwrap();
    assert!(end.subject.starts_with("Nothing bad: "), "{}", end.subject);
    assert_eq!(end.in_reply_to.as_deref(), Some(mail.message_id.as_str()));
    assert!(!end.text.contains("announced after all"), "what the team says stays inside");
    let listed = command(&project, &["public", "list"]).await;
    assert!(listed.contains(&format!("{alert}  published as {id}, revision 2")), "{listed}");
    assert!(listed.contains("channel hook: 2 delivered, 0 on their way"), "{listed}");

    // A copy for elsewhere says the same.
    let mirror = project.path().join("mirror");
    command(&project, &["public", "export", mirror.to_str().unwrap()]).await;
    let copy = fs::read_to_string(mirror.join(format!("alerts/{id}.json"))).unwrap();
    assert_eq!(check(&copy).await.code, Some(0));
    let index = fs::read_to_string(mirror.join("index.html")).unwrap();
    assert!(index.contains(&format!("href=\"alerts/{id}.json\"")), "{index}");
    assert_tells_nothing("the mirror", &index, &private);

    // One click, and nothing comes any more.
    let leave = mail.header("List-Unsubscribe").unwrap();
    let leave = leave.trim_matches(['<', '>']).strip_prefix(&public.base).unwrap();
    let left = public.post(leave, &[("List-Unsubscribe", "One-Click")]).await;
    assert_eq!(left.0, 200);
    assert_eq!(subscribers(&project).await, "nobody subscribed\n");
    program.stop().await;
}

async fn command(project: &Project, arguments: &[&str]) -> String {
    let mut command = bellwether();
    command.args(arguments).env("BELLWETHER_FOLDER", project.path());
    let ended = run_to_end(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.out
}

async fn subscribers(project: &Project) -> String {
    command(project, &["public", "subscribers", "list"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_away_hears_everything_in_order_after_a_restart() {
    let mut chain = Chain::start(84).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let inside = Webhook::start().await;
    let port = free_port();
    SigningKey::generate().unwrap().write(&project.path().join("public.key")).unwrap();
    project.write("monitors/all.toml", RULE).tell(inside.url()).write(
        "public.toml",
        &format!(
            r#"name = "Meridian alerts"
signing_key = {{ file = "public.key" }}

[[publish]]
detectors = ["expression"]
hold = "0s"

[[channel]]
name = "hook"
kind = "webhook"
url = "http://127.0.0.1:{port}/hook"
"#
        ),
    );
    let mut program = Program::run(&project);
    program.url().await;
    chain.issue(777_777);
    chain.everydays(12);
    within(PATIENCE, "a first attempt fails", async || {
        program.log().contains("trying again later").then_some(())
    })
    .await;
    program.kill();

    let reader = Reader::default();
    let router = Router::new()
        .fallback(|State(reader): State<Reader>, body: Bytes| async move {
            reader.bodies.lock().unwrap().push(String::from_utf8(body.to_vec()).unwrap());
        })
        .with_state(reader.clone());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let program = Program::run(&project);
    until("what waited is told", || reader.bodies().len() == 1).await;
    program.stop().await;
    assert_eq!(reader.bodies().len(), 1, "once");
}
