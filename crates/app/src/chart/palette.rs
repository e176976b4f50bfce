//! Where a chart's colours come from.

/// The roles colours play in a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// The page's own tokens (CSS custom properties), which follow light and dark.
    Page,
    /// Written-out colours on white, for mail and print.
    Print,
}

impl Palette {
    /// The line of the series.
    pub fn line(self) -> &'static str {
        self.pick("var(--ink)", "#1d2430")
    }

    /// The usual range.
    pub fn band(self) -> &'static str {
        self.pick("var(--band)", "#dfe6f1")
    }

    /// Axis text and direct labels.
    pub fn text(self) -> &'static str {
        self.pick("var(--muted)", "#5b6472")
    }

    /// Hairlines.
    pub fn hairline(self) -> &'static str {
        self.pick("var(--line)", "#d8dce3")
    }

    /// What was unusual.
    pub fn alarm(self) -> &'static str {
        self.pick("var(--critical)", "#b3261e")
    }

    /// Hatching where nothing is known.
    pub fn unknown(self) -> &'static str {
        self.pick("var(--unknown)", "#a8adb7")
    }

    fn pick(self, page: &'static str, print: &'static str) -> &'static str {
        match self {
            Self::Page => page,
            Self::Print => print,
        }
    }
}
