//! Where the blocks of a test come from.

use std::path::PathBuf;

use bellwether_chain::{Prove, RawBlock, Refusal, assemble, recorded::Recording};
use model::{BlockBundle, Name};

/// The corpus of recorded blocks, or `None` (said on the test's output) on a machine without it.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("BELLWETHER_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: BELLWETHER_CORPUS is not set");
    }
    folder
}

/// A recording inside the corpus.
pub(crate) fn recording(folder: &str) -> Option<Recording> {
    Some(Recording::open(&corpus()?.join(folder)).expect("the corpus is readable"))
}

/// Assembles under throw-away names.
pub(crate) fn assembled(raw: RawBlock<'_>, prove: &Prove) -> Result<BlockBundle, Refusal> {
    let name = |text| Name::new(text).expect("a slug");
    assemble(&name("mainnet"), &name("disk"), raw, prove)
}
