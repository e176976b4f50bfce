//! A user's folder, written as a user would write it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A folder of TOML files that goes away with its test.
pub(crate) struct Project {
    folder: TempDir,
}

/// The key of every webhook's signature.
pub(crate) const WEBHOOK_KEY: &str = "integration-test-signing-key";

impl Project {
    /// A folder with nothing in it but `bellwether.toml`; the page listens wherever there is room.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Self { folder };
        project.write("bellwether.toml", "name = \"Test\"\nlisten = \"127.0.0.1:0\"\n");
        project.write("webhook.key", WEBHOOK_KEY);
        project
    }

    /// The deployments, labels, monitors, policy and runbooks of `examples/meridian`.
    pub(crate) fn meridian() -> Self {
        let project = Self::new();
        for part in ["authority", "deployments", "labels", "monitors", "plans"] {
            project.copy_of_meridian(part);
        }
        let policy = workspace().join("examples/meridian/policy.toml");
        project.write("policy.toml", &fs::read_to_string(policy).unwrap());
        project
    }

    /// The deployments of `examples/meridian`, for monitors of the test's own.
    pub(crate) fn meridian_contracts() -> Self {
        let project = Self::new();
        project.copy_of_meridian("deployments");
        project
    }

    fn copy_of_meridian(&self, part: &str) {
        let from = workspace().join("examples/meridian").join(part);
        for entry in fs::read_dir(&from).unwrap() {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            let artifacts = workspace().join("contracts/artifacts").display().to_string();
            let text = text.replace("../../contracts/artifacts", &artifacts);
            self.write(format!("{part}/{}", entry.file_name().to_str().unwrap()), &text);
        }
    }

    /// Writes a file, making its folders.
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) -> &Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// `networks/NAME.toml`: eager settings, followed by the endpoints.
    pub(crate) fn network(&self, name: &str, settings: &str, endpoints: &[Url<'_>]) -> &Self {
        let mut text = settings.to_owned();
        for (at, endpoint) in endpoints.iter().enumerate() {
            text.push_str(&format!("\n[[endpoint]]\nname = \"node-{at}\"\n"));
            text.push_str(&format!("url = \"{}\"\n", endpoint.http));
            if let Some(ws) = endpoint.ws {
                text.push_str(&format!("ws_url = \"{ws}\"\n"));
            }
        }
        self.write(format!("networks/{name}.toml"), &text)
    }

    /// `routes.toml`: everything goes to a webhook, confirmations too.
    pub(crate) fn tell(&self, webhook: &str) -> &Self {
        self.write("routes.toml", &routes_to(webhook))
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the program keeps its store.
    pub(crate) fn store(&self) -> PathBuf {
        self.path().join("bellwether.db")
    }
}

/// Where a node is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Url<'a> {
    pub(crate) http: &'a str,
    pub(crate) ws: Option<&'a str>,
}

/// Routes that send everything, confirmations too, to one webhook.
pub(crate) fn routes_to(webhook: &str) -> String {
    format!(
        r#"group_window = "15m"
update_interval = "1s"

[[receiver]]
name = "hook"
kind = "webhook"
url = "{webhook}"
secret = {{ file = "webhook.key" }}

[[route]]
name = "all"
severity = "info"
receivers = ["hook"]
confirmed_from = "info"
"#
    )
}

/// Settings of the devnet's network that make a test quick: blocks are final eight behind the head.
pub(crate) const DEVNET: &str = r#"chain_id = 31_338
finality = "finalized"
start = "block 1"
traces = "required"
poll_interval = "50ms"
finality_interval = "50ms"
retry_interval = "20ms"
"#;

/// The root of the repository.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
