//! A lint's report as people and programs read it: on the terminal like a good compiler's, as JSON,
//! and as SARIF for code review and CI.

pub mod coverage; // the table of functions and their events
pub mod files; // what is given to judge
mod json; //     one object, for scripts
mod sarif; //    SARIF 2.1.0, for code review and CI
mod terminal; // for a person

pub use json::json;
pub use sarif::sarif;
pub use terminal::text;

/// `1 error`, `2 errors`.
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests;
