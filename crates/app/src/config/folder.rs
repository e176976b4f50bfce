//! The one place that reads the user's files and environment.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Mistake,
    mistake::{Mistakes, SourceFile},
};

/// Largest file that is read; an ABI of a large protocol is some 500 KB.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What configuration may ask of the world around it. Tests give their own.
pub trait Surroundings {
    /// The text of a file, by its path relative to the folder.
    fn read(&self, path: &str) -> io::Result<String>;
    /// The paths of the files directly in a folder (`"networks"`), sorted; empty when there is none.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// Where programs of the folder run.
    fn place(&self) -> PathBuf {
        PathBuf::from(".")
    }
}

/// A folder on disk.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder that holds `bellwether.toml`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Surroundings for Folder {
    fn place(&self) -> PathBuf {
        self.root.clone()
    }

    fn read(&self, path: &str) -> io::Result<String> {
        let path = self.root.join(path);
        let length = fs::metadata(&path)?.len();
        if length > FILE_BYTES_MAX {
            return Err(io::Error::other(format!("larger than {FILE_BYTES_MAX} bytes")));
        }
        fs::read_to_string(path)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let entry = entry?;
            let is_file = entry.path().is_file();
            if let (true, Some(name)) = (is_file, entry.file_name().to_str()) {
                paths.push(format!("{folder}/{name}"));
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// The `.toml` files of the user's folder, by what they declare.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) main: SourceFile,
    pub(super) networks: Vec<SourceFile>,
    pub(super) deployments: Vec<SourceFile>,
    pub(super) monitors: Vec<SourceFile>,
    pub(super) routes: Option<SourceFile>,
    pub(super) people: Option<SourceFile>,
    pub(super) on_call: Option<SourceFile>,
    pub(super) expectations: Option<SourceFile>,
    pub(super) lints: Option<SourceFile>,
    pub(super) answers: Option<SourceFile>,
    pub(super) outside: Option<SourceFile>,
    pub(super) sources: Option<SourceFile>,
    pub(super) public: Option<SourceFile>,
    pub(super) labels: Vec<SourceFile>,
    pub(super) policy: Option<SourceFile>,
    pub(super) scans: Vec<SourceFile>,
    pub(super) gaps: Vec<SourceFile>,
    pub(super) threats: Vec<SourceFile>,
    pub(super) paths: Vec<SourceFile>,
    pub(super) dependencies: Vec<SourceFile>,
    /// Paths of the files of `plans/`.
    pub(super) plans: Vec<String>,
}

impl Files {
    /// Reads them all; what cannot be read is a mistake, and all such are reported at once.
    pub(super) fn read(around: &dyn Surroundings) -> Result<Self, Mistakes> {
        let mut mistakes = Vec::new();
        let mut read = |path: &str| match around.read(path) {
            Ok(text) => Some(SourceFile { path: path.to_owned(), text }),
            Err(error) => {
                let mistake = Mistake::in_file(path, format!("cannot be read: {error}"));
                mistakes.push(if path == "bellwether.toml" {
                    mistake.with_help("`bellwether init` writes a folder to start from")
                } else {
                    mistake
                });
                None
            }
        };
        let main = read("bellwether.toml");
        let mut folder = |name: &str, ending: &str| -> Vec<SourceFile> {
            let paths = around.list(name).unwrap_or_default();
            paths.iter().filter(|p| p.ends_with(ending)).filter_map(|p| read(p)).collect()
        };
        let networks = folder("networks", ".toml");
        let deployments = folder("deployments", ".toml");
        let monitors = folder("monitors", ".toml");
        let mut labels = folder("labels", ".csv");
        labels.extend(folder("labels", ".txt"));
        labels.extend(folder("labels", ".json"));
        let scans = folder("authority", ".json");
        let gaps = folder("gaps", ".toml");
        let threats = folder("threats", ".toml");
        let paths = folder("paths", ".toml");
        let dependencies = folder("dependencies", ".toml");
        let plans = around.list("plans").unwrap_or_default();
        let mut optional = |path: &str| match around.read(path) {
            Ok(text) => Some(SourceFile { path: path.into(), text }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                mistakes.push(Mistake::in_file(path, format!("cannot be read: {error}")));
                None
            }
        };
        let routes = optional("routes.toml");
        let people = optional("people.toml");
        let on_call = optional("on-call.toml");
        let expectations = optional("tests/routes.toml");
        let lints = optional("lints.toml");
        let answers = optional("answers.toml");
        let outside = optional("outside.toml");
        let sources = optional("sources.toml");
        let public = optional("public.toml");
        let policy = optional("policy.toml");
        match main {
            Some(main) if mistakes.is_empty() => Ok(Self {
                main,
                networks,
                deployments,
                monitors,
                routes,
                people,
                on_call,
                expectations,
                lints,
                answers,
                outside,
                sources,
                public,
                labels,
                policy,
                scans,
                gaps,
                threats,
                paths,
                dependencies,
                plans,
            }),
            _ => Err(Mistakes(mistakes)),
        }
    }
}

/// The file's name without folder and ending: what its content is called by default.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split_once('.').map_or(name, |(stem, _)| stem)
}
