//! Executes blocks that no node traces: what `chain` asks for, on `evm`.
//!
//! What is known of the state after a block is kept for the next one of the same branch, where the
//! chain's rules leave nothing else that changes it; on another branch, or after a block that was not
//! executed, all is asked again.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{Address, B256, U256};
use chain::execute::{Answer, Execution, Executor, Failure, Question, Step};
use evm::execution::{self, Ahead, Block, Executed, HardFork, Known, Missing, Rules};
use model::{BlockBundle, BlockRef};

/// Accounts and words that are kept from block to block: some hundred blocks of mainnet, in tens of
/// megabytes. Beyond, only what the newest block looked at is kept.
const KEPT_PARTS_MAX: usize = 200_000;

/// Bytes of contract code that are kept: some thousand contracts.
const KEPT_CODE_BYTES_MAX: usize = 64 << 20;

/// Executes the blocks of one network.
#[derive(Debug)]
pub struct OwnExecution {
    chain_id: u64,
    /// The one fork that the chain runs, where somebody said so.
    hard_fork: Option<HardFork>,
    /// Written when a block was executed, taken by its child.
    kept: Arc<Mutex<Option<Kept>>>,
}

/// What is known of the state after a block.
#[derive(Debug)]
struct Kept {
    after: BlockRef,
    known: Known,
}

impl OwnExecution {
    /// For the chain with this id, by the rules of Ethereum's mainnet or of one hard fork.
    pub fn new(chain_id: u64, hard_fork: Option<HardFork>) -> Self {
        Self { chain_id, hard_fork, kept: Arc::default() }
    }

    fn rules(&self, block: &Block) -> Result<Rules, Failure> {
        match self.hard_fork {
            Some(fork) => Ok(Rules::of_fork(self.chain_id, fork)),
            None => Rules::of(self.chain_id, block.number(), block.timestamp()).map_err(|why| {
                let help = "where it runs a hard fork of Ethereum, its network file can say so";
                Failure::Impossible(format!("{why}; {help} (hard_fork = \"prague\")"))
            }),
        }
    }

    /// What is known of the state that a block begins with. A chain of one's own may be told its
    /// state (development nodes can), so nothing is kept there.
    fn take_kept(&self, parent: Option<(u64, B256)>) -> Option<Known> {
        let (number, hash) = parent?;
        let mut kept = lock(&self.kept);
        let is_parent = |kept: &mut Kept| kept.after == BlockRef { number, hash };
        kept.take_if(is_parent).map(|kept| kept.known)
    }
}

fn lock(kept: &Mutex<Option<Kept>>) -> MutexGuard<'_, Option<Kept>> {
    // What is in it was whole when it was put there.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Executor for OwnExecution {
    fn begin(&self, json: &[u8], bundle: &BlockBundle) -> Result<Box<dyn Execution>, Failure> {
        let block = Block::read(json).map_err(|why| Failure::Impossible(why.to_string()))?;
        let rules = self.rules(&block)?;
        let kept = self.take_kept(block.parent());
        Ok(Box::new(
            Running {
                number_and_hash: bundle.block_ref(),
                keeps: self.hard_fork.is_none(),
                is_on_kept: kept.is_some(),
                known: Known::default(),
                asked: HashSet::new(),
                ahead: Some(Ahead::default()),
                executed: None,
                shelf: self.kept.clone(),
                block,
                rules,
            }
            .on(kept.unwrap_or_default()),
        ))
    }
}

/// One block under execution.
struct Running {
    number_and_hash: BlockRef,
    block: Block,
    rules: Rules,
    known: Known,
    /// Whether part of what is known is from the block before.
    is_on_kept: bool,
    /// Whether what is known afterwards may serve the next block.
    keeps: bool,
    /// Parts that nodes were asked for.
    asked: HashSet<Question>,
    /// What was found out of it so far; `None` when all that it needs seemed to be known.
    ahead: Option<Ahead>,
    executed: Option<Executed>,
    shelf: Arc<Mutex<Option<Kept>>>,
}

impl Running {
    fn on(mut self, known: Known) -> Self {
        self.known = known;
        if let Some((number, hash)) = self.block.parent() {
            self.known.block_hashes.insert(number, hash);
        }
        self
    }

    /// What a transaction shows that it needs before it runs, as far as it is not known.
    fn announced(&self) -> Vec<Question> {
        let mut announced = self.block.announced();
        announced.accounts.retain(|of| !self.known.accounts.contains_key(of));
        for (of, words) in &mut announced.storage {
            words.retain(|word| !self.known.storage.contains_key(&(*of, *word)));
        }
        questions(&announced)
    }

    /// Begins again with nothing from the block before.
    fn start_over(&mut self) -> Step {
        self.is_on_kept = false;
        self.asked.clear();
        self.ahead = Some(Ahead::default());
        let known = std::mem::take(&mut self.known);
        let afresh = Known { codes: known.codes, ..Known::default() };
        if let Some((number, hash)) = self.block.parent() {
            self.known = afresh;
            self.known.block_hashes.insert(number, hash);
        }
        self.ask(self.announced())
    }

    /// How much of what was looked at nobody had to be asked for.
    fn kept(&self, executed: &Executed) -> u32 {
        if !self.is_on_kept {
            return 0;
        }
        let is_kept = |(of, slot): &(Address, Option<U256>)| {
            let question = match slot {
                Some(slot) => Question::Storage(*of, *slot),
                None => Question::Account(*of),
            };
            !self.asked.contains(&question)
        };
        executed.looked_at().filter(is_kept).count() as u32
    }

    fn ask(&mut self, questions: Vec<Question>) -> Step {
        self.asked.extend(&questions);
        Step::Asks(questions)
    }
}

fn questions(missing: &Missing) -> Vec<Question> {
    let accounts = missing.accounts.iter().map(|of| Question::Account(*of));
    let words = missing.storage.iter().flat_map(|(of, words)| {
        let of = *of;
        words.iter().map(move |word| Question::Storage(of, *word))
    });
    let hashes = missing.block_hashes.iter().map(|number| Question::BlockHash(*number));
    accounts.chain(words).chain(hashes).collect()
}

impl Execution for Running {
    fn run(&mut self, bundle: &BlockBundle) -> Step {
        if self.asked.is_empty() {
            let announced = self.announced();
            if !announced.is_empty() {
                return self.ask(announced);
            }
        }
        if let Some(ahead) = &mut self.ahead {
            let questions = questions(&ahead.look(&self.block, &self.rules, &self.known));
            if !questions.is_empty() {
                return self.ask(questions);
            }
            self.ahead = None;
        }
        let failure = match execution::execute(&self.block, &self.rules, &self.known) {
            Ok(executed) => match executed.agrees(bundle) {
                Ok(()) => {
                    let traces = executed.traces();
                    let kept = self.kept(&executed);
                    self.executed = Some(executed);
                    return Step::Traced { traces, kept };
                }
                Err(why) => why.to_string(),
            },
            Err(execution::Failure::Missing(missing)) => {
                let questions = questions(&missing);
                if !questions.is_empty() {
                    return self.ask(questions);
                }
                // A code comes with its account, so that only its hash can be wrong.
                "a contract's code is not that of its hash".to_owned()
            }
            Err(refused) => refused.to_string(),
        };
        if self.is_on_kept {
            tracing::debug!(
                block = %self.number_and_hash, %failure,
                "what was known from the block before is not used"
            );
            return self.start_over();
        }
        Step::Failed(Failure::Disagrees(failure))
    }

    fn take(&mut self, answers: Vec<(Question, Answer)>) {
        for (question, answer) in answers {
            match (question, answer) {
                (Question::Account(of), Answer::Account { balance, nonce, code }) => {
                    self.known.account(of, balance, nonce, code);
                }
                (Question::Storage(of, slot), Answer::Storage(word)) => {
                    self.known.storage.insert((of, slot), word);
                }
                (Question::BlockHash(number), Answer::BlockHash(hash)) => {
                    self.known.block_hashes.insert(number, hash);
                }
                // Whoever asks answers in kind; what is not answered is asked again.
                _ => {}
            }
        }
    }

    fn keep(self: Box<Self>) {
        let Some(executed) = self.executed.filter(|_| self.keeps) else { return };
        let mut shelf = lock(&self.shelf);
        // Blocks of the past that are executed meanwhile must not push out what the head needs.
        if shelf.as_ref().is_some_and(|kept| kept.after.number > self.number_and_hash.number) {
            return;
        }
        let is_too_much =
            self.known.len() > KEPT_PARTS_MAX || self.known.code_bytes() > KEPT_CODE_BYTES_MAX;
        let known = match is_too_much {
            true => executed.known_of_this_block(&self.block, &self.rules, &self.known),
            false => executed.known_after(&self.block, &self.rules, self.known),
        };
        *shelf = known.map(|known| Kept { after: self.number_and_hash, known });
    }
}
