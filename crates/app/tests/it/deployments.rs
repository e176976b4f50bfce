//! Contracts that do not exist yet: planned in a file, created on the chain, watched in that block.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use evm::{
    artifact,
    devnet::TransactionRequest,
    meridian::{
        call,
        contracts::{ChildFactory, ChildPool},
    },
};
use store::FindingRecord;

use crate::world::{
    Chain, DEVNET, Program, Project, Url, Webhook, all_findings, bellwether, routes_to, until,
    workspace,
};

/// What the pools of these tests are created with.
const SEED: u64 = 7;

/// Gas for a creation of many pools.
const MANY_GAS: u64 = 30_000_000;

/// A folder that plans pools and knows their factory before there is either.
struct Plan {
    project: Project,
    factory: Address,
    init_code_hash: B256,
}

fn artefact(name: &str) -> String {
    workspace().join("contracts/artifacts").join(format!("{name}.json")).display().to_string()
}

fn salt(number: u8) -> B256 {
    B256::with_last_byte(number)
}

impl Plan {
    /// The factory is planned by its creator's next nonce; its children are to be `pool-1` ….
    fn new(chain: &Chain) -> Self {
        let creator = chain.meridian.actors.admin.address();
        let nonce = chain.devnet.next_nonce(creator);
        let project = Project::new();
        chain.declare(&project);
        project.write(
            "deployments/factory.toml",
            &format!(
                r#"label = "factory"
network = "devnet"
class = "factory"
abi = "{factory}"
planned = {{ creator = "{creator}", nonce = {nonce}, code = "{factory}", sender = "{creator}" }}

[children]
label = "pool"
class = "pool"
abi = "{pool}"
"#,
                factory = artefact("ChildFactory"),
                pool = artefact("ChildPool"),
            ),
        );
        project.write(
            "monitors/deployments.toml",
            r#"[[monitor]]
name = "created"
detector = "deployment/created"
severity = "high"

[[monitor]]
name = "lives"
detector = "deployment/lifecycle_moved"
severity = "info"

[[monitor]]
name = "child-swaps"
on = ["children-of:factory"]
event = "Swapped"
when = "amount > 100"
severity = "medium"
"#,
        );
        let mut init_code = artifact::CHILD_POOL.bytecode().to_vec();
        init_code.extend(SEED.abi_encode());
        Self { project, factory: creator.create(nonce), init_code_hash: keccak256(init_code) }
    }

    /// Plans a pool of the factory with this salt, its code to be this artefact's.
    fn pool(&self, label: &str, number: u8, code: &str) -> Address {
        let arguments = Bytes::from(SEED.abi_encode());
        self.project.write(
            format!("deployments/{label}.toml"),
            &format!(
                r#"label = "{label}"
network = "devnet"
class = "pool"
abi = "{pool}"

[planned]
factory = "{factory}"
salt = "{salt}"
init_code = "{pool}"
arguments = "{arguments}"
code = "{code}"
"#,
                pool = artefact("ChildPool"),
                factory = self.factory,
                salt = salt(number),
                code = artefact(code),
            ),
        );
        self.project.write(
            format!("monitors/{label}.toml"),
            &format!(
                "[[monitor]]\nname = \"{label}-opened\"\non = [\"{label}\"]\nevent = \"Opened\"\nseverity = \"low\"\n\n\
                 [[monitor]]\nname = \"{label}-swaps\"\non = [\"{label}\"]\nevent = \"Swapped\"\nseverity = \"medium\"\n"
            ),
        );
        self.factory.create2(salt(number), self.init_code_hash)
    }

    /// The child that the factory made as its `at`-th, counted from 0, when it made many.
    fn child(&self, at: u64) -> Address {
        let salt = keccak256(at.abi_encode());
        let mut init_code = artifact::CHILD_POOL.bytecode().to_vec();
        // Each creation of many counts its seeds anew; the first had 10, all others 90.
        let seed = if at < 10 { at } else { (at - 10) % 90 };
        init_code.extend(seed.abi_encode());
        self.factory.create2(salt, keccak256(init_code))
    }

    /// Queues: a user swaps.
    fn swap(&self, chain: &Chain, pool: Address, amount: u64) {
        let swap = ChildPool::swapCall { amount: alloy_primitives::U256::from(amount) };
        chain.send(&chain.meridian.actors.users[1], call(pool, swap).with_gas_limit(100_000));
    }

    fn deploy(&self, chain: &Chain) {
        let code = artifact::CHILD_FACTORY.bytecode();
        chain.send(&chain.meridian.actors.admin, TransactionRequest::create(code));
    }

    /// Queues: a user has the factory create a pool and use it at once.
    fn create_and_swap(&self, chain: &Chain, number: u8, amount: u64) {
        let create = ChildFactory::createAndSwapCall {
            salt: salt(number),
            seed: alloy_primitives::U256::from(SEED),
            amount: alloy_primitives::U256::from(amount),
        };
        chain.send(
            &chain.meridian.actors.users[0],
            call(self.factory, create).with_gas_limit(2_000_000),
        );
    }
}

/// A creation that nobody planned, by an account of ours and by a stranger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unplanned_creation_by_our_deployer_pages_and_a_strangers_does_not() {
    let mut chain = Chain::start(83).await;
    // What was deployed before is another matter.
    let from = chain.everyday().number + 1;
    let hook = Webhook::start().await;
    let project = Project::new();
    let settings = DEVNET.replace("block 1", &format!("block {from}"));
    let (http, ws) = (chain.node.url(), chain.node.ws_url());
    project.network("devnet", &settings, &[Url { http: &http, ws: Some(&ws) }]);
    let admin = &chain.meridian.actors.admin;
    project
        .write("labels/deployer.csv", &format!("address,name\n{},deploy key\n", admin.address()));
    project.write(
        "monitors/created.toml",
        "[[monitor]]\nname = \"created\"\ndetector = \"deployment/created\"\nseverity = \"high\"\n",
    );
    project.write(
        "routes.toml",
        &routes_to(hook.url()).replace("severity = \"info\"", "severity = \"high\""),
    );
    let mut program = Program::run(&project);
    let before = chain.everyday();
    program.judged(before).await;

    let code = artifact::CHILD_FACTORY.bytecode();
    let nonce = chain.devnet.next_nonce(chain.meridian.actors.users[0].address());
    let strangers = chain.meridian.actors.users[0].address().create(nonce);
    chain.send(&chain.meridian.actors.users[0], TransactionRequest::create(code.clone()));
    let admin = &chain.meridian.actors.admin;
    let ours = admin.address().create(chain.devnet.next_nonce(admin.address()));
    let tx = chain.send(admin, TransactionRequest::create(code));
    let block = chain.devnet.mine().unwrap();
    program.judged(block).await;
    program.told_everything().await;
    let taken = hook.taken();
    assert_eq!(taken.len(), 1, "one page: {taken:#?}");
    let first = taken[0].body.to_string();
    assert_eq!((taken[0].monitor(), taken[0].kind()), ("created", "opened"));
    assert!(first.contains(&tx.to_string()), "{first}");

    let findings = all_findings(&program.stop_and_open().await);
    let told = told(&findings, block.number);
    assert_eq!(told, [format!("high created: deploy key created {ours}, which is in no plan")]);
    assert!(!chain.devnet.code(strangers).is_empty(), "the stranger did create");
}

/// A program that follows a chain on which a factory made that many pools.
#[cfg(target_os = "linux")]
struct Factory {
    chain: Chain,
    plan: Plan,
    program: Program,
}

#[cfg(target_os = "linux")]
impl Factory {
    async fn with_children(many: u64) -> Self {
        const AT_ONCE: u64 = 90;
        let chain = Chain::start(84).await;
        let plan = Plan::new(&chain);
        let program = Program::run(&plan.project);
        plan.deploy(&chain);
        chain.devnet.mine().unwrap();
        let mut factory = Self { chain, plan, program };
        factory.create(10).await;
        for _ in 0..many.saturating_sub(10) / AT_ONCE {
            factory.create(AT_ONCE).await;
        }
        factory
    }

    async fn create(&mut self, many: u64) {
        let many = ChildFactory::createManyCall { many: alloy_primitives::U256::from(many) };
        let many = call(self.plan.factory, many).with_gas_limit(MANY_GAS);
        self.chain.send(&self.chain.meridian.actors.users[0], many);
        let block = self.chain.devnet.mine().unwrap();
        self.program.judged(block).await;
    }

    /// CPU that the program takes for a block with a swap of each of these children, in seconds,
    /// on average over `blocks`. The swaps are too small to be found: what is compared is judging,
    /// not telling.
    async fn cpu_per_block(&self, children: &[u64], blocks: u32) -> f64 {
        // Asking the program would cost it more than judging does.
        let store = store::Store::open_to_read(self.plan.project.store()).unwrap();
        let network = model::Name::new("devnet").unwrap();
        let began = self.program.cpu_seconds();
        for _ in 0..blocks {
            for &child in children {
                self.plan.swap(&self.chain, self.plan.child(child), 50);
            }
            let block = self.chain.devnet.mine().unwrap();
            until("the block is judged", || {
                let rows = store.coverage(&network, block.number, 1).unwrap();
                rows.first().is_some_and(|row| row.block == block)
            })
            .await;
        }
        (self.program.cpu_seconds() - began) / f64::from(blocks)
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_factory_with_a_thousand_children_costs_a_block_no_more_than_one_with_ten() {
    /// Blocks of one round, and rounds. The two take turns, so that what else the machine does
    /// meets both, and the cheapest round of each counts.
    const BLOCKS: u32 = 25;
    const ROUNDS: u32 = 5;
    /// Blocks in which what is made once is made, and what was announced becomes final.
    const SETTLING: u32 = 60;
    let ten = Factory::with_children(10).await;
    let thousand = Factory::with_children(1000).await;
    let of_ten: Vec<u64> = (0..10).collect();
    let of_thousand: Vec<u64> = (0..10).map(|at| at * 99).collect();
    ten.cpu_per_block(&of_ten, SETTLING).await;
    thousand.cpu_per_block(&of_thousand, SETTLING).await;
    let (mut cost_ten, mut cost_thousand) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        cost_ten = cost_ten.min(ten.cpu_per_block(&of_ten, BLOCKS).await);
        cost_thousand = cost_thousand.min(thousand.cpu_per_block(&of_thousand, BLOCKS).await);
    }
    println!("CPU per block: {cost_ten:.5} s with 10 children, {cost_thousand:.5} s with 1,000");
    assert!(cost_thousand < 2.0 * cost_ten, "{cost_thousand} s with 1,000, {cost_ten} s with 10");

    let Factory { chain, plan, mut program } = thousand;
    plan.swap(&chain, plan.child(991), 500);
    let block = chain.devnet.mine().unwrap();
    program.judged(block).await;
    let told = told(&all_findings(&program.stop_and_open().await), block.number);
    assert_eq!(
        told,
        [
            "medium child-swaps: pool-992 emitted Swapped(by 0x4eD8D17A99EE21054b90aaf79923EC9e0F5a348B, amount 500)"
        ]
    );
}

fn told(findings: &[FindingRecord], block: u64) -> Vec<String> {
    let findings = findings.iter().map(|record| &record.finding);
    let of_block = findings.filter(|finding| finding.origin.block.number == block);
    let mut told: Vec<String> =
        of_block.map(|f| format!("{} {}: {}", f.severity, f.monitor, f.title)).collect();
    told.sort();
    told
}

fn is_told(told: &[String], start: &str) -> bool {
    told.iter().any(|line| line.starts_with(start))
}

/// The files that `docs/deployments.md` shows, with contracts of ours for those that it speaks of.
#[test]
fn the_files_of_the_documentation_are_accepted() {
    let page = std::fs::read_to_string(workspace().join("docs/deployments.md")).unwrap();
    let project = Project::new();
    let url = Url { http: "http://127.0.0.1:1", ws: None };
    project.network("mainnet", "chain_id = 1\n", &[url]);
    let ours = [("Registry", "Timelock"), ("Vault", "Vault"), ("Factory", "ChildFactory")];
    for (theirs, ours) in ours.into_iter().chain([("Pool", "ChildPool")]) {
        let artefact = std::fs::read_to_string(artefact(ours)).unwrap();
        project.write(format!("out/{theirs}.sol/{theirs}.json"), &artefact);
    }
    let mut files = Vec::new();
    for block in page.split("```toml\n# ").skip(1) {
        let (file, rest) = block.split_once('\n').unwrap();
        project.write(file, rest.split_once("\n```").unwrap().0);
        files.push(file);
    }
    assert_eq!(files.len(), 6, "{files:?}");
    let checked = bellwether().arg("check").arg(project.path()).output().unwrap();
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.status.success(), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planned_contracts_and_children_are_announced_and_monitored_in_the_block_of_their_creation()
{
    let mut chain = Chain::start(81).await;
    let plan = Plan::new(&chain);
    let planned = plan.pool("vault-pool", 1, "ChildPool");
    let forged = plan.pool("other-pool", 2, "Vault");
    let mut program = Program::run(&plan.project);
    let armed = chain.everyday();
    program.judged(armed).await;

    // The factory, and in the same block a planned pool, used at once, and a child nobody planned.
    plan.deploy(&chain);
    let factory_block = chain.devnet.mine().unwrap();
    plan.create_and_swap(&chain, 1, 11);
    plan.create_and_swap(&chain, 9, 900);
    let pool_block = chain.devnet.mine().unwrap();
    plan.create_and_swap(&chain, 2, 22);
    let forged_block = chain.devnet.mine().unwrap();
    let head = chain.everyday();
    program.judged(head).await;
    assert!(!chain.devnet.code(planned).is_empty() && !chain.devnet.code(forged).is_empty());
    let findings = all_findings(&program.stop_and_open().await);

    let factory = told(&findings, factory_block.number);
    assert!(
        is_told(&factory, "info created: factory was deployed as planned and is monitored"),
        "{factory:#?}"
    );
    let pools = told(&findings, pool_block.number);
    for wanted in [
        "info created: vault-pool was deployed as planned and is monitored",
        "low vault-pool-opened: vault-pool emitted Opened",
        "medium vault-pool-swaps: vault-pool emitted Swapped",
        "info created: factory created pool-1, which is monitored from now on",
        "medium child-swaps: pool-1 emitted Swapped",
    ] {
        assert!(is_told(&pools, wanted), "{wanted:?} is not in {pools:#?}");
    }
    let wrong = told(&findings, forged_block.number);
    assert!(
        is_told(&wrong, "critical created: other-pool was deployed with other code than planned"),
        "{wrong:#?}"
    );
    let quiet = told(&findings, armed.number);
    assert!(
        !quiet.iter().any(|line| line.contains("created")),
        "nothing was created yet: {quiet:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_are_still_known_after_a_restart() {
    let chain = Chain::start(82).await;
    let plan = Plan::new(&chain);
    let mut program = Program::run(&plan.project);
    plan.deploy(&chain);
    chain.devnet.mine().unwrap();
    let many =
        call(plan.factory, ChildFactory::createManyCall { many: alloy_primitives::U256::from(40) });
    chain.send(&chain.meridian.actors.users[0], many.with_gas_limit(MANY_GAS));
    let head = chain.devnet.mine().unwrap();
    program.judged(head).await;
    assert!(program.stop().await.success());

    plan.create_and_swap(&chain, 3, 500);
    let block = chain.devnet.mine().unwrap();
    let mut program = Program::run(&plan.project);
    program.judged(block).await;
    let findings = all_findings(&program.stop_and_open().await);
    let told = told(&findings, block.number);
    assert!(is_told(&told, "info created: factory created pool-41"), "{told:#?}");
    assert!(is_told(&told, "medium child-swaps: pool-41 emitted Swapped"), "{told:#?}");
}
