//! `examples/meridian`, embedded, so that the demonstration needs no files.

use std::{collections::BTreeMap, io};

use crate::config::Surroundings;

macro_rules! project {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../examples/meridian/", $path)))),*]
    };
}

/// The example's files, by path.
const FILES: &[(&str, &str)] = project![
    "authority/devnet.json",
    "bellwether.toml",
    "deployments/governance.toml",
    "deployments/market.toml",
    "deployments/oracle.toml",
    "deployments/reserves.toml",
    "deployments/token.toml",
    "deployments/vault.toml",
    "labels/exploiter.txt",
    "labels/staff.csv",
    "labels/treasury.txt",
    "monitors/access.toml",
    "monitors/chain.toml",
    "monitors/code.toml",
    "monitors/money.toml",
    "monitors/oracle.toml",
    "monitors/reputation.toml",
    "monitors/telemetry.toml",
    "networks/devnet.toml",
    "on-call.toml",
    "people.toml",
    "plans/blind.md",
    "plans/deployment.md",
    "plans/drain.md",
    "plans/keys.md",
    "plans/oracle.md",
    "policy.toml",
    "routes.toml",
    "tests/routes.toml",
    "threats/events.toml",
    "threats/governance.toml",
    "threats/infrastructure.toml",
    "threats/map.toml",
    "threats/on-chain.toml",
    "threats/people.toml",
];

/// Where the example's deployments say their ABIs lie.
const ARTIFACTS: &str = "../../contracts/artifacts/";

/// The example as surroundings of a configuration, with the variables that a shell would set.
#[derive(Debug, Clone, Default)]
pub struct EmbeddedProject {
    variables: BTreeMap<String, String>,
    replaced: Vec<(String, String)>,
}

impl EmbeddedProject {
    /// Sets a variable of the environment.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Says something else in place of a line of the files, such as another port.
    ///
    /// # Panics
    /// When no file has the line: the demonstration would silently run with other settings.
    #[must_use]
    pub fn with_line(mut self, line: &str, instead: impl Into<String>) -> Self {
        assert!(
            FILES.iter().any(|(_, text)| text.contains(line)),
            "examples/meridian has no line {line:?}"
        );
        self.replaced.push((line.to_owned(), instead.into()));
        self
    }

    fn text(&self, path: &str) -> Option<String> {
        let of_contract = path.strip_prefix(ARTIFACTS).and_then(|file| file.strip_suffix(".json"));
        if let Some(name) = of_contract {
            let artifact = evm::artifact::ALL.iter().find(|artifact| artifact.name == name)?;
            return Some(artifact.json.to_owned());
        }
        let (_, text) = FILES.iter().find(|(known, _)| *known == path)?;
        let replaced =
            |text: String, (line, instead): &(String, String)| text.replace(line, instead);
        Some(self.replaced.iter().fold((*text).to_owned(), replaced))
    }
}

impl Surroundings for EmbeddedProject {
    fn read(&self, path: &str) -> io::Result<String> {
        self.text(path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let inside =
            |path: &&str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        Ok(FILES.iter().map(|(path, _)| *path).filter(inside).map(str::to_owned).collect())
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
}
