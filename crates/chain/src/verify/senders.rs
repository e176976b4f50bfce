//! Senders from signatures: by far the dearest thing to prove about a block, and on the way of every
//! alert, so the cores share it.

use std::{sync::LazyLock, thread};

use alloy_primitives::{Address, B256, Signature, keccak256};
use secp256k1::{
    Message, Secp256k1, VerifyOnly,
    ecdsa::{RecoverableSignature, RecoveryId},
};

use super::Refusal;

/// What a transaction's sender signed, and who is said to have done so.
pub(super) struct SignedHash {
    pub(super) index: usize,
    pub(super) hash: B256,
    pub(super) signature: Signature,
    pub(super) stated: Address,
}

/// Fewest signatures that are worth a thread: they take some twenty times as long as starting it.
const PER_THREAD_MIN: usize = 16;

/// Most threads for one block. While catching up, blocks are proven side by side, and a machine
/// with many cores is busy without this.
const THREADS_MAX: usize = 8;

/// Tables of multiples, made once.
static CURVE: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

static CORES: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));

/// Recovers all senders. Refuses for the first transaction whose sender is another than stated.
pub(super) fn check(signed: &[SignedHash]) -> Result<(), Refusal> {
    let threads = (signed.len() / PER_THREAD_MIN).min(*CORES).clamp(1, THREADS_MAX);
    if threads == 1 {
        return check_all(signed);
    }
    thread::scope(|scope| {
        let (own, rest) = signed.split_at(signed.len().div_ceil(threads));
        let others: Vec<_> = rest
            .chunks(own.len())
            .map(|share| {
                let thread = thread::Builder::new().name("senders".to_owned());
                (share, thread.spawn_scoped(scope, move || check_all(share)))
            })
            .collect();
        let mut outcome = check_all(own);
        for (share, thread) in others {
            outcome = outcome.and(match thread {
                Ok(thread) => {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                }
                // The system has no thread to spare.
                Err(_) => check_all(share),
            });
        }
        outcome
    })
}

fn check_all(signed: &[SignedHash]) -> Result<(), Refusal> {
    signed.iter().try_for_each(|one| {
        let (index, stated) = (one.index, one.stated);
        let recovered = recover(one).ok_or(Refusal::Signature { index })?;
        if recovered == stated { Ok(()) } else { Err(Refusal::Sender { index, recovered, stated }) }
    })
}

/// Signatures before Homestead may have a high `s`, so it is taken as it is: the header vouches for
/// it.
fn recover(signed: &SignedHash) -> Option<Address> {
    let parity = if signed.signature.v() { RecoveryId::One } else { RecoveryId::Zero };
    let compact =
        [signed.signature.r().to_be_bytes::<32>(), signed.signature.s().to_be_bytes::<32>()];
    let signature = RecoverableSignature::from_compact(compact.as_flattened(), parity).ok()?;
    let key = CURVE.recover_ecdsa(Message::from_digest(signed.hash.0), &signature).ok()?;
    // The first byte says that the point is uncompressed.
    let point = &key.serialize_uncompressed()[1..];
    Some(Address::from_slice(&keccak256(point)[12..]))
}
