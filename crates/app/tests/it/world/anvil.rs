//! A real node: anvil, as a child of the test, making blocks when told to.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, U256};
use evm::devnet::Devnet;
use model::BlockRef;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PATIENCE, within};

/// anvil's first account; it holds ether and anvil signs for it.
pub(crate) const OWNER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

/// A node on a port that it keeps over restarts.
pub(crate) struct Anvil {
    binary: PathBuf,
    child: Child,
    /// Its state between two lives, and what it says.
    folder: TempDir,
    port: u16,
    client: reqwest::Client,
    /// Arguments beside the usual ones.
    more: Vec<String>,
}

impl Anvil {
    /// Starts a node on a chain of its own.
    pub(crate) async fn start(installed: &Path) -> Self {
        Self::start_with(installed, Vec::new()).await
    }

    /// A node with all that happened on a devnet so far: the same contracts at the same addresses, the
    /// same transactions in blocks of the same times.
    pub(crate) async fn start_like(installed: &Path, devnet: &Devnet) -> Self {
        let genesis = devnet.block(0).unwrap();
        let words = [
            ("--chain-id", devnet.config().chain_id.to_string()),
            ("--timestamp", genesis.header.timestamp.to_string()),
            ("--gas-limit", genesis.header.gas_limit.to_string()),
            ("--hardfork", "prague".to_owned()),
        ];
        let words = words.into_iter().flat_map(|(key, value)| [key.to_owned(), value]).collect();
        let anvil = Self::start_with(installed, words).await;
        for number in 1..=devnet.head().number {
            let block = devnet.block(number).unwrap();
            for included in &block.transactions {
                let sender = included.transaction.signer();
                if included.transaction.nonce() == 0 {
                    let balance = U256::from(10).pow(U256::from(24));
                    anvil.ask("anvil_setBalance", json!([sender, balance])).await;
                }
                let raw = Bytes::from(included.transaction.encoded_2718());
                anvil.ask("eth_sendRawTransaction", json!([raw])).await;
            }
            let time = block.header.timestamp;
            anvil.ask("evm_setNextBlockTimestamp", json!([time])).await;
            anvil.mine(1).await;
            let made = anvil.ask("eth_getBlockByNumber", json!(["latest", false])).await;
            let included = made["transactions"].as_array().unwrap().len();
            assert_eq!(included, block.transactions.len(), "block {number}: {made:#}");
        }
        anvil
    }

    async fn start_with(installed: &Path, more: Vec<String>) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let binary = binary(installed);
        let child = spawn(&binary, folder.path(), 0, &more);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut anvil = Self { binary, child, folder, port: 0, client, more };
        anvil.port = anvil.listens().await;
        anvil
    }

    /// Starts the node again on the state that [`Anvil::stop`] left.
    pub(crate) async fn start_again(&mut self) {
        self.child = spawn(&self.binary, self.folder.path(), self.port, &self.more);
        let port = self.listens().await;
        assert_eq!(port, self.port);
    }

    /// Ends the node as its operator would: it writes its state.
    pub(crate) async fn stop(&mut self) {
        let kill = format!("kill -INT {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        within(PATIENCE, "anvil stops", async || self.child.try_wait().unwrap()).await;
        assert!(self.folder.path().join("state.json").exists(), "anvil wrote its state");
    }

    async fn listens(&mut self) -> u16 {
        let said = self.folder.path().join("out.txt");
        within(PATIENCE, "anvil listens", async || {
            let text = fs::read_to_string(&said).unwrap();
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("anvil ended with {status}: {text}");
            }
            let (_, rest) = text.split_once("Listening on 127.0.0.1:")?;
            rest.split_once('\n')?.0.trim().parse().ok()
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// The result of a request.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.client.post(self.url()).json(&body).send().await.unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Makes blocks.
    pub(crate) async fn mine(&self, blocks: u64) -> BlockRef {
        for _ in 0..blocks {
            self.ask("evm_mine", json!([])).await;
        }
        self.head().await
    }

    /// The newest block.
    pub(crate) async fn head(&self) -> BlockRef {
        let block = self.ask("eth_getBlockByNumber", json!(["latest", false])).await;
        let number = block["number"].as_str().unwrap();
        BlockRef {
            number: u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap(),
            hash: block["hash"].as_str().unwrap().parse().unwrap(),
        }
    }

    /// Replaces the newest blocks by as many empty ones.
    pub(crate) async fn reorg(&self, depth: u64) {
        self.ask("anvil_reorg", json!([depth, []])).await;
    }

    /// Queues a transaction of [`OWNER`].
    pub(crate) async fn send(&self, to: Option<Address>, input: &Bytes) -> B256 {
        let mut transaction =
            json!({"from": OWNER, "data": input, "gas": U256::from(5_000_000u64)});
        if let Some(to) = to {
            transaction["to"] = json!(to);
        }
        let hash = self.ask("eth_sendTransaction", json!([transaction])).await;
        hash.as_str().unwrap().parse().unwrap()
    }

    /// Creates a contract in a block of its own.
    pub(crate) async fn create(&self, initcode: &Bytes) -> Address {
        let hash = self.send(None, initcode).await;
        self.mine(1).await;
        let receipt = self.ask("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        receipt["contractAddress"].as_str().unwrap().parse().unwrap()
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(binary: &Path, folder: &Path, port: u16, more: &[String]) -> Child {
    let out = File::create(folder.join("out.txt")).unwrap();
    Command::new(binary)
        .args(["--port", &port.to_string(), "--no-mining", "--order", "fifo"])
        .arg("--state")
        .arg(folder.join("state.json"))
        .arg("--preserve-historical-states")
        .args(more)
        .stdin(Stdio::null())
        .stderr(out.try_clone().unwrap())
        .stdout(out)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", binary.display()))
}

/// The node itself, not the script that npm puts before it: a signal must reach the node.
fn binary(installed: &Path) -> PathBuf {
    let packages = installed.join("node_modules/@foundry-rs");
    let entries =
        fs::read_dir(&packages).unwrap_or_else(|error| panic!("{}: {error}", packages.display()));
    entries
        .map(|entry| entry.unwrap().path().join("bin/anvil"))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no anvil in {}", packages.display()))
}
