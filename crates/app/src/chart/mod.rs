//! Charts as SVG, drawn by ourselves so that a page, a mail and a report show the same picture.
//!
//! A chart here is a finding drawn: its title is a sentence, the usual range is a shaded band, what
//! was unusual is marked, and a time without data is hatched grey, never a line at zero. Colours
//! come from the page's tokens ([`Palette::Page`]) or are written out ([`Palette::Print`]) where no
//! style sheet reaches; everything is told by shape and word as well, so that it prints in black
//! and white.

mod bars; //    a bar for each week
mod line; //    a series over time with its band
mod palette; // where colours come from
mod rota; //  who is on call when
mod scale; //   numbers to pixels, and the ticks people read
mod spark;
mod strip; //   ranges over blocks //   a word-sized line for tables

pub use bars::{Bar, bars};
pub use line::{BandPoint, LineChart, Marker, Point, Row};
pub use palette::Palette;
pub use rota::{RotaBar, RotaRow, rota};
pub use scale::{format_si, time_ticks, value_ticks};
pub use spark::sparkline;
pub use strip::{StripRow, strip};

/// Escapes text for XML content and attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
