//! What goes wrong in real operation, end to end: nodes and receivers away, odd logs, failed
//! transactions, a stop in the middle of everything. Nothing is lost, nothing is told twice.

use std::{collections::BTreeSet, time::Duration};

use alloy_primitives::{Address, B256, b256};
use evm::{
    devnet::{Fault, FaultRule, TransactionRequest},
    meridian::{call, contracts::MeridianToken, ether},
};
use model::{FactValue, FindingStatus, Name};
use store::Store;

use crate::world::{
    Chain, PATIENCE, Program, Project, Record, Webhook, all_alerts, all_findings,
    assert_all_delivered, until,
};

fn devnet() -> Name {
    Name::new("devnet").unwrap()
}

/// `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Meridian's contracts, these monitors, and a webhook for all of it.
async fn scene(seed: u64, monitors: &str) -> (Chain, Project, Webhook) {
    let chain = Chain::start(seed).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let hook = Webhook::start().await;
    project.write("monitors/all.toml", monitors).tell(hook.url());
    (chain, project, hook)
}

const ISSUED: &str = r#"[[monitor]]
name = "issued"
on = ["token"]
event = "Issued"
when = "amount == 777_777 token"
severity = "high"
"#;

/// Ends the program and checks that every block of the chain was judged by everybody.
async fn end(chain: &Chain, mut program: Program) -> Store {
    program.judged(chain.devnet.head()).await;
    program.told_everything().await;
    let store = program.stop_and_open().await;
    assert_all_delivered(&store);
    let record = Record::read(&store, &devnet(), &[]);
    let numbers: Vec<u64> = record.coverage.iter().map(|(block, _)| block.number).collect();
    assert_eq!(numbers, (1..=chain.devnet.head().number).collect::<Vec<_>>());
    store
}

/// Findings of one monitor that stand.
fn standing(store: &Store, monitor: &str) -> Vec<model::Finding> {
    let stands = |record: &store::FindingRecord| {
        record.status != FindingStatus::Retracted && record.finding.monitor.as_str() == monitor
    };
    all_findings(store).into_iter().filter(stands).map(|record| record.finding).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_eight_blocks_pass_while_the_node_is_down_and_none_is_missed() {
    let (mut chain, project, hook) = scene(21, ISSUED).await;
    let mut program = Program::run(&project);
    chain.everydays(3);
    program.judged(chain.devnet.head()).await;

    chain.node.faults().add(FaultRule::always("*", Fault::Http { status: 503 }));
    chain.node.faults().add(FaultRule::always("*", Fault::DropWebsocket));
    chain.everydays(13);
    let hidden = chain.issue(777_777);
    chain.everydays(15);
    let is_away =
        |answer: &serde_json::Value| answer["items"][0]["endpoints"][0]["healthy"] == false;
    program.ask_until(PATIENCE, "networks", "the page says that the node is down", is_away).await;
    chain.node.faults().clear();

    let store = end(&chain, program).await;
    let found = standing(&store, "issued");
    assert_eq!(found.iter().filter_map(|f| f.origin.tx).collect::<Vec<_>>(), [hidden]);
    assert_eq!(hook.kinds_of("issued")[0], "opened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_away_gets_everything_when_it_is_back() {
    let (mut chain, project, hook) = scene(22, &ISSUED.replace("== 777_777", ">= 1")).await;
    hook.answer(503);
    let mut program = Program::run(&project);
    chain.everyday();
    chain.issue(5);
    chain.everyday();
    program.judged(chain.devnet.head()).await;
    until("the receiver refuses", || hook.refused() > 0).await;
    let outbox = program.ask("outbox").await;
    assert!(outbox["due"].as_u64().unwrap() > 0, "{outbox:#}");
    assert!(hook.taken().is_empty());
    hook.answer(200);
    let store = end(&chain, program).await;
    assert!(!all_alerts(&store).is_empty());
    hook.assert_identities();
    let taken: BTreeSet<String> = hook.taken().into_iter().map(|d| d.key).collect();
    assert_eq!(taken.len(), hook.taken().len(), "what was refused was not taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_without_topics_from_a_guarded_address_stops_nothing() {
    let (mut chain, project, _hook) = scene(23, ISSUED).await;
    // PUSH1 32, PUSH1 0, LOG0, STOP: emits 32 bytes of data under no topic.
    let runtime = [0x60, 0x20, 0x60, 0x00, 0xa0, 0x00];
    let mut initcode = vec![0x65];
    initcode.extend(runtime);
    // PUSH1 0, MSTORE, PUSH1 6, PUSH1 26, RETURN.
    initcode.extend([0x60, 0x00, 0x52, 0x60, 0x06, 0x60, 0x1a, 0xf3]);
    let sender = chain.meridian.actors.users[1].clone();
    let created = sender.address().create(chain.devnet.next_nonce(sender.address()));
    chain.send(&sender, TransactionRequest::create(initcode));
    chain.devnet.mine().unwrap();
    assert_eq!(chain.devnet.code(created).as_ref(), runtime);
    project
        .write(
            "deployments/odd.toml",
            &format!(
                "network = \"devnet\"\naddress = \"{created}\"\nabi = \"{}/contracts/artifacts/MeridianToken.json\"\n",
                crate::world::workspace().display()
            ),
        )
        .write(
            "monitors/odd.toml",
            "[[monitor]]\nname = \"anything\"\non = [\"odd\"]\nevent = \"Transfer\"\nseverity = \"low\"\n",
        );
    let mut program = Program::run(&project);
    chain.send(&sender, TransactionRequest::call(created, Vec::new()));
    chain.issue(777_777);
    let both = chain.devnet.mine().unwrap();
    let block = chain.devnet.block(both.number).unwrap();
    let topics: Vec<usize> =
        block.transactions[0].receipt.logs().iter().map(|l| l.topics().len()).collect();
    assert_eq!(topics, [0], "the block holds the odd log");
    program.judged(both).await;
    chain.everydays(2);
    let store = end(&chain, program).await;
    assert_eq!(standing(&store, "issued").len(), 1, "what shared its block was found");
    assert!(standing(&store, "anything").is_empty(), "it is nobody's Transfer");
}

/// Two sets are equal; says only what differs.
fn assert_same(found: &BTreeSet<B256>, expected: &BTreeSet<B256>) {
    let surplus: Vec<_> = found.difference(expected).collect();
    let missing: Vec<_> = expected.difference(found).collect();
    assert!(surplus.is_empty() && missing.is_empty(), "surplus {surplus:?}, missing {missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_and_successful_transactions_are_told_apart() {
    let monitors = r#"[[monitor]]
name = "failed"
on = ["token"]
transaction = true
when = "tx.status == failed"
severity = "low"

[[monitor]]
name = "succeeded"
on = ["token"]
transaction = true
when = "tx.status == success"
severity = "low"

[[monitor]]
name = "redeem-failed"
on = ["token"]
call = "redeem(uint256)"
when = "amount > 1_000_000 token && tx.status == failed"
severity = "medium"

[[monitor]]
name = "redeem-succeeded"
on = ["token"]
call = "redeem(uint256)"
when = "amount > 1_000_000 token && tx.status == success"
severity = "medium"
"#;
    let (mut chain, project, _hook) = scene(24, monitors).await;
    let mut program = Program::run(&project);
    // Nobody has this much: the call reverts.
    let amount = ether(50_000_000);
    let user = chain.meridian.actors.users[2].clone();
    let redeem = call(chain.meridian.token, MeridianToken::redeemCall { amount });
    let too_much = chain.send(&user, redeem);
    chain.devnet.mine().unwrap();
    chain.everydays(12);
    program.judged(chain.devnet.head()).await;
    let store = end(&chain, program).await;

    let mut expected = (BTreeSet::new(), BTreeSet::new());
    for number in 1..=chain.devnet.head().number {
        for included in &chain.devnet.block(number).unwrap().transactions {
            use alloy_consensus::Transaction;
            // What a contract is created by concerns it, too.
            let to = included.transaction.to().or(included.created);
            if to == Some(chain.meridian.token) {
                let hash = *included.transaction.inner().tx_hash();
                let which =
                    if included.receipt.status() { &mut expected.1 } else { &mut expected.0 };
                which.insert(hash);
            }
        }
    }
    let found = |monitor| -> BTreeSet<B256> {
        standing(&store, monitor).iter().map(|finding| finding.origin.tx.unwrap()).collect()
    };
    assert!(expected.0.contains(&too_much) && expected.1.len() > 3, "{expected:?}");
    assert_same(&found("failed"), &expected.0);
    assert_same(&found("succeeded"), &expected.1);
    assert_eq!(found("redeem-failed"), BTreeSet::from([too_much]));
    assert!(found("redeem-succeeded").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_matching_log_is_found_also_several_of_one_transaction_and_of_unknown_contracts() {
    let monitors = r#"[[monitor]]
name = "transfer"
on = ["token"]
event = "Transfer"
severity = "info"

[[monitor]]
name = "transfer-anywhere"
event = "Transfer(address indexed from, address indexed to, uint256 value)"
severity = "info"
"#;
    let (mut chain, project, _hook) = scene(25, monitors).await;
    let mut program = Program::run(&project);
    // A loan for the length of one call moves the token several times in one transaction.
    chain.attack("flash_loan_price_manipulation");
    // The same event of a contract that no file names: another token, straight from its artefact.
    let admin = chain.meridian.actors.users[3].clone();
    let stranger = admin.address().create(chain.devnet.next_nonce(admin.address()));
    let arguments = alloy_sol_types::SolConstructor::abi_encode(&MeridianToken::constructorCall {
        admin: admin.address(),
    });
    let code = evm::artifact::MERIDIAN_TOKEN.bytecode();
    chain.send(&admin, TransactionRequest::create([code.as_ref(), &arguments].concat()));
    chain.devnet.mine().unwrap();
    let role = alloy_primitives::keccak256("ISSUER_ROLE");
    let account = admin.address();
    chain.send(&admin, call(stranger, MeridianToken::grantRoleCall { role, account }));
    chain.send(&admin, call(stranger, MeridianToken::issueCall { to: account, amount: ether(9) }));
    chain.devnet.mine().unwrap();
    program.judged(chain.devnet.head()).await;
    let store = end(&chain, program).await;

    let mut logs: Vec<(B256, u32, Address)> = Vec::new();
    let mut most_in_one = 0;
    for number in 1..=chain.devnet.head().number {
        for included in &chain.devnet.block(number).unwrap().transactions {
            let hash = *included.transaction.inner().tx_hash();
            let of_token = |log: &alloy_primitives::Log| log.topics().first() == Some(&TRANSFER);
            let matching: Vec<_> = included
                .receipt
                .logs()
                .iter()
                .enumerate()
                .filter(|(_, log)| of_token(log))
                .map(|(at, log)| (hash, (included.first_log_index + at) as u32, log.address))
                .collect();
            most_in_one = most_in_one.max(matching.len());
            logs.extend(matching);
        }
    }
    assert!(most_in_one >= 3, "one transaction moves the token {most_in_one} times");
    let found = |monitor| -> BTreeSet<(B256, u32, Address)> {
        let findings = standing(&store, monitor);
        let place = |f: &model::Finding| {
            (f.origin.tx.unwrap(), f.origin.log_index.unwrap(), f.address.unwrap())
        };
        findings.iter().map(place).collect()
    };
    let everywhere: BTreeSet<_> = logs.iter().copied().collect();
    let of_token =
        everywhere.iter().copied().filter(|(_, _, a)| *a == chain.meridian.token).collect();
    assert_eq!(found("transfer"), of_token);
    assert_eq!(found("transfer-anywhere"), everywhere);
    let issued = standing(&store, "transfer-anywhere");
    let issued = issued.iter().find(|f| f.address == Some(stranger)).unwrap();
    let value = issued.evidence.facts.iter().find(|fact| fact.name == "value").unwrap();
    assert_eq!(value.value, FactValue::Uint(ether(9)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_in_the_middle_of_catching_up_it_goes_on_where_it_was() {
    let (mut chain, project, hook) = scene(26, &ISSUED.replace("== 777_777", ">= 1")).await;
    for _ in 0..40 {
        chain.everydays(3);
        chain.issue(3);
    }
    chain.everyday();
    hook.delay(Duration::from_millis(400));
    let (mut stops, mut judged) = (0, 0);
    loop {
        let mut program = Program::run(&project);
        let head = chain.devnet.head().number;
        let before = judged;
        program
            .ask_until(PATIENCE, "networks", "it got on", |answer| {
                answer["items"][0]["judged"]["number"].as_u64().unwrap_or(0) > before
            })
            .await;
        let status = program.stop().await;
        assert!(status.success());
        stops += 1;
        let store = Store::open(project.store()).unwrap();
        let rows = store.coverage(&devnet(), 0, 500).unwrap();
        judged = rows.last().unwrap().block.number;
        if judged == head {
            break;
        }
    }
    println!("stopped {stops} times");
    hook.delay(Duration::ZERO);
    let program = Program::run(&project);
    let store = end(&chain, program).await;
    let expected = (1..=chain.devnet.head().number)
        .flat_map(|number| chain.devnet.block(number).unwrap().transactions.clone())
        .flat_map(|included| included.receipt.logs().to_vec())
        .filter(|log| {
            let issued = alloy_primitives::keccak256("Issued(address,uint256)");
            log.topics().first() == Some(&issued)
        })
        .count();
    assert_eq!(standing(&store, "issued").len(), expected);
    hook.assert_identities();
    let on_record: BTreeSet<String> = all_alerts(&store)
        .iter()
        .flat_map(|alert| store.alert(alert.id).unwrap().unwrap().notifications)
        .map(|message| message.id.to_string())
        .collect();
    let arrived: BTreeSet<String> = hook.taken().into_iter().map(|d| d.key).collect();
    assert_eq!(arrived, on_record);
}
