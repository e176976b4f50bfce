//! Who is on call when: a row a schedule, shifts as bars with their names in them, hatched where
//! nobody is on call, a dark foot where it is night for whoever is.

use model::UnixSeconds;

use super::{Palette, escape, scale::time_ticks};

/// Height of a row with the space below it.
const ROW_PX: f64 = 34.0;
const BAR_PX: f64 = 24.0;
/// Height of the mark of a night, at the foot of its bar.
const NIGHT_PX: f64 = 4.0;
/// Room for the rows' names.
const NAMES_PX: f64 = 140.0;
/// Room for the axis below.
const AXIS_PX: f64 = 18.0;
/// About this wide is a character of a label.
const CHARACTER_PX: f64 = 6.2;
/// A gap is never drawn thinner: a minute in two weeks must be seen.
const BAR_PX_MIN: f64 = 2.0;

/// A stretch of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotaBar {
    /// Begins.
    pub from: UnixSeconds,
    /// Ends.
    pub to: UnixSeconds,
    /// Who is on call; none: nobody.
    pub who: Option<String>,
    /// Whether somebody stepped in.
    pub is_override: bool,
    /// When it is night for them.
    pub nights: Vec<(UnixSeconds, UnixSeconds)>,
    /// All of it in words, shown on hover.
    pub title: String,
}

/// A row: one schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotaRow {
    /// What it is called.
    pub label: String,
    /// In order of time.
    pub bars: Vec<RotaBar>,
}

/// Draws rows over a stretch of time. `title` is the finding, and the text alternative.
pub fn rota(
    title: &str,
    rows: &[RotaRow],
    (from, to): (UnixSeconds, UnixSeconds),
    width_px: u32,
    palette: Palette,
) -> String {
    let width = f64::from(width_px);
    let height = rows.len() as f64 * ROW_PX + AXIS_PX;
    let scale = (width - NAMES_PX) / (to.seconds_since(from) as f64).max(1.0);
    let x_of = |at: UnixSeconds| NAMES_PX + at.seconds_since(from) as f64 * scale;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="strip" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{title}" font-family="inherit" font-size="11"><title>{title}</title><defs><pattern id="rota-gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" x2="0" y1="0" y2="6" stroke="{gap}" stroke-width="3"/></pattern></defs>"#,
        title = escape(title),
        gap = palette.alarm(),
    );
    for (at, label) in time_ticks(from, to, 15) {
        let x = x_of(at);
        svg.push_str(&format!(
            r#"<line x1="{x:.1}" x2="{x:.1}" y1="0" y2="{:.1}" stroke="{}"/><text x="{x:.1}" y="{:.1}" text-anchor="middle" fill="{}">{label}</text>"#,
            height - AXIS_PX,
            palette.hairline(),
            height - 4.0,
            palette.text(),
        ));
    }
    for (at, row) in rows.iter().enumerate() {
        let y = at as f64 * ROW_PX + 2.0;
        svg.push_str(&format!(
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end" fill="{}">{}</text>"#,
            NAMES_PX - 8.0,
            y + BAR_PX / 2.0 + 4.0,
            palette.line(),
            escape(&row.label)
        ));
        // Gaps last: they must not vanish beside a long shift.
        let covered = row.bars.iter().filter(|bar| bar.who.is_some());
        let gaps = row.bars.iter().filter(|bar| bar.who.is_none());
        for bar in covered.chain(gaps) {
            let (begin, end) = (bar.from.max(from), bar.to.min(to));
            let bar_px = ((x_of(end) - x_of(begin)) - 1.0).max(BAR_PX_MIN);
            let x = x_of(begin).min(width - bar_px);
            let (fill, edge) = match &bar.who {
                Some(_) => (palette.band(), palette.unknown()),
                None => ("url(#rota-gap)", palette.alarm()),
            };
            let dashes = if bar.is_override { r#" stroke-dasharray="3 2""# } else { "" };
            svg.push_str(&format!(
                r#"<g><title>{}</title><rect x="{x:.1}" y="{y:.1}" width="{bar_px:.1}" height="{BAR_PX}" fill="{fill}" stroke="{edge}"{dashes}/>"#,
                escape(&bar.title)
            ));
            for (night, morning) in &bar.nights {
                let (a, b) = (x_of((*night).max(begin)), x_of((*morning).min(end)));
                if b > a {
                    svg.push_str(&format!(
                        r#"<rect x="{a:.1}" y="{:.1}" width="{:.1}" height="{NIGHT_PX}" fill="{}"/>"#,
                        y + BAR_PX - NIGHT_PX,
                        b - a,
                        palette.text()
                    ));
                }
            }
            let label = bar.who.as_deref().unwrap_or("nobody");
            if label.chars().count() as f64 * CHARACTER_PX + 8.0 <= bar_px && bar.who.is_some() {
                svg.push_str(&format!(
                    r#"<text x="{:.1}" y="{:.1}" fill="{}">{}</text>"#,
                    x + 5.0,
                    y + BAR_PX / 2.0 + 2.5,
                    palette.line(),
                    escape(label)
                ));
            }
            svg.push_str("</g>");
        }
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_without_anybody_is_seen_in_two_weeks_and_names_are_escaped() {
        let day = |n: u64| UnixSeconds(n * 86_400);
        let bar = |from, to, who: Option<&str>| RotaBar {
            from,
            to,
            who: who.map(str::to_owned),
            is_override: false,
            nights: Vec::new(),
            title: "a <b>".to_owned(),
        };
        let gap_end = UnixSeconds(day(7).0 + 60);
        let rows = [RotaRow {
            label: "<i>primary".to_owned(),
            bars: vec![
                bar(day(0), day(7), Some("ann")),
                bar(day(7), gap_end, None),
                bar(gap_end, day(14), Some("bob")),
            ],
        }];
        let svg = rota("t", &rows, (day(0), day(14)), 900, Palette::Print);
        assert!(svg.contains(r#"width="2.0" height="24" fill="url(#rota-gap)""#), "{svg}");
        assert!(svg.contains(">ann</text>") && svg.contains("a &lt;b&gt;"));
        assert!(!svg.contains("<i>primary"));
    }

    #[test]
    fn a_label_that_does_not_fit_is_left_to_the_hover() {
        let bar = RotaBar {
            from: UnixSeconds(0),
            to: UnixSeconds(3_600),
            who: Some("a-long-name".to_owned()),
            is_override: true,
            nights: vec![(UnixSeconds(0), UnixSeconds(9_000))],
            title: "a-long-name, one hour".to_owned(),
        };
        let rows = [RotaRow { label: "primary".to_owned(), bars: vec![bar] }];
        let span = (UnixSeconds(0), UnixSeconds(14 * 86_400));
        let svg = rota("t", &rows, span, 900, Palette::Print);
        assert!(!svg.contains(">a-long-name</text>"));
        assert!(svg.contains("<title>a-long-name, one hour</title>"));
        assert!(svg.contains("stroke-dasharray"), "somebody stepped in");
    }
}
