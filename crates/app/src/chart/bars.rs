//! A bar for each week, and a line that they should stay below.

use super::{Palette, escape};

/// Room for the words below and above the bars.
const WORDS_PX: f64 = 16.0;
/// Of the width of a bar's place, what the bar takes.
const BAR_SHARE: f64 = 0.7;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it is of, below it.
    pub label: String,
    /// How high.
    pub value: u64,
    /// In a sentence, for who points at it.
    pub title: String,
}

/// Draws bars of a count; `limit` is the line that they should stay below, and what lies above it is
/// marked by a frame as well as by colour.
pub fn bars(
    title: &str,
    bars: &[Bar],
    limit: Option<u64>,
    (width_px, height_px): (u32, u32),
    palette: Palette,
) -> String {
    let (width, height) = (f64::from(width_px), f64::from(height_px));
    let most = bars.iter().map(|bar| bar.value).chain(limit).max().unwrap_or(0).max(1) as f64;
    let plot = height - 2.0 * WORDS_PX;
    let y_of = |value: u64| WORDS_PX + plot * (1.0 - value as f64 / most);
    let place = width / bars.len().max(1) as f64;
    let mut body = String::new();
    for (at, bar) in bars.iter().enumerate() {
        let (x, y) = ((at as f64 + (1.0 - BAR_SHARE) / 2.0) * place, y_of(bar.value));
        let is_over = limit.is_some_and(|limit| bar.value > limit);
        let (fill, frame) = match is_over {
            true => (palette.alarm(), format!(r#" stroke="{}" stroke-width="2""#, palette.text())),
            false => (palette.line(), String::new()),
        };
        body.push_str(&format!(
            r#"<g><title>{}</title><rect x="{x:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" fill="{fill}"{frame}/><text x="{:.1}" y="{:.1}" font-size="11" text-anchor="middle" fill="{}">{}</text><text x="{:.1}" y="{:.1}" font-size="11" text-anchor="middle" fill="{}">{}</text></g>"#,
            escape(&bar.title),
            place * BAR_SHARE,
            (height - WORDS_PX - y).max(0.0),
            x + place * BAR_SHARE / 2.0,
            y - 4.0,
            palette.text(),
            bar.value,
            x + place * BAR_SHARE / 2.0,
            height - 3.0,
            palette.text(),
            escape(&bar.label),
        ));
    }
    if let Some(limit) = limit {
        let y = y_of(limit);
        body.push_str(&format!(
            r#"<line x1="0" x2="{width}" y1="{y:.1}" y2="{y:.1}" stroke="{}" stroke-dasharray="5 3"/><text x="2" y="{:.1}" font-size="11" fill="{}">budget {limit}</text>"#,
            palette.text(),
            y - 3.0,
            palette.text(),
        ));
    }
    format!(
        r#"<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" style="direction:ltr" role="img" aria-label="{0}"><title>{0}</title>{body}</svg>"#,
        escape(title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_the_line_is_framed_and_nothing_is_drawn_outside() {
        let bar = |value| Bar { label: "w<1".into(), value, title: String::new() };
        let svg = bars("Too & much", &[bar(3), bar(9)], Some(5), (200, 100), Palette::Print);
        assert_eq!(svg.matches("stroke-width=\"2\"").count(), 1);
        assert!(
            svg.contains("Too &amp; much") && svg.contains("w&lt;1") && svg.contains("budget 5")
        );
        let empty = bars("Nothing", &[], None, (200, 100), Palette::Print);
        assert!(!empty.contains("NaN") && !empty.contains("inf"), "{empty}");
    }
}
