//! Real servers, as `cargo xtask services up` installed them.

use std::path::PathBuf;

/// The folder of the installed servers. Without it the test says that it is skipped and why.
pub(crate) fn installed(for_what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("BELLWETHER_SERVICES").map(PathBuf::from);
    if folder.is_none() {
        println!(
            "skipped: {for_what} needs BELLWETHER_SERVICES, the folder that `cargo xtask services up` fills"
        );
    }
    folder
}
