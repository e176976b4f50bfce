//! Who may do what at the contracts of a survey: read from events, confirmed by reads, asked for
//! where contracts answer only yes or no.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, B256, Bytes};
use registry::{
    proxy::is_delegation,
    recognise::{Answer, MEMBERSHIPS, Question},
};

use super::{CANDIDATES_MAX, Holder, HolderKind, Standing, holders, logs::Wanted, walk::Walk};

impl Walk<'_> {
    /// Reads who was given what at these contracts, from their creation on.
    pub(super) async fn learn_events(&mut self, ours: &[Address], depth: usize) {
        if ours.is_empty() {
            return;
        }
        let first = ours
            .iter()
            .map(|of| self.found.get(of).and_then(|c| c.created_in).unwrap_or(0))
            .min()
            .unwrap_or(0);
        let head = self.node.head;
        let progress = &mut self.progress;
        let read = self
            .node
            .logs(ours, &holders::topics(), first..=head, Wanted::All, |at| {
                progress.show(&format!(
                    "step {depth}: reading who was given what, block {at} of {head}"
                ));
            })
            .await;
        self.gaps.extend(read.not_read.iter().map(|why| format!("role holders: {why}")));
        let found = &self.found;
        let by_event = holders::from_events(&read.logs, |of, role| {
            found.get(&of).map_or_else(
                || format!("role {role}"),
                |contract| holders::name_of_role(&contract.recognition, role),
            )
        });
        let mut held: Vec<(Address, Holder)> = Vec::new();
        for (of, holders) in by_event {
            let says_itself = |holder: &Holder| {
                let named = self.found.get(&of).into_iter().flat_map(|c| &c.holders);
                holder.role_id.is_none() && named.into_iter().any(|h| h.role == holder.role)
            };
            // What only one can hold, and the contract itself names, is as it says.
            let unnamed = holders.into_iter().filter(|holder| !says_itself(holder));
            held.extend(unnamed.map(|holder| (of, holder)));
        }
        for (of, holder) in self.confirmed(held).await {
            if let Some(contract) = self.found.get_mut(&of) {
                contract.holders.push(holder);
            }
        }
        for of in ours {
            if let Some(contract) = self.found.get_mut(of) {
                contract.holders = holders::joined(std::mem::take(&mut contract.holders));
            }
        }
    }

    /// Holders that the contract still says hold their role. Where it does not say, events decide,
    /// and the source tells so.
    async fn confirmed(&mut self, held: Vec<(Address, Holder)>) -> Vec<(Address, Holder)> {
        let question = |of: Address, holder: &Holder| {
            let role = holder.role_id?;
            let mut input = selector("hasRole(bytes32,address)").to_vec();
            input.extend(role);
            input.extend(holder.account.into_word());
            Some(Question::Call { to: of, input: input.into() })
        };
        let asked: Vec<Question> = held.iter().filter_map(|(of, h)| question(*of, h)).collect();
        let answers: BTreeMap<Question, Answer> =
            self.node.answers(asked).await.into_iter().collect();
        let mut confirmed = Vec::new();
        for (of, mut holder) in held {
            let answer = question(of, &holder).and_then(|question| answers.get(&question));
            match answer {
                Some(Answer::Bytes(word)) if is_true(word) => {
                    holder.source.push_str(", confirmed by hasRole()");
                }
                Some(Answer::Bytes(word)) if word.len() == 32 => {
                    self.gaps.push(format!(
                        "{of}: {} was given {} by event, but hasRole() says that it does not hold it",
                        holder.account, holder.role
                    ));
                    continue;
                }
                _ => holder.source.push_str("; not confirmed by a read"),
            }
            confirmed.push((of, holder));
        }
        confirmed
    }

    /// Contracts that say whether somebody is a member, but not who is: everybody who could be is
    /// asked about.
    pub(super) async fn ask_for_members(&mut self) {
        let mut known: BTreeSet<Address> = self.accounts.iter().copied().collect();
        known.extend(self.found.keys());
        known.extend(self.found.values().flat_map(|c| c.holders.iter().map(|h| h.account)));
        let mut asked: Vec<(Address, Address, &str, Question)> = Vec::new();
        for contract in self.found.values().filter(|c| c.standing == Standing::Ours) {
            // Those it was created with are the likeliest.
            let named = self.origins.get(&contract.address).map(|o| named_in(&o.input));
            let mut candidates = named.unwrap_or_default();
            candidates.extend(known.iter().copied().filter(|a| !a.is_zero()));
            let mut unique = BTreeSet::new();
            candidates.retain(|candidate| unique.insert(*candidate));
            candidates.truncate(CANDIDATES_MAX);
            let interface = &contract.recognition.interface;
            let is_listed = contract.recognition.safe.is_some();
            for (signature, role) in MEMBERSHIPS.iter().filter(|(s, _)| interface.answers(s)) {
                if is_listed {
                    continue;
                }
                self.gaps.push(format!(
                    "{}: {signature} cannot be listed; {} addresses that are known were asked about",
                    contract.address,
                    candidates.len()
                ));
                for candidate in &candidates {
                    let mut input = selector(signature).to_vec();
                    input.extend(candidate.into_word());
                    let question = Question::Call { to: contract.address, input: input.into() };
                    asked.push((contract.address, *candidate, role, question));
                }
            }
        }
        let questions = asked.iter().map(|(.., question)| question.clone()).collect();
        let answers = self.node.answers(questions).await;
        for ((of, account, role, _), (_, answer)) in asked.into_iter().zip(answers) {
            if matches!(&answer, Answer::Bytes(word) if is_true(word))
                && let Some(contract) = self.found.get_mut(&of)
            {
                contract.holders.push(Holder {
                    role: role.to_owned(),
                    role_id: None,
                    account,
                    kind: HolderKind::Unseen,
                    source: "asked of the contract".to_owned(),
                });
            }
        }
    }

    /// Says of each holder whether a key or a contract stands behind it.
    pub(super) async fn tell_accounts_from_contracts(&mut self) {
        let holders = || self.found.values().flat_map(|c| &c.holders);
        let unseen: BTreeSet<Address> = holders()
            .map(|holder| holder.account)
            .filter(|a| !self.accounts.contains(a) && !self.found.contains_key(a))
            .collect();
        let mut contracts: BTreeSet<Address> = self.found.keys().copied().collect();
        let questions = unseen.into_iter().map(Question::Code).collect();
        for (question, answer) in self.node.answers(questions).await {
            let (Question::Code(of), Answer::Bytes(code)) = (question, answer) else { continue };
            let is_account = code.is_empty() || is_delegation(&code);
            if is_account {
                self.accounts.insert(of)
            } else {
                contracts.insert(of)
            };
        }
        for contract in self.found.values_mut() {
            for holder in &mut contract.holders {
                if contracts.contains(&holder.account) {
                    holder.kind = HolderKind::Contract;
                } else if self.accounts.contains(&holder.account) {
                    holder.kind = HolderKind::Account;
                }
            }
        }
    }
}

fn selector(signature: &str) -> [u8; 4] {
    let hash = alloy_primitives::keccak256(signature);
    [hash[0], hash[1], hash[2], hash[3]]
}

fn is_true(word: &Bytes) -> bool {
    word.len() == 32 && B256::from_slice(word) == B256::with_last_byte(1)
}

/// Most words at the end of a creation that are looked at for addresses.
const ARGUMENT_WORDS_MAX: usize = 64;

/// Addresses among the constructor's arguments: whole words at the end of what created a contract.
fn named_in(input: &Bytes) -> Vec<Address> {
    let words = input.rchunks_exact(32).take(ARGUMENT_WORDS_MAX);
    let mut named: Vec<Address> = words
        .filter(|word| word[..12].iter().all(|byte| *byte == 0))
        .map(|word| Address::from_slice(&word[12..]))
        .filter(|address| address.iter().filter(|byte| **byte != 0).count() >= 10)
        .collect();
    named.reverse();
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructor_arguments_are_found_behind_the_code() {
        let (one, two) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let number = B256::with_last_byte(5);
        let input = [
            &[0x60, 0x80, 0x60][..],
            one.into_word().as_slice(),
            number.as_slice(),
            two.into_word().as_slice(),
        ]
        .concat();
        assert_eq!(named_in(&input.into()), [one, two]);
        assert!(named_in(&Bytes::from_static(&[0; 40])).is_empty());
    }
}
