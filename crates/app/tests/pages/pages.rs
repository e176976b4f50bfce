//! What a person must find on the pages.

use bellwether::snapshot::NetworkHealth;
use model::UnixSeconds;
use store::Store;

use crate::{
    http::{Answer, Served, now},
    sample,
};

fn has(answer: &Answer, texts: &[&str]) {
    let text = answer.text();
    for wanted in texts {
        assert!(text.contains(wanted), "{wanted:?} is not in: {text}");
    }
}

#[tokio::test]
async fn the_first_screen_answers_three_questions() {
    let page = Served::full().await.get("/").await;
    assert_eq!(page.status, 200);
    has(
        &page,
        &[
            "What needs me now 3 alerts, worst critical",
            "41 % of vault left in one transaction",
            "Can I trust what I see Partly",
            "gnosis no block judged yet",
            "base catching up, 2 min behind the head (100 blocks)",
            "1 monitor is warming up: gas-unusual (212 of 300 observations)",
            "What changed in the last 24 h 7 alerts,",
            "1 alert was taken back because its block",
            "1 waiting",
            "1 given up",
        ],
    );
    // Each network's state in words, and what is missing of it.
    has(&page, &["partly blind", "catching up", "no data yet", "4 missing", "1 in quarantine"]);
    assert!(page.body.contains("<span class=\"nodata\">no data</span>"), "unknown is hatched");
}

#[tokio::test]
async fn before_the_first_block_nothing_is_green_and_nothing_is_zero() {
    let page = Served::empty().await.get("/").await;
    has(
        &page,
        &[
            "Unknown no block judged yet",
            "Can I trust what I see No",
            "Silence means nothing here.",
        ],
    );
    for green in ["state good\">Yes", "Nothing</p>", "No alert so far", "0 alerts", "0 findings"] {
        assert!(!page.body.contains(green), "{green:?} is shown without a judged block");
    }
    assert!(page.body.matches("class=\"nodata\"").count() > 10);
}

#[tokio::test]
async fn silence_is_not_believed_while_blind() {
    let store = Store::in_memory().unwrap();
    sample::fill_quietly(&store, now());
    let at = |back_s: u64| UnixSeconds(now().0 as u64 / 1_000 - back_s);
    let mut health = NetworkHealth::unknown(sample::name("mainnet"), 1);
    (health.head_seen, health.head_time) = (Some(sample::HEAD), Some(at(4)));
    let served = Served::with_health(store.clone(), vec![health.clone()]).await;
    has(&served.get("/").await, &["What needs me now Nothing", "Can I trust what I see Yes"]);
    assert_eq!(served.get("/readyz").await.status, 200);

    health.stopped_reason = Some("the disk is full".to_owned());
    let served = Served::with_health(store, vec![health]).await;
    let page = served.get("/").await;
    has(
        &page,
        &[
            "What needs me now Unknown",
            "silence means nothing while we are blind",
            "Can I trust what I see No",
        ],
    );
    assert_eq!(served.get("/readyz").await.status, 503);
}

#[tokio::test]
async fn charts_say_what_they_found() {
    let page = Served::full().await.get("/").await;
    has(
        &page,
        &[
            "vault.withdraw: 19.7 % of calls fail, 9.83 × usual since block 19,426,512",
            "vault.deposit: 329k gas per call, 3.43 × usual since",
            "token.transfer: 0.763 % of calls fail, as usual",
        ],
    );
    assert!(page.body.contains("url(#nodata)"), "a time without data is hatched");
    assert!(!page.body.contains("NaN"));
}

#[tokio::test]
async fn an_alert_reads_top_down() {
    let served = Served::full().await;
    let id = served.alert("critical", "confirmed").await;
    let page = served.get(&format!("/alerts/{id}")).await;
    let text = page.text();
    let order = [
        "41 % of vault left in one transaction: 5,084,000 USDC",
        "critical",
        "confirmed : its block is final",
        "12,400,000 USDC at risk",
        "proven: the verified block says so",
        "Why we think so",
        "41 %, 34.2 × usual",
        "25 %",
        "1.2 % ± 0.8 % over n = 1,440",
        "What to do now",
        "1. Pause the vault",
        "Who was told",
        "404 Not Found: no such webhook",
        "Findings",
        "Same monitor, same place",
        "12 % of vault left",
        "Raw record",
    ];
    let mut rest = text.as_str();
    for wanted in order {
        let at = rest.find(wanted).unwrap_or_else(|| panic!("{wanted:?} is not in: {rest}"));
        rest = &rest[at..];
    }
    let body = page.body.replace("&#x2f;", "/");
    assert!(body.contains("href=\"https://etherscan.io/tx/0x"), "the transaction is a link");
}

#[tokio::test]
async fn each_state_is_a_word_and_what_is_void_is_struck() {
    let served = Served::full().await;
    let page = served.get("/alerts").await;
    for state in ["provisional", "confirmed", "retracted"] {
        assert!(
            page.body.contains(&format!("<span class=\"life {state}\">{state}</span>")),
            "{state}"
        );
    }
    let id = served.alert("high", "retracted").await;
    let page = served.get(&format!("/alerts/{id}")).await;
    has(&page, &["retracted : it does not hold any more, what was told before is void"]);
    assert!(page.body.contains("<article class=\"alert retracted\">"));
    assert!(
        !page.body.replace("&#x2f;", "/").contains("etherscan.io/block/"),
        "the explorer has another block there"
    );

    let id = served.alert("high", "provisional").await;
    let page = served.get(&format!("/alerts/{id}")).await;
    has(
        &page,
        &[
            "provisional : its block can still be reverted",
            "newest 20 of 10,000",
            "next attempt in 42 s",
        ],
    );
    has(&page, &["vault.withdraw: 19.7 % of calls fail"]);
}

#[tokio::test]
async fn a_strangers_text_stays_text() {
    let served = Served::full().await;
    let id = served.alert("medium", "confirmed").await;
    for path in [
        "/".to_owned(),
        "/alerts".to_owned(),
        format!("/alerts/{id}"),
        "/mail".to_owned(),
        "/mail/2".to_owned(),
    ] {
        let page = served.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        for bad in ["<script>alert", "<img src=x", "\u{202e}", "49"].iter().take(3) {
            assert!(!page.body.contains(bad), "{bad:?} on {path}");
        }
        assert!(page.body.contains("&lt;script&gt;alert(1)"), "shown as text on {path}");
        assert!(page.body.contains("{{ 7*7 }}"), "not a template on {path}");
    }
}

#[tokio::test]
async fn nothing_is_loaded_from_elsewhere_and_no_script_or_style_is_inline() {
    let served = Served::full().await;
    let id = served.alert("high", "provisional").await;
    for path in
        ["/".to_owned(), format!("/alerts/{id}"), "/mail/1".to_owned(), "/nowhere".to_owned()]
    {
        let page = served.get(&path).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'self'; base-uri 'none'"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        for bad in [" style=\"", "<style", " onclick", "src=\"http", "javascript:"] {
            assert!(!page.body.contains(bad), "{bad:?} on {path}");
        }
        let scripts = page.body.matches("<script").count();
        assert_eq!(scripts, page.body.matches("<script type=\"module\" src=\"/assets/").count());
    }
    let mail = served.get("/mail/1/body").await;
    assert!(mail.header("content-security-policy").unwrap().ends_with("sandbox"));
    assert!(mail.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn what_is_not_there_says_so_and_goes_on() {
    let served = Served::full().await;
    for (path, status, text) in [
        ("/nowhere", 404, "there is no page /nowhere"),
        ("/alerts/00", 404, "there is no alert 00"),
        ("/alerts/00000000000000000000000000000000", 404, "there is no alert"),
        ("/alerts?before=x", 400, "\"x\" is not a cursor"),
        ("/mail/99", 404, "there is no mail 99"),
        ("/mail/2/body", 404, "mail 2 has no HTML"),
    ] {
        let page = served.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.text().contains(text), "{path}: {}", page.text());
        assert!(page.body.contains("href=\"/alerts\""), "{path} leads on");
    }
    assert_eq!(served.ask("POST", "/", "").await.status, 405);
    let hidden = Served::over(Store::in_memory().unwrap(), |sources| sources.mailbox = None).await;
    assert_eq!(hidden.get("/mail").await.status, 404);
    assert!(!hidden.get("/").await.body.contains("href=\"/mail\""));
}

#[tokio::test]
async fn assets_are_kept_and_asking_again_costs_no_body() {
    let served = Served::full().await;
    let first = served.get("/assets/bellwether.css").await;
    assert_eq!((first.status, first.header("cache-control")), (200, Some("max-age=3600")));
    let tag = first.header("etag").unwrap();
    let again =
        served.ask("GET", "/assets/bellwether.css", &format!("if-none-match: {tag}\r\n")).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(served.get("/assets/../Cargo.toml").await.status, 404);
}

#[tokio::test]
async fn older_alerts_are_a_link_away() {
    let served = Served::empty().await;
    sample::fill_with_alerts(&served.store, now(), 60);
    let first = served.get("/alerts").await;
    let (_, rest) = first.body.split_once("href=\"/alerts?before=").unwrap();
    let (cursor, _) = rest.split_once('"').unwrap();
    let second = served.get(&format!("/alerts?before={cursor}")).await;
    let count = |page: &Answer| page.body.matches("class=\"what\"").count();
    assert_eq!((count(&first), count(&second)), (50, 10));
    assert!(!second.body.contains("?before="));
}

#[tokio::test]
async fn everything_about_one_contract_is_in_one_place() {
    let served = Served::full().await;
    let page = served.get("/contracts/mainnet/vault").await;
    assert_eq!(page.status, 200);
    has(
        &page,
        &[
            "vault",
            "12,400,000 USDC",
            "18,000,000",
            "role-change watches everything access/role_change",
            "whale-redeems event Redeemed when amount > 1_000 ether",
            "0x8456cb59 pause() paused",
            "deposit() takes value those on the whole contract",
            "RoleGranted(bytes32,address,address) OpenZeppelin",
            "41 % of vault left in one transaction",
            "5 functions change state, 3 only read",
            "Proxy UUPS proxy (ERC-1967): answers proxiableUUID()",
        ],
    );
    assert!(!page.text().contains("bridge-only"), "another contract's monitor");
    // The same by its address, and from the list.
    let list = served.get("/contracts").await;
    has(&list, &["8 guarded", "meridian 8", "insurance-fund"]);
    let address = served.get("/api/v1/addresses/mainnet/vault").await.json()["address"].clone();
    let by_address = served.get(&format!("/contracts/mainnet/{}", address.as_str().unwrap())).await;
    assert_eq!(by_address.text(), page.text());
    for nowhere in ["/contracts/base/vault", "/contracts/mars/vault", "/contracts/mainnet/valut"] {
        assert_eq!(served.get(nowhere).await.status, 404, "{nowhere}");
    }
}

#[tokio::test]
async fn life_power_coverage_threats_and_changes_are_told_of_a_contract() {
    let served = Served::full().await;
    let page = served.get("/contracts/mainnet/vault").await;
    has(
        &page,
        &[
            "vault active",
            "Stage active since block 19,425,087: in use and monitored",
            "Before that blocks 18,000,000 to 19,425,086: nobody has looked",
            "Same code as governor",
            "19,426,167 implementation",
            "holders before block 19,425,087 are unknown",
            "holds KEEPER_ROLE of vault, which the policy does not allow extra-principal 1 h 24 min",
            "ops-safe (3 must sign) → timelock (2 d 0 h) → DEFAULT_ADMIN_ROLE of vault 3 signatures, after 2 d",
            "guardian → PAUSER_ROLE of vault 1 signature, at once",
            "Relies on Dependency Kind Its failure would cost Code usdc",
            "token 12,400,000 USD nobody looked at it",
            "bellwether coverage backfill --network mainnet --monitor paused --from 18000000 --to 19424787",
            "12 things that are not watched without a gap",
            "vault-drained",
            "12,000,000 USD",
            "no plan , no control",
            "monitored → active: it was used",
            "was given KEEPER_ROLE of vault",
        ],
    );
    assert!(!page.body.contains("<script>alert"), "a threat's title is text");
    // What is paused, and what it holds over others.
    let fund = served.get("/contracts/mainnet/insurance-fund").await;
    has(&fund, &["insurance-fund paused", "monitored → paused: it was paused", "Created by 0x"]);
    let timelock = served.get("/contracts/mainnet/timelock").await;
    has(
        &timelock,
        &["It holds Of Good for Since DEFAULT_ADMIN_ROLE vault", "1 accepted by the policy"],
    );
    let list = served.get("/contracts").await;
    has(
        &list,
        &[
            "vault vault active 46.2 %",
            "insurance-fund insurance-fund paused",
            "bridge bridge unknown",
        ],
    );
}

#[tokio::test]
async fn what_is_not_known_of_a_contract_is_said_and_never_shown_as_nothing() {
    let page = Served::empty().await.get("/contracts/mainnet/vault").await;
    has(
        &page,
        &[
            "Life and lineage unknown no block of mainnet was judged yet. To know it: bellwether run",
            "Power unknown no monitor of mainnet follows who holds what",
            "unknown no block of mainnet was judged yet",
        ],
    );
    for nothing in ["As declared", "no hole", "None so far", "None seen so far", "Nobody is known"]
    {
        assert!(!page.text().contains(nothing), "{nothing:?} is claimed without a judged block");
    }
    // An account that nobody guards, with what it holds over what is guarded.
    let served = Served::full().await;
    let vault = served.get("/api/v1/addresses/mainnet/vault").await.json();
    let ways = vault["power"]["ways"].as_array().unwrap();
    let safe = ways.iter().find(|way| way["principal"]["name"] == "ops-safe").unwrap();
    let safe = safe["principal"]["address"].as_str().unwrap();
    let page = served.get(&format!("/contracts/mainnet/{safe}")).await;
    has(&page, &["nobody guards it", "It holds Of Good for Since PROPOSER_ROLE timelock"]);
}

#[tokio::test]
async fn a_contract_that_nobody_watches_is_not_green() {
    let served = Served::empty().await;
    let page = served.get("/contracts/mainnet/vault").await;
    has(&page, &["no block judged yet", "Silence means nothing here."]);
    assert!(!page.body.contains("state good"), "green without a judged block");

    let stranger = sample::stranger();
    let page = served.get(&format!("/contracts/mainnet/{stranger}")).await;
    has(&page, &["nobody guards it", "bellwether init --address", "Label: exploiter"]);
    assert!(page.body.contains("&lt;script&gt;alert(1)"), "a label is text");
    assert!(!page.body.contains("<script>alert"), "a label is never markup");
}
