//! What everybody is told in Discord and Telegram, against counterparts of both: forms, limits, and a
//! title that would like to be more than text.

use bellwether::signature::SigningKey;

use super::{
    chat::{Discord, Telegram},
    peer::{KEY, Mood, Peer, Shown},
};
use crate::world::{Chain, Program, Project, Webhook, until};

const RULE: &str = r#"[[monitor]]
name = "issued"
on = ["token"]
event = "Issued"
when = "amount == 777_777 token"
severity = "high"
"#;

/// What a client would make a mention, a link, a command, a tag or markup of.
const HOSTILE: &str = "**New** [tokens](x) @everyone <@1> /start #tag";

fn one_of(peer: &Peer) -> Option<Shown> {
    peer.shown().pop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chats_of_everybody_get_what_their_providers_take_and_its_end() {
    let mut chain = Chain::start(87).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let inside = Webhook::start().await;
    let discord = Peer::start(Box::<Discord>::default()).await;
    let telegram = Peer::start(Box::<Telegram>::default()).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    SigningKey::generate().unwrap().write(&project.path().join("public.key")).unwrap();
    project
        .write("monitors/all.toml", RULE)
        .tell(inside.url())
        .write("chat.key", KEY)
        .write("write.key", "0123456789abcdef0123456789abcdef\n")
        .write("discord.url", &format!("{}/api/webhooks/1/{KEY}", discord.url()))
        .write(
            "bellwether.toml",
            &format!(
                "name = \"Test\"\nlisten = \"127.0.0.1:{port}\"\nwrite_key = {{ file = \"write.key\" }}\n"
            ),
        )
        .write(
            "public.toml",
            &format!(
                r#"name = "Meridian alerts"
url = "https://watch.example"
signing_key = {{ file = "public.key" }}

[[publish]]
detectors = ["expression"]
title = "{HOSTILE}"
hold = "0s"

[[channel]]
name = "discord"
kind = "discord"
url = {{ file = "discord.url" }}

[[channel]]
name = "telegram"
kind = "telegram"
url = "{}"
token = {{ file = "chat.key" }}
chat = "-1001"
"#,
                telegram.url()
            ),
        );
    // Both ask for a rest first, each where its own documentation puts it.
    discord.feel(Mood::Limiting);
    telegram.feel(Mood::Limiting);
    let mut program = Program::run(&project);
    program.url().await;
    chain.issue(777_777);
    program.judged(chain.everydays(12)).await;
    until("both are asked, and ask for a rest", || {
        program.log().matches("trying again later").count() >= 2
    })
    .await;
    discord.feel(Mood::Well);
    telegram.feel(Mood::Well);
    until("both are told", || one_of(&discord).is_some() && one_of(&telegram).is_some()).await;
    for (peer, what) in [(&discord, "discord"), (&telegram, "telegram")] {
        let shown = peer.shown();
        assert_eq!(shown.len(), 1, "{what}: once");
        let Shown { text, links, .. } = &shown[0];
        for words in ["New", "tokens", "everyone", "start"] {
            assert!(text.contains(words), "{what}: the title's words stay: {text}");
        }
        assert!(text.contains("token"), "{what}: what it is about: {text}");
        let ours = |link: &String| link.starts_with("https://watch.example/public/alerts");
        assert!(!links.is_empty() && links.iter().all(ours), "{what} leads elsewhere: {links:?}");
    }

    // Nothing to press in a client that makes commands, tags and mentions of plain text.
    let told = one_of(&telegram).unwrap().text;
    for pressed in ["@everyone", "/start", "#tag"] {
        assert!(!told.contains(pressed), "{told}");
    }

    // Its end is told, too.
    let alert = {
        let store = store::Store::open_to_read(project.store()).unwrap();
        crate::world::all_alerts(&store)[0].id.to_string()
    };
    let mut benign = crate::world::bellwether();
    benign
        .args(["alerts", "benign", &alert, "--by", "ann", "--because", "announced"])
        .env("BELLWETHER_FOLDER", project.path());
    let benign = crate::world::run_to_end(benign).await;
    assert_eq!(benign.code, Some(0), "{benign:?}");
    until("both hear its end", || discord.shown().len() == 2 && telegram.shown().len() == 2).await;
    for peer in [&discord, &telegram] {
        let end = one_of(peer).unwrap();
        assert!(end.text.contains("Nothing bad: "), "{}", end.text);
        assert!(!end.text.contains("announced"), "what the team says stays inside");
    }
    program.stop().await;
}
