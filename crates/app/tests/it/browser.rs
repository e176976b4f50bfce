//! The page in a real browser: complete without scripts, live with them, and calling nobody else.

use std::time::Duration;

use crate::world::{Browser, Chain, Program, Project, Webhook, has_browser, until};

/// Meridian with a history and an attack in it, watched and judged.
async fn scene() -> (Chain, Project, Webhook, Program) {
    // Some eighty blocks, the newest from a moment ago: charts show what was lately.
    let mut chain = Chain::start_before(Duration::from_secs(16 * 60), 31).await;
    let project = Project::meridian();
    chain.declare(&project);
    let hook = Webhook::start().await;
    project.tell(hook.url());
    let mut program = Program::run(&project);
    chain.everydays(40);
    chain.attack("role_stolen");
    program.judged(chain.everydays(2)).await;
    until("the attack is told", || !hook.kinds_of("role-change").is_empty()).await;
    program.told_everything().await;
    (chain, project, hook, program)
}

/// Asserts what the page must show, with scripts and without.
fn assert_tells_the_state(html: &str, chain: &Chain) {
    let head = chain.devnet.head().number;
    for expected in [
        "Can I trust what I see",
        "What needs me now",
        "devnet",
        "chain 31338",
        &head.to_string(),
        "DEFAULT_ADMIN_ROLE of token",
        "mUSD issued to",
        "ETH left pair in one transaction",
        "critical",
        "confirmed",
        "insurance-fund",
    ] {
        assert!(html.contains(expected), "the page shows {expected:?}");
    }
    assert!(html.matches("<svg").count() >= 3, "charts: {}", html.matches("<svg").count());
    assert!(html.contains("<path") || html.contains("<polyline"), "charts have lines");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_complete_without_scripts_and_each_alert_has_its_page() {
    if !has_browser() {
        return;
    }
    let (chain, project, _hook, mut program) = scene().await;
    let url = program.url().await;
    let mut browser = Browser::start().await;
    browser.set_scripts(false).await;
    browser.open(&url).await;
    let html = browser.html().await;
    assert_tells_the_state(&html, &chain);
    let picture = browser.picture(&project.path().join("page.png")).await;
    assert!(picture.len() > 20_000, "the picture has something on it: {} bytes", picture.len());

    let alerts = program.ask("alerts?monitor=role-change").await;
    let id = alerts["items"][0]["id"].as_str().unwrap().to_owned();
    browser.open(&format!("{url}/alerts/{id}")).await;
    let html = browser.html().await;
    let evidence = program.ask(&format!("alerts/{id}")).await;
    let tx = evidence["findings"][0]["origin"]["tx"].as_str();
    let tx = tx.unwrap_or_else(|| panic!("{evidence:#}"));
    for expected in [tx, "new: 1 alert", "hook", "delivered"] {
        assert!(html.contains(expected), "the alert's page shows {expected:?}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
    for asked in browser.requested() {
        assert!(asked.starts_with(&url), "the page asks only its own server: {asked}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_changes_by_itself_and_says_when_it_hears_nothing_any_more() {
    if !has_browser() {
        return;
    }
    let (mut chain, _project, _hook, mut program) = scene().await;
    let url = program.url().await;
    let mut browser = Browser::start().await;
    browser.open(&url).await;
    let html = browser.html().await;
    assert_tells_the_state(&html, &chain);
    let told = "of vault changed from";
    assert!(!html.contains(told), "not yet");
    // A page that is loaded anew would forget this.
    browser.evaluate("window.same = true").await;

    chain.attack("parameter_pushed");
    let head = chain.everyday().number;
    let patience = Duration::from_secs(30);
    browser.until(patience, &format!("document.body?.innerText.includes('{told}')")).await;
    browser.until(patience, &format!("document.body?.innerText.includes('{head}')")).await;
    assert_eq!(browser.evaluate("window.same").await, true, "the page was not loaded anew");
    for asked in browser.requested() {
        assert!(asked.starts_with(&url), "the page asks only its own server: {asked}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());

    let is_silent = "document.getElementById('stale').classList.contains('on')";
    assert_eq!(browser.evaluate(is_silent).await, false);
    program.kill();
    browser.until(patience, is_silent).await;
    let told = browser.evaluate("document.getElementById('stale').innerText").await;
    assert!(told.as_str().unwrap().contains("No word from Bellwether"), "{told}");
}
