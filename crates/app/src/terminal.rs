//! Speaking to the person at the terminal.
//!
//! Standard output carries what was asked for, standard error carries how it goes. A closed pipe
//! (`| head`) is no error worth a panic.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write as _},
};

/// One line on standard output.
pub fn print_line(line: &dyn Display) {
    // The reader has gone away: there is nobody left to tell.
    let _gone = writeln!(io::stdout(), "{line}");
}

/// One line on standard error.
pub fn note(line: &dyn Display) {
    let _gone = writeln!(io::stderr(), "{line}");
}

/// A line that replaces itself while long work goes on; silent when nobody watches.
#[derive(Debug)]
pub struct Progress {
    is_shown: bool,
    is_dirty: bool,
}

impl Progress {
    /// Shown only on a terminal.
    pub fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal(), is_dirty: false }
    }

    /// Shows the line in place of the one before.
    pub fn show(&mut self, line: &dyn Display) {
        if self.is_shown {
            let _gone = write!(io::stderr(), "\r\x1b[2K{line}");
            let _gone = io::stderr().flush();
            self.is_dirty = true;
        }
    }

    /// Removes the line, so that what follows starts clean.
    pub fn clear(&mut self) {
        if self.is_dirty {
            let _gone = write!(io::stderr(), "\r\x1b[2K");
            let _gone = io::stderr().flush();
            self.is_dirty = false;
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// ANSI styles, used only on a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    is_on: bool,
}

impl Style {
    /// For standard output.
    pub fn stdout() -> Self {
        Self { is_on: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// Never, as in a file.
    pub fn none() -> Self {
        Self { is_on: false }
    }

    /// Important.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Beside the point.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Wrong.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// Right.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Worth a look.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.is_on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
