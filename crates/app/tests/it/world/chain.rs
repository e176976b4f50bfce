//! The chain that is watched: the devnet with Meridian on it, served as a node serves it.

use std::time::Duration;

use evm::{
    devnet::{Devnet, DevnetConfig, Endpoint, TransactionRequest, Wallet},
    meridian::{Meridian, Traffic, call, contracts::MeridianToken, ether},
    scenarios,
};
use model::{B256, BlockRef};

use super::{Project, Url, project::DEVNET};

/// Historical states kept: reads and traces of every block of a test, also when a second run
/// follows the chain from its beginning.
const STATES_KEPT: usize = 4_096;

/// Meridian, its everyday traffic and its attackers.
pub(crate) struct Chain {
    pub(crate) devnet: Devnet,
    pub(crate) meridian: Meridian,
    pub(crate) traffic: Traffic,
    pub(crate) node: Endpoint,
}

impl Chain {
    /// A fresh chain, with traffic of this seed to come. It begins a day ago, so that no block of a
    /// test is from the future.
    pub(crate) async fn start(seed: u64) -> Self {
        Self::start_before(Duration::from_secs(24 * 3_600), seed).await
    }

    /// A fresh chain that began so long ago; each block is twelve seconds of it.
    pub(crate) async fn start_before(age: Duration, seed: u64) -> Self {
        let now_s = bellwether::clock::now().0 as u64 / 1_000;
        let config = DevnetConfig {
            genesis_at: now_s - age.as_secs(),
            states_kept: STATES_KEPT,
            ..Meridian::devnet_config()
        };
        let devnet = Devnet::new(config);
        let meridian = Meridian::deploy(&devnet).unwrap();
        let node = devnet.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        Self { devnet, meridian, traffic: Traffic::new(seed), node }
    }

    /// Writes `networks/devnet.toml` with the node's two addresses.
    pub(crate) fn declare(&self, project: &Project) {
        let (http, ws) = (self.node.url(), self.node.ws_url());
        project.network("devnet", DEVNET, &[Url { http: &http, ws: Some(&ws) }]);
    }

    /// One block of everyday traffic.
    pub(crate) fn everyday(&mut self) -> BlockRef {
        self.traffic.submit(&self.devnet, &self.meridian).unwrap();
        self.devnet.mine().unwrap()
    }

    /// Several blocks of everyday traffic.
    pub(crate) fn everydays(&mut self, blocks: usize) -> BlockRef {
        for _ in 0..blocks {
            self.everyday();
        }
        self.devnet.head()
    }

    /// A whole attack among everyday traffic, one block a step; gives the attack's transactions.
    pub(crate) fn attack(&mut self, name: &str) -> Vec<B256> {
        let scenario = scenarios::find(name).unwrap();
        let (run, _) = scenario.run(&self.devnet, &self.meridian, &mut self.traffic).unwrap();
        run.transactions().to_vec()
    }

    /// Queues: the token's admin makes the `at`-th attacker an issuer.
    pub(crate) fn grant(&self, at: usize) -> B256 {
        let role = alloy_primitives::keccak256("ISSUER_ROLE");
        let account = self.meridian.actors.attackers[at].address();
        self.send(
            &self.meridian.actors.admin,
            call(self.meridian.token, MeridianToken::grantRoleCall { role, account }),
        )
    }

    /// Queues: the token's issuer issues to the first user.
    pub(crate) fn issue(&self, musd: u64) -> B256 {
        let to = self.meridian.actors.users[0].address();
        self.send(
            &self.meridian.actors.issuer,
            call(self.meridian.token, MeridianToken::issueCall { to, amount: ether(musd) }),
        )
    }

    /// Queues a transaction.
    pub(crate) fn send(&self, wallet: &Wallet, request: TransactionRequest) -> B256 {
        self.devnet.submit(wallet, request).unwrap()
    }
}
