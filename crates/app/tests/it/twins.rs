//! Two installations with nothing in common but an exchange: people get one mail, whoever dies.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    time::{Duration, Instant},
};

use bellwether::signature::SigningKey;
use evm::meridian::{call, contracts::MeridianToken};
use serde_json::{Value, json};

use crate::{
    community::Reader,
    world::{
        Chain, MailServer, PATIENCE, Program, Project, all_alerts, bellwether, installed,
        run_to_end, until, within,
    },
};

/// How old the chain is when it starts: its blocks must not look stale, or from the future.
const RECENT: Duration = Duration::from_secs(120);

/// What a message is held back here; the documented default is 15 s.
const HOLD: Duration = Duration::from_secs(8);

/// A dead twin keeps a mail from people for this long at the most, on a slow machine.
const LIMIT: Duration = Duration::from_secs(25);

const WRITE_KEY: &str = "0123456789abcdef0123456789abcdef";

/// What the deployment itself does is ordinary: it happened before the two agreed on anything.
fn monitors(chain: &Chain) -> String {
    let stranger = chain.meridian.actors.attackers[1].address();
    format!(
        r#"[[monitor]]
name = "role-granted"
on = ["token"]
event = "RoleGranted"
when = "account in [{stranger}]"
severity = "critical"

[[monitor]]
name = "issued"
on = ["token"]
event = "Issued"
when = "amount == 777_777 token"
severity = "critical"
"#
    )
}

/// The mails that came, each under its identity, about this event.
fn about(mail: &MailServer, event: &str) -> Vec<String> {
    let mails = mail.mails().into_iter().filter(|mail| mail.subject.contains(event));
    mails.map(|mail| mail.message_id).collect()
}

/// Nothing was told twice.
fn assert_once(mail: &MailServer) {
    let ids: Vec<String> = mail.mails().into_iter().map(|mail| mail.message_id).collect();
    let once: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "{:?}", mail.mails());
}

/// One installation: its folder, its key, and whom it talks to.
struct Side {
    project: Project,
    key: SigningKey,
    name: &'static str,
}

impl Side {
    fn new(chain: &Chain, mail: &MailServer, name: &'static str) -> Self {
        let project = Project::meridian_contracts();
        chain.declare(&project);
        let key = SigningKey::generate().unwrap();
        key.write(&project.path().join("heartbeat.key")).unwrap();
        let port = mail.port;
        project.write("monitors/all.toml", &monitors(chain)).write("write.key", WRITE_KEY).write(
            "routes.toml",
            &format!(
                r#"[[receiver]]
name = "team"
kind = "mail"
from = "Bellwether <bellwether@example.org>"
to = ["on-call@example.org"]
host = "127.0.0.1"
port = {port}
tls = "none"

[[route]]
severity = "info"
receivers = ["team"]
"#
            ),
        );
        let side = Self { project, key, name };
        side.beside(None);
        side
    }

    /// Writes `bellwether.toml`, with the other one at this address.
    fn beside(&self, other: Option<(&str, &Self)>) {
        let mut text = format!(
            "name = \"{}\"\nlisten = \"127.0.0.1:0\"\nwrite_key = {{ file = \"write.key\" }}\n\
             [pulse]\nheartbeat_key = {{ file = \"heartbeat.key\" }}\n",
            self.name
        );
        if let Some((url, other)) = other {
            let is_first = other.name == "first";
            text.push_str(&format!(
                "[[pulse.peer]]\nname = \"{}\"\nurl = \"{url}\"\nkey = \"{}\"\n\
                 same_people = true\nspeaks_first = {is_first}\nhold = \"{}s\"\n",
                other.name,
                other.key.public(),
                HOLD.as_secs()
            ));
        }
        self.project.write("bellwether.toml", &text);
    }
}

fn grant(chain: &Chain) {
    let role = alloy_primitives::keccak256("ISSUER_ROLE");
    let account = chain.meridian.actors.attackers[1].address();
    let grant = MeridianToken::grantRoleCall { role, account };
    chain.send(&chain.meridian.actors.admin, call(chain.meridian.token, grant));
}

/// The account of the one alert of a monitor.
async fn account(program: &mut Program, monitor: &str) -> Value {
    let alerts = program.ask(&format!("alerts?monitor={monitor}")).await;
    let id = alerts["items"][0]["id"].as_str().unwrap().to_owned();
    program.ask(&format!("alerts/{id}")).await
}

async fn hears(program: &mut Program) {
    let is_heard = |status: &Value| {
        let twin = &status["twins"][0];
        let sees_all = twin["does_not_see"].as_array().is_some_and(Vec::is_empty);
        twin["heard_at"].is_object() && twin["error"].is_null() && sees_all
    };
    program.ask_until(PATIENCE, "status", "it hears its twin, which sees", is_heard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_get_one_mail_of_two_installations_and_each_one_of_the_one_that_is_left() {
    let Some(folder) = installed("mail") else { return };
    let mail = MailServer::open(&folder).await;
    let mut chain = Chain::start_before(RECENT, 81).await;
    let (first, second) = (Side::new(&chain, &mail, "first"), Side::new(&chain, &mail, "second"));
    let mut one = Program::run(&first.project);
    second.beside(Some((&one.url().await, &first)));
    let mut two = Program::run(&second.project);
    first.beside(Some((&two.url().await, &second)));
    one.hang_up();
    let head = chain.everydays(3);
    one.judged(head).await;
    two.judged(head).await;
    hears(&mut one).await;
    hears(&mut two).await;

    // Both see it, and one tells.
    grant(&chain);
    let head = chain.everydays(2);
    one.judged(head).await;
    two.judged(head).await;
    until("a mail comes", || !mail.mails().is_empty()).await;
    one.told_everything().await;
    two.told_everything().await;
    assert_once(&mail);
    let told = account(&mut two, "role-granted").await;
    let by_other = "told by the twin first at ";
    assert!(told.to_string().contains(by_other), "{told:#}");
    let of_first = account(&mut one, "role-granted").await;
    assert_eq!(of_first["alert"]["id"], told["alert"]["id"], "both derive the same identity");
    assert!(!of_first.to_string().contains("told by the twin"), "{of_first:#}");

    // Who is on it at one side is on it at the other.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let id: model::AlertId = told["alert"]["id"].as_str().unwrap().parse().unwrap();
    let word = json!({ "alert": {
        "alert": id, "deed": "acknowledge", "by": "ann", "because": "on it" } });
    let url = format!("{}/api/v1/words", two.url().await);
    let said = client.post(url).bearer_auth(WRITE_KEY).json(&word).send().await.unwrap();
    assert!(said.status().is_success(), "{}", said.text().await.unwrap());
    within(PATIENCE, "the first hears that ann is on it", async || {
        let account = account(&mut one, "role-granted").await;
        (account.to_string().contains("acknowledged")).then_some(())
    })
    .await;

    // The first is killed before anything else happens; the second tells, within the limit.
    one.kill();
    chain.issue(777_777);
    let since = Instant::now();
    let head = chain.everyday();
    two.judged(head).await;
    until("the second's mail comes", || !about(&mail, "Issued").is_empty()).await;
    let took = since.elapsed();
    assert!(took <= LIMIT, "{took:?}");
    let account = account(&mut two, "issued").await;
    assert!(account.to_string().contains("the twin first "), "{account:#}");
    let silent = |status: &Value| status["trust"].to_string().contains("twin_silent");
    two.ask_until(PATIENCE, "status", "people know that there is one left", silent).await;

    // It comes back, catches up, and says nothing of what was told meanwhile.
    let mut one = Program::run(&first.project);
    let url = one.url().await;
    second.beside(Some((&url, &first)));
    two.hang_up();
    one.judged(head).await;
    hears(&mut one).await;
    one.told_everything().await;
    assert_once(&mail);
    assert!(!about(&mail, "RoleGranted").is_empty());
    let store = one.stop_and_open().await;
    assert_eq!(all_alerts(&store).len(), 2);
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_named_learns_nothing_and_is_not_believed() {
    let Some(folder) = installed("mail") else { return };
    let mail = MailServer::open(&folder).await;
    let mut chain = Chain::start_before(RECENT, 82).await;
    let (side, stranger) = (Side::new(&chain, &mail, "second"), SigningKey::generate().unwrap());
    let named = Side::new(&chain, &mail, "first");
    side.beside(Some(("http://127.0.0.1:9", &named)));
    let mut program = Program::run(&side.project);
    let head = chain.everydays(2);
    program.judged(head).await;
    let url = format!("{}/api/v1/twin", program.url().await);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let talk = |to: String, at: i64| {
        json!({
            "to": to, "nonce": "n", "at": at, "speaks_first": true, "sees": [31337], "told": [],
            "told_after": 0, "told_newest": 0, "under_way": [], "said": [], "said_after": 0,
            "said_newest": 0, "knows_told": 0, "knows_said": 0
        })
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (now, ours) = (now.as_millis() as i64, side.key.public());
    let kind = bellwether::twin::TALK_TYPE;
    let good = named.key.seal(kind, &talk(ours.clone(), now)).unwrap();
    for (envelope, why) in [
        (stranger.seal(kind, &talk(ours.clone(), now)).unwrap(), "not to be believed"),
        (named.key.seal(kind, &talk("00".repeat(32), now)).unwrap(), "for somebody else"),
        (named.key.seal(kind, &talk(ours.clone(), now - 60_000)).unwrap(), "clock"),
        (named.key.seal("application/other", &talk(ours.clone(), now)).unwrap(), "believed"),
    ] {
        let answer = client.post(&url).json(&envelope).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(
            status == 401 && text.contains(why) && !text.contains("payload"),
            "{status}: {text}"
        );
    }
    let answer = client.post(&url).json(&good).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let again = client.post(&url).json(&good).send().await.unwrap();
    assert_eq!(again.status(), 401, "what was said once is not believed twice");
    program.stop().await;
}

/// What both tell in public: over a webhook and to a mailing list, under names that both have.
fn public(side: &Side, mail: &MailServer, hook: &str) -> String {
    SigningKey::generate().unwrap().write(&side.project.path().join("public.key")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    side.project.write(
        "public.toml",
        &format!(
            r#"name = "Meridian alerts"
url = "{base}"
listen = "127.0.0.1:{port}"
signing_key = {{ file = "public.key" }}

[[publish]]
detectors = ["expression"]
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
            mail.port
        ),
    );
    base
}

/// Puts a reader on the list of an installation.
async fn subscribe(base: &str, mail: &MailServer, address: &str) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = client.post(format!("{base}/public/subscribe")).form(&[("address", address)]);
    assert_eq!(asked.send().await.unwrap().status(), 202);
    let link = within(PATIENCE, "the invitation comes", async || {
        let mails = mail.mails();
        mails.iter().find_map(|mail| Some(mail.text.split(base).nth(1)?.to_owned()))
    })
    .await;
    let link = format!("{base}{}", link.split_whitespace().next().unwrap());
    assert_eq!(client.post(link).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_once_of_two_installations_and_from_the_one_that_is_left() {
    let Some(folder) = installed("public mail of two") else { return };
    let mail = MailServer::open(&folder).await;
    let mut chain = Chain::start_before(RECENT, 86).await;
    let reader = Reader::default();
    let hook = reader.start().await;
    let (first, second) = (Side::new(&chain, &mail, "first"), Side::new(&chain, &mail, "second"));
    let bases = [public(&first, &mail, &hook), public(&second, &mail, &hook)];
    let mut one = Program::run(&first.project);
    second.beside(Some((&one.url().await, &first)));
    let mut two = Program::run(&second.project);
    first.beside(Some((&two.url().await, &second)));
    one.hang_up();
    let head = chain.everydays(3);
    one.judged(head).await;
    two.judged(head).await;
    for base in &bases {
        subscribe(base, &mail, "reader@example.org").await;
    }
    hears(&mut one).await;
    hears(&mut two).await;

    // Both publish it, and one tells.
    let letters = || {
        mail.mails()
            .iter()
            .filter(|mail| mail.to.contains("reader@") && !mail.attached.is_empty())
            .count()
    };
    grant(&chain);
    // A few blocks at a time: who is behind does not see the network, and nobody waits for it.
    for _ in 0..6 {
        let head = chain.everydays(2);
        one.judged(head).await;
        two.judged(head).await;
        hears(&mut one).await;
        hears(&mut two).await;
    }
    let feed = async |base: &str| {
        let text =
            reqwest::get(format!("{base}/public/feed.json")).await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().len()
    };
    let counts = async |side: &Side| {
        let mut list = bellwether();
        list.args(["public", "list"]).env("BELLWETHER_FOLDER", side.project.path());
        run_to_end(list).await.out
    };
    for (side, base) in [(&first, &bases[0]), (&second, &bases[1])] {
        within(PATIENCE, "nothing of it is on its way any more", async || {
            let list = counts(side).await;
            let is_done = |channel| list.contains(&format!("channel {channel}: 1 delivered, 0 on"));
            (is_done("hook") && is_done("list")).then_some(())
        })
        .await;
        assert_eq!(feed(base).await, 1, "feeds are each one's own");
    }
    assert_eq!(reader.bodies().len(), 1, "{:?}", reader.bodies());
    assert_eq!(letters(), 1, "{:?}", mail.mails());

    // Who is left tells what the other would have told.
    one.kill();
    chain.issue(777_777);
    let head = chain.everydays(12);
    two.judged(head).await;
    until("the webhook is told by the one that is left", || reader.bodies().len() == 2).await;
    until("and the reader", || letters() == 2).await;
    two.stop().await;
}
