//! A folder as it would be with further files in it.

use std::{collections::BTreeMap, io};

use crate::config::{Folder, Surroundings};

/// Files that are there, and over nothing of them, files that are to come.
#[derive(Debug)]
pub struct Overlay<'a> {
    folder: Folder,
    files: BTreeMap<&'a str, &'a str>,
}

impl<'a> Overlay<'a> {
    /// The folder with these files, which never replace one that is there.
    pub fn new(folder: Folder, files: &'a [(String, String)]) -> Self {
        let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        Self { folder, files }
    }
}

impl Surroundings for Overlay<'_> {
    fn read(&self, path: &str) -> io::Result<String> {
        match (self.folder.read(path), self.files.get(path)) {
            (Err(error), Some(text)) if error.kind() == io::ErrorKind::NotFound => {
                Ok((*text).to_owned())
            }
            (read, _) => read,
        }
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut paths = self.folder.list(folder)?;
        for path in self.files.keys() {
            let is_inside = path
                .strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
                .is_some_and(|name| !name.contains('/'));
            if is_inside && !paths.iter().any(|known| known == path) {
                paths.push((*path).to_owned());
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.folder.variable(name)
    }
}
