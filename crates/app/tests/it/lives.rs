//! A whole life on a chain: planned, deployed, monitored, active, paused, upgrading, deprecated,
//! sunset; and what is remembered of it.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolConstructor};
use detect::chronicle::{self, Chronicle};
use evm::{
    artifact::{self, Artifact},
    devnet::TransactionRequest,
    meridian::{
        call,
        contracts::{Proxy, Timelock, Vault},
    },
};
use expect_test::expect;
use model::BlockRef;
use registry::lineage::Delegate;

use crate::world::{Chain, PATIENCE, Program, Project, all_findings, within, workspace};

/// A vault behind a proxy whose admin is a timelock without delay, planned before there is any.
struct Plan {
    chain: Chain,
    project: Project,
    timelock: Address,
    vault: Address,
}

impl Plan {
    async fn new(seed: u64) -> Self {
        let chain = Chain::start(seed).await;
        let admin = chain.meridian.actors.admin.address();
        let nonce = chain.devnet.next_nonce(admin);
        let project = Project::new();
        chain.declare(&project);
        let plan =
            Self { chain, project, timelock: admin.create(nonce), vault: admin.create(nonce + 1) };
        plan.declare_timelock();
        plan.declare_vault("");
        // Nobody is on the timelock yet.
        plan.monitor(&["vault"]);
        plan
    }

    fn monitor(&self, on: &[&str]) {
        self.project.write(
            "monitors/lives.toml",
            &format!(
                "[[monitor]]\nname = \"lives\"\ndetector = \"deployment/lifecycle_moved\"\non = {on:?}\nseverity = \"info\"\n"
            ),
        );
    }

    fn artefact(name: &str) -> String {
        workspace().join("contracts/artifacts").join(format!("{name}.json")).display().to_string()
    }

    fn declare_timelock(&self) {
        let abi = Self::artefact("Timelock");
        let at = self.timelock;
        self.project.write(
            "deployments/timelock.toml",
            &format!("label = \"timelock\"\nnetwork = \"devnet\"\naddress = \"{at}\"\nclass = \"timelock\"\nabi = \"{abi}\"\nplanned = {{}}\n"),
        );
    }

    fn declare_vault(&self, lifecycle: &str) {
        let abi = [Self::artefact("Proxy"), Self::artefact("Vault")];
        let at = self.vault;
        self.project.write(
            "deployments/vault.toml",
            &format!("label = \"vault\"\nnetwork = \"devnet\"\naddress = \"{at}\"\nclass = \"vault\"\nabi = {abi:?}\n{lifecycle}planned = {{}}\n"),
        );
    }

    fn create(&self, artifact: &Artifact, constructor: impl SolConstructor) {
        let init_code = [artifact.bytecode().as_ref(), &constructor.abi_encode()].concat();
        self.chain.send(&self.chain.meridian.actors.admin, TransactionRequest::create(init_code));
    }

    /// The admin calls something, in a block of its own.
    fn calls(&self, to: Address, what: impl SolCall) -> BlockRef {
        self.chain.send(&self.chain.meridian.actors.admin, call(to, what));
        self.chain.devnet.mine().unwrap()
    }

    /// What its timelock is told to do with the vault.
    fn upgrade(&self) -> Bytes {
        let implementation = self.chain.meridian.vault_impl;
        Proxy::upgradeToAndCallCall { implementation, call: Bytes::new() }.abi_encode().into()
    }

    fn schedule(&self, salt: u8) -> BlockRef {
        let (target, data) = (self.vault, self.upgrade());
        let salt = B256::with_last_byte(salt);
        let (value, delay) = (U256::ZERO, U256::ZERO);
        self.calls(self.timelock, Timelock::scheduleCall { target, value, data, salt, delay })
    }

    fn life_of(&self, address: Address) -> Chronicle {
        let store = store::Store::open_to_read(self.project.store()).unwrap();
        let network = model::Name::new("devnet").unwrap();
        let (first, after) = chronicle::keys_of(address);
        let entries = store.detector_state_between(&network, (&first, &after)).unwrap();
        let (_, chronicle) = chronicle::chronicles(&entries).remove(0);
        chronicle
    }

    /// Its moves, with blocks counted from `first`.
    fn moves(&self, address: Address, first: u64) -> String {
        let line = |at: u64, from, to, cause| format!("{}: {from} → {to}: {cause}", at - first);
        let life = self.life_of(address);
        let moves = life.moves.iter();
        let lines = moves.map(|since| {
            let step = since.what;
            line(since.block.number, step.from, step.to, step.cause)
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_life_on_the_chain_has_every_stage_and_each_move_its_reason() {
    let mut plan = Plan::new(96).await;
    let admin = plan.chain.meridian.actors.admin.address();
    let mut program = Program::run(&plan.project);
    let armed = plan.chain.everyday();
    program.judged(armed).await;
    let first = armed.number;

    // 1: the timelock and the vault are deployed; the proxy says so itself and is in use.
    plan.create(&artifact::TIMELOCK, Timelock::constructorCall { admin, delay: U256::ZERO });
    let initialize = Vault::initializeCall {
        admin,
        token_: plan.chain.meridian.token,
        pair_: plan.chain.meridian.pair,
        oracle_: plan.chain.meridian.oracle,
    };
    plan.create(
        &artifact::PROXY,
        Proxy::constructorCall {
            implementation: plan.chain.meridian.vault_impl,
            admin: plan.timelock,
            initialize: initialize.abi_encode().into(),
        },
    );
    plan.chain.devnet.mine().unwrap();
    let grant = |of: Address, role: &str| {
        plan.calls(of, Timelock::grantRoleCall { role: keccak256(role), account: admin })
    };
    // 2 to 4: roles. 5: paused. 6: unpaused.
    grant(plan.timelock, "PROPOSER_ROLE");
    grant(plan.timelock, "EXECUTOR_ROLE");
    grant(plan.vault, "GUARDIAN_ROLE");
    plan.calls(plan.vault, Vault::pauseCall {});
    plan.calls(plan.vault, Vault::unpauseCall {});
    // 7: an upgrade is scheduled. 8: it is executed. 9: another is scheduled. 10: it is cancelled.
    plan.schedule(1);
    let (target, data, value) = (plan.vault, plan.upgrade(), U256::ZERO);
    let salt = B256::with_last_byte(1);
    plan.calls(plan.timelock, Timelock::executeCall { target, value, data: data.clone(), salt });
    plan.schedule(2);
    let salt = B256::with_last_byte(2);
    let id = keccak256(alloy_sol_types::SolValue::abi_encode_params(&(
        target,
        value,
        data,
        B256::ZERO,
        salt,
    )));
    let cancelled = plan.calls(plan.timelock, Timelock::cancelCall { id });
    program.judged(cancelled).await;
    assert_eq!(
        plan.moves(plan.timelock, first).lines().next(),
        Some("1: planned → deployed: its code was seen")
    );

    // Somebody is on the timelock now, and the vault is at its end: as the files say, from the next
    // block on.
    plan.monitor(&["vault", "timelock"]);
    for lifecycle in ["lifecycle = \"deprecated\"\n", "lifecycle = \"sunset\"\n"] {
        plan.declare_vault(lifecycle);
        let stage = lifecycle.split('"').nth(1).unwrap();
        program.hang_up();
        within(PATIENCE, "the files are read again", async || {
            let head = plan.chain.devnet.mine().unwrap();
            program.judged(head).await;
            (plan.life_of(plan.vault).life.stage().as_str() == stage).then_some(())
        })
        .await;
    }
    let told = all_findings(&program.stop_and_open().await);

    let ends = |moves: String| -> String {
        // When the files were read again is not the chain's to say.
        let line = |line: &str| match line.contains("its file") || line.contains("judged a block") {
            true => line.split_once(": ").unwrap().1.to_owned(),
            false => line.to_owned(),
        };
        moves.lines().map(line).collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        1: planned → monitored: its code was seen
        1: monitored → active: it was used
        5: active → paused: it was paused
        6: paused → active: it was unpaused
        7: active → upgrading: an upgrade was scheduled as operation 0xedf534a71abf1549268cbb79c96207ac785b677a718b33175a822f7b2a2e7286
        8: upgrading → active: it was upgraded
        9: active → upgrading: an upgrade was scheduled as operation 0xf7d5e123524b6e7e368fb130d211adb4ebf7ad345e8c759f4295e1b9d2279274
        10: upgrading → active: the upgrade of operation 0xf7d5e123524b6e7e368fb130d211adb4ebf7ad345e8c759f4295e1b9d2279274 was cancelled
        active → deprecated: its file declares it deprecated
        deprecated → sunset: its file declares it sunset"#]].assert_eq(&ends(plan.moves(plan.vault, first)));
    expect![[r#"
        1: planned → deployed: its code was seen
        deployed → active: monitors judged a block in its name"#]]
    .assert_eq(&ends(plan.moves(plan.timelock, first)));

    // Who is told: everything but that it is watched and used.
    let titles: Vec<&str> = told.iter().map(|record| record.finding.title.as_str()).collect();
    assert!(titles.contains(&"vault is paused now, it was active: it was paused"), "{titles:#?}");
    assert!(
        titles.contains(&"vault is sunset now, it was deprecated: its file declares it sunset")
    );

    // What it was before.
    let life = plan.life_of(plan.vault);
    let birth = life.lineage.birth.unwrap();
    assert_eq!((birth.creator, birth.sender, birth.block.number), (admin, admin, first + 1));
    let delegates: Vec<Delegate> = life.lineage.delegates.iter().map(|since| since.what).collect();
    assert_eq!(delegates, [Delegate::Implementation(plan.chain.meridian.vault_impl)]);
    let code = keccak256(plan.chain.devnet.code(plan.vault));
    assert_eq!(life.lineage.code.now(), Some(Some(code)));
    assert_eq!(life.watched_since.unwrap().number, 1, "before it existed");
}
