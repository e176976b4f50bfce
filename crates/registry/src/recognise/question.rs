//! Questions to a node and its answers, as plain values.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes};

use super::Code;

/// Something that a node can be asked about the newest state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// The code at an address (`eth_getCode`).
    Code(Address),
    /// One word of storage (`eth_getStorageAt`).
    Storage {
        /// Whose.
        of: Address,
        /// Which.
        slot: B256,
    },
    /// What a contract returns (`eth_call`).
    Call {
        /// Contract to ask.
        to: Address,
        /// Calldata.
        input: Bytes,
    },
}

impl Question {
    /// A call without arguments.
    pub fn call(to: Address, selector: [u8; 4]) -> Self {
        Self::Call { to, input: Bytes::copy_from_slice(&selector) }
    }
}

/// What the node said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The code, or what the call returned.
    Bytes(Bytes),
    /// The word in storage.
    Word(B256),
    /// The contract refused the call: an answer, and often a telling one.
    Reverted,
    /// The node did not answer, with its reason. Nothing may be concluded from it.
    None(String),
}

/// Longest answer that is kept; a contract may return as much as a node lets it.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// What was asked and answered so far.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    answers: BTreeMap<Question, Answer>,
    /// Code is read once and looked at often.
    code: BTreeMap<Address, Code>,
}

impl Facts {
    /// Keeps an answer. A later one to the same question replaces it.
    pub fn learn(&mut self, question: Question, answer: Answer) {
        let answer = match answer {
            Answer::Bytes(bytes) if bytes.len() > ANSWER_BYTES_MAX => {
                Answer::None(format!("{} bytes, more than are read", bytes.len()))
            }
            other => other,
        };
        if let (Question::Code(address), Answer::Bytes(bytes)) = (&question, &answer) {
            self.code.insert(*address, Code::read(bytes.clone()));
        }
        self.answers.insert(question, answer);
    }

    /// Whether there is an answer, be it that there is none.
    pub fn is_asked(&self, question: &Question) -> bool {
        self.answers.contains_key(question)
    }

    /// Whether the node was asked and did not answer.
    pub fn is_unanswered(&self, question: &Question) -> bool {
        matches!(self.answers.get(question), Some(Answer::None(_)))
    }

    /// Questions that the node did not answer, with its reasons.
    pub fn unanswered(&self) -> impl Iterator<Item = (&Question, &str)> {
        self.answers.iter().filter_map(|(question, answer)| match answer {
            Answer::None(why) => Some((question, why.as_str())),
            _ => None,
        })
    }

    /// The code at an address; empty code is an answer too.
    pub fn code(&self, of: Address) -> Option<&Code> {
        self.code.get(&of)
    }

    /// A word of storage.
    pub fn stored(&self, of: Address, slot: B256) -> Option<B256> {
        match self.answers.get(&Question::Storage { of, slot })? {
            Answer::Word(word) => Some(*word),
            _ => None,
        }
    }

    /// What a call returned.
    pub fn returned(&self, to: Address, input: &[u8]) -> Option<&Bytes> {
        let question = Question::Call { to, input: Bytes::copy_from_slice(input) };
        match self.answers.get(&question)? {
            Answer::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// What a call without arguments returned, when that is exactly one word.
    pub fn word_of_call(&self, to: Address, selector: [u8; 4]) -> Option<B256> {
        let answer = self.returned(to, &selector)?;
        (answer.len() == 32).then(|| B256::from_slice(answer))
    }

    /// What a call without arguments returned, when that is a clean address other than zero.
    pub fn address_of_call(&self, to: Address, selector: [u8; 4]) -> Option<Address> {
        self.word_of_call(to, selector).and_then(crate::proxy::implementation_from_word)
    }
}
