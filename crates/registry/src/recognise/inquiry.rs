//! What to ask next about one address, and what the answers come to.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U256, hex};

use super::{
    Answer, Code, Facts, Function, Getter, Interface, Question, Recognition, RoleMembers,
    TokenFacts, Trait, Words, class, traits,
};
use crate::{
    ContractAbi,
    proxy::{self, Proxy},
};

/// Most rounds of questions: a chain of clones before a diamond with enumerable roles takes eight.
pub const ROUNDS_MAX: usize = 12;
/// Most questions about one address, over all rounds.
pub const QUESTIONS_MAX: usize = 600;
/// Most members of one role that are listed.
pub const ROLE_MEMBERS_MAX: usize = 64;
/// Most getters that are asked.
const GETTERS_MAX: usize = 160;
/// Longest chain of code that delegates to code that delegates.
const LAYERS_MAX: usize = 4;
/// Longest text (symbol, description) that is read, in bytes.
const TEXT_BYTES_MAX: usize = 128;

const GET_ROLE_MEMBER_COUNT: [u8; 4] = hex!("ca15c873");
const GET_ROLE_MEMBER: [u8; 4] = hex!("9010d07c");
const SYMBOL: [u8; 4] = hex!("95d89b41");
const DECIMALS: [u8; 4] = hex!("313ce567");
const DESCRIPTION: [u8; 4] = hex!("7284e416");
const HEARTBEAT: [u8; 4] = hex!("3defb962");
/// Functions that say how long a timelock waits, in seconds.
const DELAYS: [[u8; 4]; 3] = [hex!("f27a0c92"), hex!("c63c4e9b"), hex!("6a42b8f8")];

/// The selectors above with what they are the selectors of, for a test.
#[cfg(test)]
pub(super) const SELECTORS: &[([u8; 4], &str)] = &[
    (GET_ROLE_MEMBER_COUNT, "getRoleMemberCount(bytes32)"),
    (GET_ROLE_MEMBER, "getRoleMember(bytes32,uint256)"),
    (SYMBOL, "symbol()"),
    (DECIMALS, "decimals()"),
    (DESCRIPTION, "description()"),
    (HEARTBEAT, "heartbeat()"),
    (DELAYS[0], "getMinDelay()"),
    (DELAYS[1], "minDelay()"),
    (DELAYS[2], "delay()"),
];

/// A conversation about one address.
#[derive(Debug, Clone)]
pub struct Inquiry {
    address: Address,
    facts: Facts,
    /// What the source calls the code at an address, and its interface, where they are known.
    declared: BTreeMap<Address, (String, Arc<ContractAbi>)>,
    rounds: usize,
    asked: usize,
}

impl Inquiry {
    /// Begins a conversation about an address.
    pub fn new(address: Address) -> Self {
        Self { address, facts: Facts::default(), declared: BTreeMap::new(), rounds: 0, asked: 0 }
    }

    /// The address it is about.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Says what the code at an address (this one's, or one that it runs) is in its source.
    pub fn declare(&mut self, at: Address, name: &str, abi: Arc<ContractAbi>) {
        self.declared.insert(at, (name.to_owned(), abi));
    }

    /// What to ask next; empty when it has come to an end.
    pub fn questions(&self) -> Vec<Question> {
        if self.rounds >= ROUNDS_MAX {
            return Vec::new();
        }
        let mut wanted = self.wanted();
        wanted.retain(|question| !self.facts.is_asked(question));
        wanted.sort();
        wanted.dedup();
        wanted.truncate(QUESTIONS_MAX.saturating_sub(self.asked));
        wanted
    }

    /// Takes the answers of one round. What is asked and not answered here will be asked again, as
    /// often as there are rounds.
    pub fn learn(&mut self, answers: impl IntoIterator<Item = (Question, Answer)>) {
        for (question, answer) in answers {
            self.asked += 1;
            self.facts.learn(question, answer);
        }
        self.rounds += 1;
    }

    /// What is known so far.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Everything whose code runs at this address: itself, then what it delegates to.
    pub fn layers(&self) -> Vec<Address> {
        self.layers_of(proxy::find(self.address, &self.facts).found.proxy().as_ref())
    }

    fn layers_of(&self, proxy: Option<&Proxy>) -> Vec<Address> {
        let mut layers = vec![self.address];
        let mut next = proxy.map(|proxy| proxy.kind.targets()).unwrap_or_default();
        for _ in 0..LAYERS_MAX {
            next.retain(|target| !layers.contains(target));
            if next.is_empty() {
                break;
            }
            layers.extend(&next);
            // Slots belong to whose storage it is, so only what the bytecode itself delegates to
            // goes on from here.
            let codes = next.iter().filter_map(|target| self.facts.code(*target));
            next = codes.filter_map(|code| proxy::delegate_from_code(code.bytes())).collect();
        }
        layers
    }

    fn interface(&self, layers: &[Address]) -> Interface {
        let mut interface = Interface::default();
        for layer in layers {
            if let Some((_, abi)) = self.declared.get(layer) {
                interface.add_abi(abi);
            }
        }
        for layer in layers {
            if let Some(code) = self.facts.code(*layer) {
                interface.add_code(code);
            }
        }
        interface
    }

    fn wanted(&self) -> Vec<Question> {
        let look = proxy::find(self.address, &self.facts);
        let mut wanted = look.wanted;
        let layers = self.layers_of(look.found.proxy().as_ref());
        wanted.extend(layers.iter().map(|layer| Question::Code(*layer)));
        let is_open = wanted.iter().any(|question| !self.facts.is_asked(question));
        let has_code = self.facts.code(self.address).is_some_and(|c| !c.bytes().is_empty());
        if is_open || !has_code {
            return wanted;
        }
        let interface = self.interface(&layers);
        wanted.extend(getters(&interface).map(|f| Question::call(self.address, f.selector)));
        let traits = traits::of_interface(&interface);
        let has = |is: Trait| traits.iter().any(|e| e.is == is);
        if has(Trait::Safe) {
            wanted.extend(proxy::safe_questions(self.address));
        }
        if has(Trait::AccessControlEnumerable) {
            for (_, role) in self.roles(&interface) {
                wanted.push(self.about_role(GET_ROLE_MEMBER_COUNT, role, None));
                let count = self.member_count(role).unwrap_or(0).min(ROLE_MEMBERS_MAX);
                let members = (0..count).map(|at| self.about_role(GET_ROLE_MEMBER, role, Some(at)));
                wanted.extend(members);
            }
        }
        wanted
    }

    fn about_role(&self, selector: [u8; 4], role: B256, at: Option<usize>) -> Question {
        let mut input = [&selector[..], role.as_slice()].concat();
        input.extend(at.map(|at| U256::from(at).to_be_bytes::<32>()).into_iter().flatten());
        Question::Call { to: self.address, input: Bytes::from(input) }
    }

    fn answer_about_role(
        &self,
        selector: [u8; 4],
        role: B256,
        at: Option<usize>,
    ) -> Option<&Bytes> {
        let Question::Call { to, input } = self.about_role(selector, role, at) else { return None };
        self.facts.returned(to, &input)
    }

    fn member_count(&self, role: B256) -> Option<usize> {
        let answer = self.answer_about_role(GET_ROLE_MEMBER_COUNT, role, None)?;
        let count = U256::from_be_bytes(*Words::new(answer).word(0)?);
        Some(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Roles that the contract has constants for, and the admin of all roles.
    fn roles(&self, interface: &Interface) -> Vec<(String, B256)> {
        let mut roles = vec![("DEFAULT_ADMIN_ROLE".to_owned(), B256::ZERO)];
        for function in getters(interface) {
            let name = function.name();
            let is_role = name.ends_with("_ROLE") || name.ends_with("Role");
            if is_role && let Some(role) = self.facts.word_of_call(self.address, function.selector)
            {
                let is_known = roles.iter().any(|(_, known)| *known == role);
                if !is_known {
                    roles.push((name, role));
                }
            }
        }
        roles
    }

    fn members(&self, interface: &Interface) -> Vec<RoleMembers> {
        let mut listed = Vec::new();
        for (_, role) in self.roles(interface) {
            let Some(count) = self.member_count(role) else { continue };
            let members: Vec<Address> = (0..count.min(ROLE_MEMBERS_MAX))
                .filter_map(|at| self.answer_about_role(GET_ROLE_MEMBER, role, Some(at)))
                .filter_map(|answer| Words::new(answer).address(0))
                .collect();
            let is_whole = members.len() == count;
            listed.push(RoleMembers { role, members, is_whole });
        }
        listed
    }

    fn small_number(&self, selector: [u8; 4]) -> Option<u64> {
        let word = self.facts.word_of_call(self.address, selector)?;
        u64::try_from(U256::from_be_bytes(word.0)).ok()
    }

    fn text(&self, selector: [u8; 4]) -> Option<String> {
        let answer = self.facts.returned(self.address, &selector)?;
        if let Some(text) = Words::new(answer).text(0, TEXT_BYTES_MAX) {
            return Some(text);
        }
        // The oldest tokens answer with one word.
        let word = (answer.len() == 32).then(|| answer.split(|b| *b == 0).next())??;
        Some(String::from_utf8_lossy(word).into_owned())
    }

    /// What the answers so far come to.
    pub fn conclude(&self) -> Recognition {
        let found = proxy::find(self.address, &self.facts).found;
        let proxy = found.proxy();
        let layers = self.layers_of(proxy.as_ref());
        let interface = self.interface(&layers);
        let traits = traits::of_interface(&interface);
        // What runs decides, not the proxy before it.
        let named = layers.iter().rev().find_map(|layer| self.declared.get(layer));
        let class = class::conclude(
            named.map(|(name, _)| name.as_str()),
            &traits,
            proxy.as_ref(),
            interface.functions().len(),
        );
        let code = self.facts.code(self.address);
        let getters = getters(&interface)
            .filter_map(|function| {
                let target = self.facts.address_of_call(self.address, function.selector)?;
                is_likely_address(target).then(|| Getter {
                    name: function.name(),
                    selector: function.selector,
                    target,
                })
            })
            .collect();
        let mut constants: Vec<Address> = layers
            .iter()
            .filter_map(|l| self.facts.code(*l))
            .flat_map(Code::addresses)
            .copied()
            .collect();
        constants.sort_unstable();
        constants.dedup();
        let has = |is: Trait| traits.iter().any(|e| e.is == is);
        let decimals = || self.small_number(DECIMALS).and_then(|d| u8::try_from(d).ok());
        let is_feed = has(Trait::PriceFeed);
        let is_timelock =
            [Trait::TimelockController, Trait::CompoundTimelock, Trait::TimelockShape]
                .into_iter()
                .any(has);
        let token = if has(Trait::Erc20) {
            let digits = decimals().filter(|d| *d <= 77);
            self.text(SYMBOL).zip(digits).map(|(symbol, decimals)| TokenFacts { symbol, decimals })
        } else {
            None
        };
        let unanswered = self
            .facts
            .unanswered()
            .map(|(question, why)| format!("{}: {why}", words_of(question)))
            .collect();
        Recognition {
            class,
            proxy,
            unverified: named.is_none(),
            code_hash: code.map(Code::hash),
            getters,
            constants,
            roles: if has(Trait::AccessControl) { self.roles(&interface) } else { Vec::new() },
            members: self.members(&interface),
            safe: if has(Trait::Safe) { proxy::safe(self.address, &self.facts) } else { None },
            delay_s: if is_timelock {
                DELAYS.iter().find_map(|s| self.small_number(*s))
            } else {
                None
            },
            token,
            feed_decimals: if is_feed { decimals().filter(|d| *d <= 77) } else { None },
            description: if is_feed { self.text(DESCRIPTION) } else { None },
            heartbeat_s: if is_feed { self.small_number(HEARTBEAT) } else { None },
            can_destroy_itself: layers
                .iter()
                .filter_map(|layer| self.facts.code(*layer))
                .any(Code::has_selfdestruct),
            unanswered,
            traits,
            interface,
        }
    }
}

/// Functions without arguments that only read.
fn getters(interface: &Interface) -> impl Iterator<Item = &Function> {
    let is_getter = |f: &&Function| {
        f.inputs == 0 && (f.is_view || f.declared.as_ref().is_some_and(|d| is_declared_view(d)))
    };
    interface.functions().filter(is_getter).take(GETTERS_MAX)
}

fn is_declared_view(declared: &crate::FunctionAbi) -> bool {
    use alloy_json_abi::StateMutability::{Pure, View};
    matches!(declared.mutability, View | Pure)
}

/// Small numbers fit the same word: an address that begins with eight zero bytes is a number.
fn is_likely_address(address: Address) -> bool {
    address.iter().take(8).any(|byte| *byte != 0)
}

fn words_of(question: &Question) -> String {
    match question {
        Question::Code(address) => format!("code of {address}"),
        Question::Storage { of, slot } => format!("slot {slot} of {of}"),
        Question::Call { to, input } => {
            let selector = input.get(..4).unwrap_or(input);
            format!("call 0x{} of {to}", hex::encode(selector))
        }
    }
}
