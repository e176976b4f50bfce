//! `bellwether explain`: one transaction, by the shape of its calls.

use std::path::Path;

use expect_test::expect;
use serde_json::{Value, json};

use crate::world::{bellwether, run_to_end};

const SENDER: &str = "0x1111111111111111111111111111111111111111";
const WORKER: &str = "0x2222222222222222222222222222222222222222";
const VAULT: &str = "0x3333333333333333333333333333333333333333";
const LENDER: &str = "0x4444444444444444444444444444444444444444";
const TOKEN: &str = "0x5555555555555555555555555555555555555555";

fn word(address: &str) -> String {
    format!("{:0>64}", &address[2..])
}

fn transfer(to: &str, amount: u64) -> String {
    format!("0xa9059cbb{}{amount:064x}", word(to))
}

fn call(from: &str, to: &str, input: &str, calls: Vec<Value>) -> Value {
    json!({ "type": "CALL", "from": from, "to": to, "value": "0x0", "input": input, "calls": calls })
}

/// A loan of 100; the vault takes 100 and pays out 150, again and again; the loan is paid back.
fn attack() -> Value {
    let round = || {
        call(WORKER, VAULT, "0xaaaaaaaa", vec![call(VAULT, TOKEN, &transfer(WORKER, 150), vec![])])
    };
    let mut inside = vec![call(WORKER, TOKEN, &transfer(VAULT, 100), vec![])];
    inside.extend((0..8).map(|_| round()));
    inside.push(call(WORKER, TOKEN, &transfer(LENDER, 100), vec![]));
    let lending = vec![
        call(LENDER, TOKEN, &transfer(WORKER, 100), vec![]),
        call(LENDER, WORKER, "0x12345678", inside),
    ];
    call(SENDER, WORKER, "0x00000001", vec![call(WORKER, LENDER, "0xbbbbbbbb", lending)])
}

async fn explain(folder: &Path, trace: &Value, more: &[&str]) -> (Option<i32>, String, String) {
    let file = folder.join("trace.json");
    std::fs::write(&file, trace.to_string()).unwrap();
    let mut command = bellwether();
    command.args(["explain", "--trace"]).arg(&file).args(more);
    let ended = run_to_end(command).await;
    (ended.code, ended.out, ended.err)
}

#[tokio::test]
async fn an_attack_is_explained_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = explain(folder.path(), &attack(), &["--protect", VAULT]).await;
    assert_eq!(code, Some(1), "{out}");
    expect![[r#"
        the transaction: 22 frames
        sent by 0x1111111111111111111111111111111111111111
        page: somebody would be woken (score 7.0; told from 3.0, woken from 5.5)
        at most 0.009 % of the everyday uses it was fitted against score as much
        token transfers are read from calls: what tokens do on their own is not seen
        path d0bb68bb955c000e (in general ddb0b5602b7a9884)

         +3.1  called_on_borrowed_money   frame     3  called inside a flash loan taken from 0x4444444444444444444444444444444444444444
         +1.4  paid_out_more              frame     5  paid out 12.00 times what was paid in of 0x5555555555555555555555555555555555555555
         +1.2  repeated                   frame     5  0xaaaaaaaa was called 8 times
         +0.7  loss_for_nothing           frame     5  lost and got nothing
         +0.6  profit_for_nothing         frame     5  the sender's side gained and gave nothing
            ·  donated                    frame     4  was handed tokens without being called

          7.0  flow/attack_shape          page
          3.1  borrowed_money alone       notify
          2.7  extraction alone           quiet
          1.2  machinery alone            quiet
               flow/flash_loan            page   a loan, and paid_out_more
               flow/value_extracted       quiet  not judged without prices: the sender's side gained 1 asset and gave 0 assets, protected contracts lost 1 asset and got 0 assets
    "#]].assert_eq(&out);
}

#[tokio::test]
async fn the_same_answer_whatever_is_put_around_the_tree() {
    let folder = tempfile::tempdir().unwrap();
    let hash = format!("0x{}", "ab".repeat(32));
    let bare = attack();
    let mut told = Vec::new();
    for (form, more) in [
        (bare.clone(), vec![]),
        (json!({ "result": bare }), vec![]),
        (json!({ "jsonrpc": "2.0", "id": 1, "result": bare }), vec![]),
        (json!([{ "txHash": hash, "result": bare }]), vec!["--tx", &hash]),
    ] {
        let mut arguments = vec!["--json", "--protect", VAULT];
        arguments.extend(more);
        let (code, out, err) = explain(folder.path(), &form, &arguments).await;
        assert_eq!((code, err.as_str()), (Some(1), ""));
        let mut answer: Value = serde_json::from_str(&out).unwrap();
        answer["transaction"].take();
        told.push(answer);
    }
    assert!(told.windows(2).all(|two| two[0] == two[1]), "{told:#?}");
    assert_eq!(told[0]["verdict"], "page");
    let sum: f64 = told[0]["contributions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["weight"].as_f64().unwrap())
        .sum();
    assert!((sum - told[0]["score"].as_f64().unwrap()).abs() < 1e-6);
}

#[tokio::test]
async fn quiet_unusable_and_receipts() {
    let folder = tempfile::tempdir().unwrap();
    let ordinary = call(SENDER, VAULT, "0xaaaaaaaa", vec![]);
    let (code, out, _) = explain(folder.path(), &ordinary, &["--protect", VAULT]).await;
    assert_eq!(code, Some(0), "{out}");
    let (code, out, _) = explain(folder.path(), &ordinary, &["--protect", LENDER]).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("takes no part in it"), "{out}");

    let receipt = folder.path().join("receipt.json");
    std::fs::write(&receipt, json!({ "result": { "logs": [] } }).to_string()).unwrap();
    let receipts = ["--protect", VAULT, "--receipts", receipt.to_str().unwrap(), "--json"];
    let (code, out, err) = explain(folder.path(), &attack(), &receipts).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "without a log no token moved");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&answer["tokens_from"], &answer["verdict"]), (&json!("logs"), &json!("notify")));

    for (unusable, says) in [
        (json!({ "error": { "message": "not found" } }), "a node's refusal"),
        (json!({ "jsonrpc": "2.0" }), "it has no call tree"),
        (json!([]), "the list is empty"),
        (json!([{ "result": ordinary }, { "result": ordinary }]), "choose one with --tx"),
        (json!({ "type": "JUMP", "from": SENDER }), "unknown call frame type"),
        (json!(7), "neither a call tree nor a list"),
    ] {
        let (code, _, err) = explain(folder.path(), &unusable, &["--protect", VAULT]).await;
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains(says), "{says}: {err}");
    }
}

/// A chain of calls, each inside the one before, written without recursion.
fn nested(levels: usize) -> String {
    let open = format!(
        r#"{{"type":"CALL","from":"{SENDER}","to":"{VAULT}","value":"0x0","input":"0xaaaaaaaa""#
    );
    let mut text = vec![open; levels].join(r#","calls":["#);
    text.push('}');
    text.push_str(&"]}".repeat(levels - 1));
    text
}

async fn explain_text(folder: &Path, text: &str) -> (Option<i32>, String, String) {
    let file = folder.join("hostile.json");
    std::fs::write(&file, text).unwrap();
    let mut command = bellwether();
    command.args(["explain", "--protect", VAULT, "--trace"]).arg(&file);
    let ended = run_to_end(command).await;
    (ended.code, ended.out, ended.err)
}

#[tokio::test]
async fn the_deepest_tree_is_judged_and_a_deeper_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = explain_text(folder.path(), &nested(1_024)).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("1,024 frames"), "{out}");
    let (code, _, err) = explain_text(folder.path(), &nested(10_000)).await;
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("deep"), "{err}");
}

#[tokio::test]
async fn a_broad_tree_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let calls = (0..20_000).map(|_| call(WORKER, VAULT, "0xaaaaaaaa", vec![])).collect();
    let broad = call(SENDER, WORKER, "0x00000001", calls).to_string();
    let (code, out, err) = explain_text(folder.path(), &broad).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("called 20000 times"), "{out}");
}

/// A flat trace, as Parity-style nodes write it.
fn flat(path: &[u64]) -> Value {
    json!({
        "type": "call",
        "traceAddress": path,
        "transactionHash": format!("0x{}", "ab".repeat(32)),
        "action": {
            "callType": "call", "from": SENDER, "to": VAULT, "value": "0x0", "input": "0xaaaaaaaa",
        },
        "result": { "gasUsed": "0x1", "output": "0x" },
    })
}

#[tokio::test]
async fn impossible_and_broken_files_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let paths = |paths: &[&[u64]]| {
        json!(paths.iter().map(|path| flat(path)).collect::<Vec<_>>()).to_string()
    };
    let many = vec![0; 5_000];
    for (hostile, says) in [
        (paths(&[&[], &[0], &[0, 0], &[0]]), "pre-order"),
        (paths(&[&[], &[]]), "second outermost"),
        (paths(&[&[], &[7]]), "pre-order"),
        (paths(&[&[0]]), "pre-order"),
        (paths(&[&[], &[u64::MAX]]), "pre-order"),
        (paths(&[&many]), "deep"),
        ("[".repeat(100_000), ""),
        (r#"{"result":"#.repeat(50_000), ""),
        ("\u{0}\u{1}".to_owned(), ""),
        (String::new(), ""),
    ] {
        let (code, _, err) = explain_text(folder.path(), &hostile).await;
        assert_eq!(code, Some(2), "{says}: {err}");
        assert!(err.contains(says), "{says}: {err}");
    }
}

#[test]
fn wherever_a_file_ends_early_it_is_refused() {
    for whole in [attack().to_string(), json!([flat(&[]), flat(&[0])]).to_string()] {
        assert!(bellwether::trace_file::read(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(bellwether::trace_file::read(&whole[..end]).is_err(), "cut at {end}");
        }
    }
}
