//! The same alerts through our pager, on a virtual clock, and through the real Alertmanager
//! (Debian's), in real time: who hears of what, and together with what.
//!
//! Times are compared as order and membership. Where the two differ on purpose (see the pager's own
//! documentation) a test shows the difference.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]

mod differences; // on purpose, each by name
mod groups; //      what belongs together, what is hidden
mod matchers; //    whom a matcher takes
mod ours; //        the pager, fed and listened to
mod server; //      Alertmanager, fed and listened to

use std::path::PathBuf;

/// An installed program, or `None` with a word about it.
fn program(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("BELLWETHER_SERVICES").map(PathBuf::from);
    let program = folder.map(|folder| folder.join("bin").join(name)).filter(|path| path.exists());
    if program.is_none() {
        eprintln!("skipped: {name} is not installed (`cargo xtask services up`)");
    }
    program
}

/// A draw of a strategy, the same in every run.
fn draw<S: proptest::strategy::Strategy>(
    runner: &mut proptest::test_runner::TestRunner,
    strategy: &S,
) -> S::Value {
    use proptest::strategy::ValueTree as _;
    strategy.new_tree(runner).unwrap().current()
}
