//! A drill goes the whole way, through a real mail server, to whoever would hear the real thing; and
//! nothing real is touched by it.

use std::{net::TcpListener, sync::Arc};

use serde_json::Value;

use crate::world::{
    Chain, Ended, Mail, MailServer, PATIENCE, Program, Project, bellwether, installed, run_to_end,
    until, within,
};

/// Strangers get roles; those that the deployment gives are ordinary.
fn monitor(chain: &Chain) -> String {
    let strangers: Vec<String> =
        chain.meridian.actors.attackers.iter().map(|w| w.address().to_string()).collect();
    let strangers = strangers.join(", ");
    format!(
        "[[monitor]]\nname = \"role-to-stranger\"\non = [\"token\"]\nevent = \"RoleGranted\"\n\
         when = \"account in [{strangers}]\"\nseverity = \"critical\"\n"
    )
}

const PEOPLE: &str = r#"[[person]]
name = "ann"
channels = ["post"]
mail = "ann@example.org"

[[person]]
name = "bob"
channels = ["post"]
mail = "bob@example.org"
"#;

async fn run(project: &Project, arguments: &[&str]) -> Ended {
    let mut command = bellwether();
    command.args(arguments).env("BELLWETHER_FOLDER", project.path());
    run_to_end(command).await
}

fn write(project: &Project, chain: &Chain, server: &MailServer) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    project
        .write("monitors/roles.toml", &monitor(chain))
        .write("people.toml", PEOPLE)
        .write(
            "routes.toml",
            &format!(
                "[[receiver]]\nname = \"post\"\nkind = \"mail\"\nhost = \"127.0.0.1\"\nport = {}\n\
                 tls = \"none\"\nfrom = \"bellwether@example.org\"\nto = [\"team@example.org\"]\n\
                 tells_closed = true\n\n\
                 [[route]]\nseverity = \"info\"\nreceivers = [\"post\"]\ngroup_interval = \"1s\"\n",
                server.port
            ),
        )
        .write("write.key", "0123456789abcdef0123456789abcdef\n")
        .write(
            "bellwether.toml",
            &format!(
                "name = \"Test\"\nlisten = \"127.0.0.1:{port}\"\nwrite_key = {{ file = \"write.key\" }}\n"
            ),
        );
}

fn link(mail: &Mail, what: &str) -> String {
    let line = mail.text.lines().find(|line| line.trim_start().starts_with(what));
    let line = line.unwrap_or_else(|| panic!("a link to {what}: {}", mail.text));
    line.split_whitespace().last().unwrap().to_owned()
}

async fn press(link: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = "application/x-www-form-urlencoded";
    let sent = client.post(link).header("content-type", form).body("").send().await;
    sent.unwrap().status().as_u16()
}

fn is_drill(mail: &Mail) -> bool {
    mail.subject.starts_with("[DRILL]")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_reaches_people_is_acknowledged_by_its_link_and_touches_nothing_real() {
    let Some(folder) = installed("mail") else { return };
    let server = MailServer::open(&folder).await;
    let mut chain = Chain::start(81).await;
    let project = Arc::new(Project::meridian_contracts());
    chain.declare(&project);
    write(&project, &chain, &server);
    let mut program = Program::run(&project);
    let head = chain.everydays(2);
    program.judged(head).await;

    let order = ["drill", "page", "--by", "ann", "--because", "monthly", "--contract", "token"];
    let dry = run(&project, &[&order[..], &["--dry-run"]].concat()).await;
    assert_eq!(dry.code, Some(0), "{}", dry.err);
    assert!(dry.out.contains("ann") && dry.out.contains("nobody was told"), "{}", dry.out);
    let wrong = run(&project, &["drill", "page", "--by", "cy", "--because", " "]).await;
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("there is no person cy (one of: ann, bob)"), "{}", wrong.err);
    assert!(wrong.err.contains("a reason is missing"), "{}", wrong.err);
    assert!(server.mails().is_empty());

    let drilling = tokio::spawn({
        let project = project.clone();
        let order = [&order[..], &["--name", "tuesday", "--json", "--patience", "2m"]].concat();
        let order: Vec<String> = order.into_iter().map(str::to_owned).collect();
        async move { run(&project, &order.iter().map(String::as_str).collect::<Vec<_>>()).await }
    });
    let to_ann = |mail: &Mail| is_drill(mail) && mail.to.contains("ann@");
    until("ann is told of the drill", || server.mails().iter().any(to_ann)).await;
    let told = server.mails().into_iter().find(to_ann).unwrap();
    assert!(told.subject.starts_with("[DRILL] [CRITICAL]"), "{}", told.subject);
    assert!(told.text.contains("nothing of this happened"), "{}", told.text);

    // While it goes on, the real thing happens: it is told as such, and calls people by itself.
    chain.grant(3);
    let head = chain.everydays(2);
    program.judged(head).await;
    let is_real = |mail: &Mail| !is_drill(mail) && mail.to.contains("ann@");
    until("ann is told of what is real", || server.mails().iter().any(is_real)).await;
    let real = server.mails().into_iter().find(is_real).unwrap();
    assert!(!real.text.to_lowercase().contains("drill"), "{}", real.text);

    assert_eq!(press(&link(&told, "Acknowledge:")).await, 200);
    let done = drilling.await.unwrap();
    assert_eq!(done.code, Some(0), "{}", done.err);
    let report: Value = done.json();
    assert_eq!(report["acknowledged_by"], "ann", "{report:#}");
    assert_eq!((&report["drill"], &report["stage"]), (&"tuesday".into(), &"acknowledged".into()));
    let (first, on_it) = (&report["first_delivery_ms"], &report["acknowledged_ms"]);
    assert!(first.as_i64().unwrap() <= on_it.as_i64().unwrap(), "{report:#}");
    assert!(done.err.contains("page to ann over post: delivered"), "{}", done.err);

    // What is real waits for somebody still, and the drill is in no figure.
    let id = report["alert"].as_str().unwrap();
    let listed = program.ask("alerts?open=true").await;
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "the drill is not among them: {listed:#}");
    assert_ne!(items[0]["stage"], "acknowledged");
    assert_eq!(items[0]["drill"], Value::Null);
    let with = program.ask("alerts?drills=true").await;
    let drill = with["items"].as_array().unwrap().iter().find(|a| a["id"] == id).unwrap();
    assert_eq!(drill["drill"], "tuesday");
    let quality = program.ask("quality").await;
    assert!(!quality.to_string().contains("\"drill\":\"tuesday\""), "{quality:#}");
    let page = program.page(&format!("alerts/{id}")).await;
    assert!(page.contains("<strong>DRILL</strong>") && page.contains("on it: ann"));
    let judged =
        run(&project, &["verdict", id, "true-positive", "--by", "ann", "--because", "x"]).await;
    assert!(judged.err.contains("is a drill"), "{}", judged.err);

    let ended = run(&project, &["drill", "end", "tuesday", "--by", "bob"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let over = |mail: &Mail| is_drill(mail) && mail.subject.contains("Over: ");
    until("whoever was told hears that it is over", || server.mails().iter().any(over)).await;
    let none = run(&project, &["drill", "end", "--by", "bob"]).await;
    assert_eq!(none.out.trim(), "no drill goes on");
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_that_nobody_answers_is_ended_and_one_beside_no_program_is_refused() {
    let Some(folder) = installed("mail") else { return };
    let server = MailServer::open(&folder).await;
    let mut chain = Chain::start(82).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    write(&project, &chain, &server);
    let mut program = Program::run(&project);
    let head = chain.everydays(2);
    program.judged(head).await;
    let order = ["drill", "page", "--by", "ann", "--because", "monthly", "--patience", "2s"];
    let done = run(&project, &order).await;
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.out.contains("nobody acknowledged it"), "{}", done.out);
    let is_over = async || {
        let with = program.ask("alerts?drills=true").await;
        (with["items"][0]["stage"] == "resolved").then_some(())
    };
    let () = within(PATIENCE, "the drill is over", is_over).await;
    assert!(server.mails().iter().all(is_drill));
    program.stop().await;
    let refused = run(&project, &order).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("nothing runs here"), "{}", refused.err);
}
