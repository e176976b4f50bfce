//! The forms interfaces come in: ABI arrays, artefacts of Foundry, Hardhat and Truffle, build
//! information, lists of signatures, Solidity, bytecode.
//!
//! All functions take text and give surfaces; what cannot be read is left out by name, with the
//! reason. Finding the files is the caller's affair.

mod code; //     bytecode without a name
mod json; //     everything that is JSON
mod lexer; //    words and signs of Solidity
mod solidity; // declarations of Solidity
mod types; //    canonical types

use super::{Infrastructure, Surface};
use crate::lint::{LeftOut, Place};

pub use solidity::{Declared, Scope};

pub(in crate::lint) use code::{entries, from_hex as code_from_hex};
pub(in crate::lint) use json::{name_of, read_value};

/// A file to read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its path, as the user would type it.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What a file turned out to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// At least one interface.
    Read,
    /// Nothing of the kind: JSON of another shape, a text without declarations.
    NotAnInterface,
}

impl Source<'_> {
    /// The file's name without folder and ending: what it is called when it does not say.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit(['/', '\\']).next().unwrap_or(self.path);
        name.split_once('.').map_or(name, |(stem, _)| stem)
    }

    fn ending(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, ending)| ending)
    }

    /// Whether this is Solidity, which has to be read with [`read_solidity`] because its types may
    /// be declared in another file.
    pub fn is_solidity(&self) -> bool {
        self.ending() == "sol"
    }
}

/// Reads one file that is not Solidity, adding what it holds.
///
/// # Errors
/// What is wrong with a file that should hold an interface, judged by its ending, and cannot be
/// read at all.
pub fn read(source: Source<'_>, into: &mut Infrastructure) -> Result<Reading, String> {
    match source.ending() {
        "bin" | "hex" => {
            let code = code::from_hex(source.text)?;
            let surface = code::surface(source.stem(), source.path, &code);
            into.surfaces.push(surface);
            Ok(Reading::Read)
        }
        "json" => json::read(source, into),
        _ => {
            let text = source.text.trim_start();
            if text.starts_with(['[', '{']) {
                return json::read(source, into);
            }
            let lines = text.lines().enumerate().map(|(at, line)| (line, Some(at as u32 + 1)));
            let before = source.text.len() - text.len();
            let skipped = source.text[..before].matches('\n').count() as u32;
            let lines = lines.map(|(line, at)| (line, at.map(|at| at + skipped)));
            let mut surface = list(source, lines, into);
            surface.name = source.stem().to_owned();
            keep(surface, into)
        }
    }
}

/// Reads Solidity files together: a type that one declares may be used in another.
pub fn read_solidity(sources: &[Source<'_>], into: &mut Infrastructure) {
    let declared: Vec<(Source<'_>, Declared)> =
        sources.iter().map(|source| (*source, Declared::read(source.text))).collect();
    let scope = Scope::of(declared.iter().map(|(_, declared)| declared));
    for (source, declared) in &declared {
        declared.surfaces(source.path, &scope, into);
    }
}

fn keep(surface: Surface, into: &mut Infrastructure) -> Result<Reading, String> {
    if surface.is_empty() {
        return Ok(Reading::NotAnInterface);
    }
    into.surfaces.push(surface);
    Ok(Reading::Read)
}

/// Signatures or human-readable ABI items, one a line.
fn list<'t>(
    source: Source<'_>,
    lines: impl Iterator<Item = (&'t str, Option<u32>)>,
    into: &mut Infrastructure,
) -> Surface {
    let mut surface = Surface {
        name: source.stem().to_owned(),
        file: source.path.to_owned(),
        ..Surface::default()
    };
    let scope = Scope::default();
    for (line, at) in lines {
        if let Err(reason) = solidity::item(line, at, &scope, &mut surface) {
            let place = Place { line: at, ..Place::file(source.path) };
            into.left_out.push(LeftOut { place, reason });
        }
    }
    surface
}
