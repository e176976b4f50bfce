//! The link in a mail: followed once in a real browser, and not twice.

use std::time::Duration;

use rusqlite::Connection;

use crate::world::{Browser, Chain, MailServer, Program, Project, has_browser, installed, until};

/// Strangers get roles; somebody reads the mails.
fn scene(chain: &Chain, project: &Project, port: u16) {
    let strangers: Vec<String> =
        chain.meridian.actors.attackers.iter().map(|w| w.address().to_string()).collect();
    let monitor = format!(
        "[[monitor]]\nname = \"role-to-stranger\"\non = [\"token\"]\nevent = \"RoleGranted\"\n\
         when = \"account in [{}]\"\nseverity = \"high\"\n",
        strangers.join(", ")
    );
    project
        .write("monitors/roles.toml", &monitor)
        .write("people.toml", "[[person]]\nname = \"ann\"\nchannels = [\"team\"]\n")
        .write(
            "routes.toml",
            &format!(
                "[[receiver]]\nname = \"team\"\nkind = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\n\
                 tls = \"none\"\nfrom = \"bellwether@example.org\"\nto = [\"team@example.org\"]\n\
                 readers = [\"ann\"]\n\n\
                 [[route]]\nseverity = \"info\"\nreceivers = [\"team\"]\n"
            ),
        );
}

/// What people said, as far as the pager was told.
fn said(project: &Project) -> i64 {
    let database = Connection::open(project.store()).unwrap();
    let sql = "SELECT count(*) FROM pager_inbox WHERE kind = 'said'";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_of_a_mail_is_followed_once_and_not_twice() {
    let Some(folder) = installed("mail") else { return };
    if !has_browser() {
        return;
    }
    let server = MailServer::open(&folder).await;
    let mut chain = Chain::start(11).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    scene(&chain, &project, server.port);
    let program = Program::run(&project);
    chain.grant(3);
    chain.everydays(2);
    until("a mail comes", || !server.mails().is_empty()).await;
    let told = server.mails().remove(0).text;
    let line = told.lines().find(|line| line.trim_start().starts_with("Acknowledge:"));
    let line = line.unwrap_or_else(|| panic!("a link to acknowledge: {told}"));
    let link = line.split_whitespace().last().unwrap().to_owned();
    assert!(link.starts_with("http://127.0.0.1:") && link.contains("/answer/"), "{link}");

    // What scanners of mail do.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.head(&link).send().await.unwrap().status(), 200);
    assert_eq!(client.get(&link).send().await.unwrap().status(), 200);
    let mut browser = Browser::start().await;
    browser.open(&link).await;
    let html = browser.html().await;
    assert!(html.contains("Nothing has happened yet"), "{html}");
    assert_eq!(said(&project), 0, "opening it does nothing");

    let press = "document.querySelector('select[name=by]').value = 'ann'; \
                 document.querySelector('form.say button').click(); true";
    let patience = Duration::from_secs(20);
    browser.evaluate(press).await;
    browser.until(patience, "document.body?.innerText.includes('Acknowledged by ann')").await;
    assert_eq!(said(&project), 1);

    browser.open(&link).await;
    let html = browser.html().await;
    assert!(html.contains("Acknowledged by ann over link"), "{html}");
    assert!(!html.contains("<button"), "nothing is left to press: {html}");
    let form = "application/x-www-form-urlencoded";
    let again = client.post(&link).header("content-type", form).body("by=ann").send().await;
    assert_eq!(again.unwrap().status(), 409);
    assert_eq!(said(&project), 1, "it counts once");
    let base = link.split("/answer/").next().unwrap().to_owned();
    for asked in browser.requested() {
        assert!(asked.starts_with(&base), "the page asks only its own server: {asked}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
    program.stop().await;
}
