//! The block as detectors see it: the bundle, with every log decoded at most once.

use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
};

use alloy_primitives::{Address, B256, I256, U256, b256};
use model::{
    BlockBundle, Bytes, FactValue, Level, Log, Name, ReadRequest, StorageWrite, TokenAmount,
    Transaction, TxTrace, UnixSeconds,
};
use registry::{DecodedLog, Deployment, Registry, Undecoded};
use rustc_hash::FxHashMap;

use super::{
    Site,
    answers::{Answers, Asked},
};
use crate::{
    chronicle::News,
    elsewhere::{self, Elsewhere, Nowhere},
    state::{Key, Remembered},
    trace::{Protected, Scene, Side, View},
    windows::Activity,
};

/// `Transfer(address,address,uint256)`.
pub const TRANSFER: B256 =
    b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// What woke a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touch {
    /// Position of the transaction in the block.
    pub tx: u32,
    /// Index of the guarded deployment.
    pub deployment: u32,
    /// What of the transaction.
    pub what: What,
}

/// Part of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The transaction as a whole.
    Transaction,
    /// A call frame by pre-order index; 0 is the transaction itself, with or without traces.
    Frame(u32),
    /// A log by its position among the transaction's logs.
    Log(u32),
    /// An ERC-20 transfer from or to the deployment, by the position of its log.
    Transfer(u32),
}

/// An ERC-20 transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Token contract.
    pub token: Address,
    /// Who gives.
    pub from: Address,
    /// Who gets.
    pub to: Address,
    /// How much, in the smallest unit.
    pub amount: U256,
}

impl Transfer {
    /// Reads a log; `None` when it is no ERC-20 transfer (an ERC-721 one has four topics).
    pub fn of(log: &Log) -> Option<Self> {
        let [topic0, from, to] = log.topics[..] else { return None };
        if topic0 != TRANSFER || log.data.len() != 32 {
            return None;
        }
        Some(Self {
            token: log.address,
            from: Address::from_word(from),
            to: Address::from_word(to),
            amount: U256::from_be_slice(&log.data),
        })
    }
}

type DecodedCell = OnceCell<Box<Result<DecodedLog, Undecoded>>>;

/// By transaction and by what is protected there, ascending: what it is to those.
type Sides = FxHashMap<(u32, Vec<u32>), Option<Rc<Side>>>;

/// A block under judgement.
#[derive(Debug)]
pub struct Block<'a> {
    /// Everything that was fetched.
    pub bundle: &'a BlockBundle,
    /// The block's own time.
    pub at: UnixSeconds,
    /// What was fetched of it: worked out once, because it is in every answer.
    pub level: Level,
    /// Everything known.
    pub registry: &'a Registry,
    /// What it did to guarded contracts.
    pub activity: &'a Activity,
    /// What it changed about deployments.
    pub news: &'a News,
    /// What is remembered of other networks.
    elsewhere: &'a dyn Elsewhere,
    guarded: &'a FxHashMap<Address, u32>,
    decoded: Vec<DecodedCell>,
    /// Where each transaction's logs begin in `decoded`.
    first_log: Vec<u32>,
    answers: Answers<'a>,
    /// Calls and movements of each transaction, worked out by the first who asks: several detectors
    /// look at the same ones.
    scenes: Vec<OnceCell<Option<Box<Scene<'a>>>>>,
    /// Each transaction from the sides that were asked for.
    sides: RefCell<Sides>,
}

impl<'a> Block<'a> {
    /// Looks at a bundle. `guarded` holds the deployments of its network by address.
    pub fn new(
        bundle: &'a BlockBundle,
        registry: &'a Registry,
        (activity, news): (&'a Activity, &'a News),
        guarded: &'a FxHashMap<Address, u32>,
    ) -> Self {
        let mut first_log = Vec::with_capacity(bundle.transactions.len());
        let mut logs = 0;
        for tx in &bundle.transactions {
            first_log.push(logs);
            logs += tx.logs.len() as u32;
        }
        let decoded = vec![OnceCell::new(); logs as usize];
        let at = bundle.header.timestamp;
        Self {
            bundle,
            at,
            level: bundle.level(),
            registry,
            activity,
            news,
            elsewhere: &Nowhere,
            guarded,
            decoded,
            first_log,
            answers: Answers::new(&bundle.reads),
            scenes: vec![OnceCell::new(); bundle.transactions.len()],
            sides: RefCell::default(),
        }
    }

    /// The calls of a transaction and what they moved; `None` without traces.
    pub fn scene(&self, tx: u32) -> Option<&Scene<'a>> {
        let worked_out = || {
            let trace = self.trace(tx)?;
            Some(Box::new(Scene::new(trace, Some(&self.tx(tx).logs))))
        };
        self.scenes[tx as usize].get_or_init(worked_out).as_deref()
    }

    /// A transaction from the side of what a monitor guards; `None` without traces, and when nothing
    /// of it takes part. Monitors that guard the same share one.
    pub fn view(&self, tx: u32, site: &Site) -> Option<View<'a, '_>> {
        let scene = self.scene(tx)?;
        let guarded =
            |of: &Address| self.guarded.get(of).filter(|at| self.is_guarded_by(site, **at));
        let mut protected: Vec<u32> = scene.parties.iter().filter_map(guarded).copied().collect();
        protected.sort_unstable();
        if let Some(side) = self.sides.borrow().get(&(tx, protected.clone())) {
            return Some(View::from_side(scene, side.clone()?));
        }
        let addresses: Protected =
            protected.iter().map(|index| self.deployment(*index).address).collect();
        let side = Side::of(scene, &addresses, self.registry.path_salt()).map(Rc::new);
        self.sides.borrow_mut().insert((tx, protected), side.clone());
        Some(View::from_side(scene, side?))
    }

    /// The same, with a view of other networks.
    #[must_use]
    pub fn beside(self, elsewhere: &'a dyn Elsewhere) -> Self {
        Self { elsewhere, ..self }
    }

    /// What the judge of another network remembers under a key.
    ///
    /// # Errors
    /// Why it cannot be known.
    pub(crate) fn remembered_elsewhere<T: Remembered>(
        &self,
        network: &Name,
        key: &Key,
    ) -> Result<Option<T>, String> {
        elsewhere::remembered(self.elsewhere, network, key)
    }

    /// Network.
    pub fn network(&self) -> &'a Name {
        &self.bundle.network
    }

    /// A transaction by position.
    pub fn tx(&self, at: u32) -> &'a Transaction {
        &self.bundle.transactions[at as usize]
    }

    /// A log by transaction and ordinal.
    pub fn log(&self, tx: u32, ordinal: u32) -> &'a Log {
        &self.tx(tx).logs[ordinal as usize]
    }

    /// The frames of a transaction; `None` without traces.
    pub fn trace(&self, tx: u32) -> Option<&'a TxTrace> {
        self.bundle.traces.as_ref()?.get(tx as usize)
    }

    /// The guarded deployment at an address, if any.
    pub fn guarded(&self, address: &Address) -> Option<(u32, &'a Deployment)> {
        let index = *self.guarded.get(address)?;
        Some((index, self.registry.deployment(index)))
    }

    /// A deployment by its index, be it declared or a child.
    pub fn deployment(&self, index: u32) -> &'a Deployment {
        self.registry.deployment(index)
    }

    /// Whether a monitor guards the deployment, by itself or as a child of a factory.
    pub fn is_guarded_by(&self, site: &Site, index: u32) -> bool {
        match self.registry.child(index) {
            None => site.guards(index),
            Some(child) => site.children_of.binary_search(&child.factory).is_ok(),
        }
    }

    /// A log of a guarded contract, decoded with that contract's ABI.
    pub fn decoded(&self, tx: u32, ordinal: u32) -> &Result<DecodedLog, Undecoded> {
        let cell = &self.decoded[(self.first_log[tx as usize] + ordinal) as usize];
        cell.get_or_init(|| {
            Box::new(self.registry.decode_log(self.network(), self.log(tx, ordinal)))
        })
    }

    /// An address as evidence, with its label.
    pub fn address_fact(&self, address: Address) -> FactValue {
        let label = self.registry.label(self.network(), address).map(str::to_owned);
        FactValue::Address { address, label }
    }

    /// An amount of a token as evidence: with its symbol where the registry knows the token, and as
    /// the bare number where it does not.
    pub fn token_fact(&self, token: Address, raw: U256) -> FactValue {
        let known = self.registry.at(self.network(), token);
        match known.and_then(|deployment| deployment.token.as_ref()) {
            Some(unit) => FactValue::Amount(TokenAmount {
                raw,
                decimals: unit.decimals,
                symbol: unit.symbol.clone(),
            }),
            None => FactValue::Uint(raw),
        }
    }

    /// What to call an address in a sentence.
    pub fn name_of(&self, address: Address) -> String {
        match self.registry.label(self.network(), address) {
            Some(label) => label.to_owned(),
            None => address.to_string(),
        }
    }

    fn read(&self, asked: Asked<'_>) -> Option<&'a Result<Bytes, String>> {
        self.answers.get(asked)
    }

    /// The answer to a request as it came, if it was asked.
    pub fn answer(&self, request: &ReadRequest) -> Option<&'a Result<Bytes, String>> {
        self.answers.get(Asked::of(request))
    }

    /// Native value of an account after the block in wei, if it was asked and answered.
    pub fn balance(&self, of: Address) -> Option<U256> {
        self.word(Asked::Balance(of)).map(Into::into)
    }

    /// A word of storage after the block, if it was asked and answered.
    pub fn storage(&self, of: Address, slot: B256) -> Option<B256> {
        self.word(Asked::Storage(of, slot))
    }

    /// Hash of an account's code after the block, if it was asked and answered.
    pub fn code_hash(&self, of: Address) -> Option<B256> {
        self.word(Asked::CodeHash(of))
    }

    /// The words that the block's transactions changed in a contract's storage, if they were asked
    /// for and answered.
    pub fn writes(&self, of: Address) -> Option<Vec<StorageWrite>> {
        StorageWrite::decode_all(self.read(Asked::Writes(of))?.as_ref().ok()?)
    }

    fn word(&self, asked: Asked<'_>) -> Option<B256> {
        B256::try_from(self.read(asked)?.as_ref().ok()?.as_ref()).ok()
    }

    /// The answer of a read that returns words; the reason when there is none.
    pub fn read_words(&self, to: Address, input: &[u8], words: usize) -> Result<Vec<U256>, String> {
        match self.read(Asked::Call(to, input)) {
            None => Err(format!("call 0x{} of {to} was not made", hex::encode(input))),
            Some(Err(reason)) => Err(format!("call of {to} failed: {reason}")),
            Some(Ok(bytes)) if bytes.len() < words * 32 => {
                Err(format!("call of {to} returned {} bytes, expected {}", bytes.len(), words * 32))
            }
            Some(Ok(bytes)) => {
                Ok(bytes.chunks_exact(32).take(words).map(U256::from_be_slice).collect())
            }
        }
    }
}

/// A `uint256` as a float, for statistics only.
pub(crate) fn to_f64(value: U256) -> f64 {
    f64::from(value)
}

/// An `int256` as a float, for statistics only.
pub(crate) fn signed_to_f64(value: I256) -> f64 {
    let magnitude = f64::from(value.unsigned_abs());
    if value.is_negative() { -magnitude } else { magnitude }
}
