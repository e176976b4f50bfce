//! A small chain to tell stories on: blocks of transactions, logs, frames and reads.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bloom, Bytes, I256, U256, keccak256};
use bellwether_detect::{
    Engine, Judgement, MonitorSpec, Params, RuleSpec, Subject,
    elsewhere::{Elsewhere, Nowhere},
};
use model::{
    BlockBundle, BlockRef, ChainEvent, CoverageResult, Finding, Frame, FrameKind, Header, Log,
    Name, Position, Proof, Proven, ReadRequest, Severity, StateEntry, StateRead, StateUndo,
    StorageWrite, Transaction, TxStatus, TxTrace, UnixSeconds,
};
use registry::{Class, ContractAbi, Deployment, Labels, OracleConfig, Registry, TokenUnit};

/// The network of all stories.
pub(crate) const NETWORK: &str = "testnet";

/// First second of all stories: midnight, so that days and hours are easy to count.
pub(crate) const START: u64 = 1_700_006_400;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn address(byte: u8) -> Address {
    let mut bytes = [byte; 20];
    bytes[19] = byte.wrapping_add(1);
    Address::from(bytes)
}

pub(crate) const VAULT: u8 = 0xa1;
pub(crate) const TOKEN: u8 = 0xa2;
pub(crate) const FEED: u8 = 0xa3;
pub(crate) const POOL: u8 = 0xa4;
pub(crate) const OTHER_TOKEN: u8 = 0xa5;
pub(crate) const ALICE: u8 = 0x11;
pub(crate) const MALLORY: u8 = 0x66;

const VAULT_ABI: &[&str] = &[
    "function redeem(uint256 amount)",
    "function deposit(uint256 amount) payable",
    "function sharePrice() view returns (uint256)",
    "event Redeemed(address indexed holder, uint256 amount)",
    "event Noted(string note) anonymous",
    "event Upgraded(address indexed implementation)",
    "event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)",
];

/// A vault, two tokens, a feed and a pool.
pub(crate) fn deployments() -> Vec<Deployment> {
    let abi = |items: &[&str]| Arc::new(ContractAbi::from_solidity(items.iter().copied()).unwrap());
    let erc20 = abi(&[
        "event Transfer(address indexed from, address indexed to, uint256 value)",
        "function transfer(address to, uint256 value) returns (bool)",
    ]);
    let deployment = |label: &str, byte: u8, class: Class, abi: Arc<ContractAbi>| Deployment {
        label: name(label),
        network: name(NETWORK),
        address: address(byte),
        protocol: None,
        class,
        abi,
        abi_known: true,
        first_block: None,
        value_at_risk: None,
        token: None,
        oracle: None,
    };
    let unit = |symbol: &str| Some(TokenUnit { symbol: symbol.into(), decimals: 6 });
    vec![
        Deployment {
            token: unit("SHARE"),
            ..deployment("vault", VAULT, Class::Vault, abi(VAULT_ABI))
        },
        Deployment { token: unit("USD"), ..deployment("usd", TOKEN, Class::Token, erc20.clone()) },
        Deployment {
            oracle: Some(OracleConfig { heartbeat_s: 3_600, deviation: 0.005, decimals: 8 }),
            ..deployment(
                "feed",
                FEED,
                Class::Oracle,
                abi(&[
                    "event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt)",
                ]),
            )
        },
        deployment("pool", POOL, Class::Pool, abi(&["function swap(uint256 amount)"])),
        Deployment { token: unit("GOLD"), ..deployment("gold", OTHER_TOKEN, Class::Token, erc20) },
    ]
}

/// A monitor of a detector on deployments, with parameters written as in a file.
pub(crate) fn detector(
    id: &str,
    on: &[&str],
    params: &[(&str, &str)],
    severity: Severity,
) -> MonitorSpec {
    let params: Params =
        params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    MonitorSpec {
        name: name(&id.replace('/', ".")),
        version: 1,
        networks: Vec::new(),
        on: on.iter().map(|label| name(label)).collect(),
        children_of: Vec::new(),
        rule: RuleSpec::Detector { id: id.to_owned(), params },
        severity,
        say: None,
        runbook: None,
    }
}

/// A monitor with a match expression.
pub(crate) fn expression(
    label: &str,
    on: &[&str],
    subject: Subject,
    when: Option<&str>,
) -> MonitorSpec {
    MonitorSpec {
        name: name(label),
        version: 1,
        networks: Vec::new(),
        on: on.iter().map(|label| name(label)).collect(),
        children_of: Vec::new(),
        rule: RuleSpec::Expression {
            subject,
            when: when.map(str::to_owned),
            any_address_abi: None,
        },
        severity: Severity::High,
        say: None,
        runbook: Some("runbooks/vault.md".to_owned()),
    }
}

/// Builds one block.
#[derive(Debug, Default, Clone)]
pub(crate) struct BlockBuilder {
    pub(crate) txs: Vec<TxBuilder>,
    pub(crate) reads: Vec<StateRead>,
    pub(crate) traced: bool,
}

/// Builds one transaction.
#[derive(Debug, Clone)]
pub(crate) struct TxBuilder {
    pub(crate) from: Address,
    pub(crate) to: Option<Address>,
    pub(crate) input: Vec<u8>,
    pub(crate) gas_used: u64,
    pub(crate) failed: bool,
    pub(crate) logs: Vec<Log>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) salt: u64,
    pub(crate) created: Option<Address>,
    pub(crate) nonce: u64,
    pub(crate) value: u64,
}

pub(crate) fn selector(signature: &str) -> Vec<u8> {
    keccak256(signature)[..4].to_vec()
}

/// Calldata of a function with one word.
pub(crate) fn call(signature: &str, word: u64) -> Vec<u8> {
    let mut input = selector(signature);
    input.extend(U256::from(word).to_be_bytes::<32>());
    input
}

pub(crate) fn tx(from: u8, to: u8) -> TxBuilder {
    TxBuilder {
        from: address(from),
        to: Some(address(to)),
        input: Vec::new(),
        gas_used: 50_000,
        failed: false,
        logs: Vec::new(),
        frames: Vec::new(),
        salt: 0,
        created: None,
        nonce: 0,
        value: 0,
    }
}

pub(crate) fn log(emitter: u8, topics: Vec<B256>, data: Vec<u8>) -> Log {
    Log { index: 0, address: address(emitter), topics, data: data.into() }
}

pub(crate) fn word_of(address: Address) -> B256 {
    address.into_word()
}

/// An ERC-20 transfer.
pub(crate) fn transfer(token: u8, from: Address, to: Address, amount: u64) -> Log {
    let topic0 = keccak256("Transfer(address,address,uint256)");
    let topics = vec![topic0, word_of(from), word_of(to)];
    log(token, topics, U256::from(amount).to_be_bytes_vec())
}

/// `Redeemed(holder, amount)` of the vault.
pub(crate) fn redeemed(holder: Address, amount: u64) -> Log {
    let topics = vec![keccak256("Redeemed(address,uint256)"), word_of(holder)];
    log(VAULT, topics, U256::from(amount).to_be_bytes_vec())
}

/// An answer of the feed.
pub(crate) fn answer(value: i64, round: u64, updated_at: u64) -> Log {
    let value = I256::try_from(value).unwrap();
    let topics = vec![
        keccak256("AnswerUpdated(int256,uint256,uint256)"),
        B256::from(value.into_raw()),
        B256::from(U256::from(round)),
    ];
    log(FEED, topics, U256::from(updated_at).to_be_bytes_vec())
}

/// A frame of a call.
pub(crate) fn frame(
    parent: Option<u32>,
    depth: u16,
    from: Address,
    to: Address,
    input: &[u8],
) -> Frame {
    Frame {
        parent,
        depth,
        kind: FrameKind::Call,
        from,
        to: Some(to),
        value: U256::ZERO,
        gas_used: 30_000,
        input: Bytes::copy_from_slice(input),
        output: Bytes::new(),
        error: None,
    }
}

impl TxBuilder {
    pub(crate) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }
    pub(crate) fn gas(mut self, gas_used: u64) -> Self {
        self.gas_used = gas_used;
        self
    }
    pub(crate) fn failed(mut self) -> Self {
        self.failed = true;
        self
    }
    pub(crate) fn log(mut self, log: Log) -> Self {
        self.logs.push(log);
        self
    }
    pub(crate) fn frames(mut self, frames: Vec<Frame>) -> Self {
        self.frames = frames;
        self
    }
    /// A transaction that creates a contract, as its receipt tells.
    pub(crate) fn creates(mut self, address: Address) -> Self {
        (self.to, self.created) = (None, Some(address));
        self
    }
    /// After so many others of its sender.
    pub(crate) fn nonce(mut self, nonce: u64) -> Self {
        self.nonce = nonce;
        self
    }
    /// With native value.
    pub(crate) fn pays(mut self, wei: u64) -> Self {
        self.value = wei;
        self
    }
    pub(crate) fn salt(mut self, salt: u64) -> Self {
        self.salt = salt;
        self
    }
}

/// A frame that creates a contract with this code.
pub(crate) fn creation(
    parent: Option<u32>,
    depth: u16,
    from: Address,
    at: Address,
    code: &[u8],
) -> Frame {
    Frame {
        kind: FrameKind::Create2,
        output: Bytes::copy_from_slice(code),
        ..frame(parent, depth, from, at, &[])
    }
}

/// A block of these transactions.
pub(crate) fn block(txs: impl IntoIterator<Item = TxBuilder>) -> BlockBuilder {
    BlockBuilder { txs: txs.into_iter().collect(), ..BlockBuilder::default() }
}

impl BlockBuilder {
    /// With call traces: those of the transactions, or the transaction alone.
    pub(crate) fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// With the answer to a read of words.
    pub(crate) fn read(mut self, to: u8, input: Vec<u8>, words: &[U256]) -> Self {
        let output: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
        let request = ReadRequest::Call { to: address(to), input: input.into() };
        self.reads.push(StateRead { request, result: Ok(output.into()) });
        self
    }

    /// With the hash of an account's code after the block; of no code for none.
    pub(crate) fn code_hash(mut self, of: Address, code: &[u8]) -> Self {
        let result = Ok(keccak256(code).to_vec().into());
        self.reads.push(StateRead { request: ReadRequest::CodeHash(of), result });
        self
    }

    /// With a word of storage after the block.
    pub(crate) fn slot(mut self, of: Address, slot: B256, word: B256) -> Self {
        let request = ReadRequest::Storage { of, slot };
        self.reads.push(StateRead { request, result: Ok(word.to_vec().into()) });
        self
    }

    /// With what its transactions changed in a contract's storage.
    pub(crate) fn writes(mut self, of: Address, writes: &[StorageWrite]) -> Self {
        let result = Ok(StorageWrite::encode_all(writes));
        self.reads.push(StateRead { request: ReadRequest::Writes(of), result });
        self
    }

    /// With the native value of a holder after the block.
    pub(crate) fn native_balance(mut self, holder: u8, wei: u64) -> Self {
        let request = ReadRequest::Balance(address(holder));
        let word = U256::from(wei).to_be_bytes::<32>();
        self.reads.push(StateRead { request, result: Ok(word.into()) });
        self
    }

    /// With the balance of a holder after the block.
    pub(crate) fn balance(self, token: u8, holder: u8, amount: u64) -> Self {
        let mut input = selector("balanceOf(address)");
        input.extend(word_of(address(holder)));
        self.read(token, input, &[U256::from(amount)])
    }

    /// The block, on a parent.
    pub(crate) fn build(&self, parent: BlockRef, at: u64, fork: u64) -> Arc<BlockBundle> {
        let number = parent.number + 1;
        let hash = keccak256(format!("{number} {} {at} {fork}", parent.hash));
        let mut log_index = 0;
        let transactions: Vec<Transaction> = (0u32..)
            .zip(&self.txs)
            .map(|(index, tx)| {
                let mut logs = tx.logs.clone();
                for log in &mut logs {
                    log.index = log_index;
                    log_index += 1;
                }
                Transaction {
                    hash: keccak256(format!("{number} {at} {index} {} {:?}", tx.salt, tx.input)),
                    index,
                    kind: 2,
                    from: tx.from,
                    to: tx.to,
                    nonce: tx.nonce,
                    value: U256::from(tx.value),
                    input: tx.input.clone().into(),
                    gas_limit: tx.gas_used * 2,
                    gas_used: tx.gas_used,
                    effective_gas_price: U256::from(1),
                    status: if tx.failed { TxStatus::Failed } else { TxStatus::Success },
                    created: tx.created,
                    logs,
                }
            })
            .collect();
        let traces = self.traced.then(|| {
            let trace = |tx: &TxBuilder| {
                let to = tx.to.or(tx.created).unwrap();
                let alone = || {
                    let whole = frame(None, 0, tx.from, to, &tx.input);
                    vec![Frame { value: U256::from(tx.value), ..whole }]
                };
                let frames = if tx.frames.is_empty() { alone() } else { tx.frames.clone() };
                TxTrace { frames }
            };
            self.txs.iter().map(trace).collect()
        });
        let proven = || Proven::Yes;
        Arc::new(BlockBundle {
            network: name(NETWORK),
            endpoint: name("node"),
            header: Header {
                number,
                hash,
                parent_hash: parent.hash,
                timestamp: UnixSeconds(at),
                beneficiary: Address::ZERO,
                base_fee_per_gas: None,
                gas_used: 0,
                gas_limit: 30_000_000,
                logs_bloom: Bloom::ZERO,
                receipts_root: B256::ZERO,
                transactions_root: B256::ZERO,
                state_root: B256::ZERO,
            },
            transactions,
            traces,
            reads: self.reads.clone(),
            proof: Proof {
                header: proven(),
                transactions: proven(),
                senders: proven(),
                bloom: proven(),
                receipts: proven(),
            },
            traced_by: model::TraceSource::default(),
        })
    }
}

/// An engine with a head that blocks are put on, and the rows that a store would hold.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) head: BlockRef,
    pub(crate) at: u64,
    pub(crate) chain: Vec<Arc<BlockBundle>>,
    pub(crate) rows: std::collections::BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) undos: Vec<StateUndo>,
    pub(crate) findings: Vec<Finding>,
    position: u64,
}

impl World {
    pub(crate) fn new(monitors: Vec<MonitorSpec>) -> Self {
        Self::with(deployments(), Labels::default(), monitors)
    }

    pub(crate) fn with(
        deployments: Vec<Deployment>,
        labels: Labels,
        monitors: Vec<MonitorSpec>,
    ) -> Self {
        Self::of(Registry::new(deployments, labels).unwrap(), monitors)
    }

    pub(crate) fn of(registry: Registry, monitors: Vec<MonitorSpec>) -> Self {
        let engine = Engine::new(Arc::new(registry), monitors).unwrap_or_else(|errors| {
            panic!("{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>())
        });
        Self {
            engine,
            head: BlockRef { number: 100, hash: B256::repeat_byte(1) },
            at: START,
            chain: Vec::new(),
            rows: Default::default(),
            undos: Vec::new(),
            findings: Vec::new(),
            position: 0,
        }
    }

    /// Applies any event and keeps what a store would keep.
    pub(crate) fn apply(&mut self, event: &ChainEvent) -> Judgement {
        self.apply_beside(event, &Nowhere)
    }

    /// The same, with a view of another network.
    pub(crate) fn apply_beside(
        &mut self,
        event: &ChainEvent,
        elsewhere: &dyn Elsewhere,
    ) -> Judgement {
        let judgement = self.engine.apply_beside(Position(self.position), event, elsewhere);
        self.position += 1;
        if let Some(head) = event.head() {
            self.head = head;
        }
        for StateEntry { key, value } in judgement.state.entries.clone() {
            match value {
                Some(value) => drop(self.rows.insert(key, value)),
                None => drop(self.rows.remove(&key)),
            }
        }
        self.undos.retain(|undo| !judgement.state.undo_dropped.contains(&undo.block));
        self.undos.extend(judgement.state.undo.clone());
        let reverted = &judgement.reverted;
        self.findings.retain(|finding| !reverted.contains(&finding.origin.block));
        self.findings.extend(judgement.findings.clone());
        judgement
    }

    /// Puts a block on the head, some seconds later.
    pub(crate) fn push(&mut self, seconds: u64, block: &BlockBuilder) -> Judgement {
        self.push_fork(seconds, block, 0)
    }

    pub(crate) fn push_fork(&mut self, seconds: u64, block: &BlockBuilder, fork: u64) -> Judgement {
        self.at += seconds;
        let bundle = block.build(self.head, self.at, fork);
        self.chain.push(bundle.clone());
        self.apply(&ChainEvent::Committed(bundle))
    }

    /// Takes the newest blocks off the chain.
    pub(crate) fn revert(&mut self, depth: usize) -> Judgement {
        let undone: Vec<Arc<BlockBundle>> =
            (0..depth).map(|_| self.chain.pop().expect("so many blocks were put there")).collect();
        let oldest = &undone.last().unwrap().header;
        let ancestor = oldest.parent_ref().unwrap();
        self.at = self.chain.last().map_or(START, |b| b.header.timestamp.0);
        self.apply(&ChainEvent::Reverted {
            network: name(NETWORK),
            undone: undone.iter().map(|bundle| bundle.block_ref()).collect(),
            ancestor,
        })
    }

    /// Throws the engine's memory away and reads it back from the rows.
    pub(crate) fn restart(&mut self) {
        let entries = self
            .rows
            .iter()
            .map(|(key, value)| StateEntry { key: key.clone(), value: Some(value.clone()) });
        let entries: Vec<StateEntry> = entries.collect();
        self.engine.restore(&name(NETWORK), entries, self.undos.clone()).unwrap();
    }

    pub(crate) fn state(&self) -> Vec<StateEntry> {
        self.engine.state(&name(NETWORK))
    }
}

/// Titles of findings with their severity, for reading in tests.
pub(crate) fn told(judgement: &Judgement) -> String {
    let line = |finding: &Finding| format!("{}: {}", finding.severity, finding.title);
    judgement.findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Why monitors were blind on a block.
pub(crate) fn blind(judgement: &Judgement) -> Vec<String> {
    judgement
        .coverage
        .iter()
        .flat_map(|row| match &row.result {
            CoverageResult::Judged { blind, .. } => {
                blind.iter().map(|b| format!("{}: {}", b.monitor, b.reason)).collect()
            }
            CoverageResult::Quarantined(reason) => vec![reason.to_string()],
        })
        .collect()
}
