//! Ranges over a stretch of blocks: one row a monitor, filled where it judged, hatched where nothing
//! is known.

use super::{Palette, escape};

/// Height of a row with the space below it.
const ROW_PX: f64 = 16.0;
const BAR_PX: f64 = 10.0;
/// Room for the rows' names.
const NAMES_PX: f64 = 180.0;
/// Room for the axis below.
const AXIS_PX: f64 = 16.0;
/// A range is never drawn thinner: one block of a million must be seen.
const PART_PX_MIN: f64 = 1.5;

/// One row of a strip chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripRow {
    /// What it is called.
    pub label: String,
    /// First and last block of each part, and whether it was judged. What no part covers is not
    /// drawn: it was not to be judged.
    pub parts: Vec<(u64, u64, bool)>,
}

/// Draws rows over the blocks `first..=last`.
pub fn strip(
    rows: &[StripRow],
    (first, last): (u64, u64),
    width_px: u32,
    palette: Palette,
) -> String {
    let width = f64::from(width_px);
    let height = rows.len() as f64 * ROW_PX + AXIS_PX;
    let blocks = (last.saturating_sub(first) as f64 + 1.0).max(1.0);
    let scale = (width - NAMES_PX) / blocks;
    let x_of = |block: u64| NAMES_PX + block.saturating_sub(first) as f64 * scale;
    let mut body = String::new();
    for (at, row) in rows.iter().enumerate() {
        let y = at as f64 * ROW_PX;
        body.push_str(&format!(
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end" fill="{}">{}</text>"#,
            NAMES_PX - 8.0,
            y + BAR_PX - 1.0,
            palette.text(),
            escape(&row.label)
        ));
        // Holes last: they must not vanish under what was judged.
        let ordered = row.parts.iter().filter(|part| part.2);
        let ordered = ordered.chain(row.parts.iter().filter(|part| !part.2));
        for &(from, to, is_judged) in ordered {
            let part_px = ((to.min(last).saturating_sub(from) as f64) + 1.0) * scale;
            let part_px = part_px.max(PART_PX_MIN);
            // The newest block is at the edge, and must not be drawn beyond it.
            let x = x_of(from.max(first)).min(width - part_px);
            let fill = if is_judged { palette.band() } else { "url(#strip-hole)" };
            let what = if is_judged { "judged" } else { "not judged" };
            body.push_str(&format!(
                r#"<rect x="{x:.1}" y="{y:.1}" width="{:.1}" height="{BAR_PX}" fill="{fill}"><title>{}: blocks {from}–{to} {what}</title></rect>"#,
                part_px,
                escape(&row.label)
            ));
        }
    }
    let axis_y = height - 4.0;
    format!(
        concat!(
            r#"<svg class="strip" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="Blocks judged, by monitor" font-size="11">"#,
            r#"<defs><pattern id="strip-hole" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2.5" height="5" fill="{hole}"/></pattern></defs>"#,
            r#"{body}<text x="{left}" y="{axis_y}" fill="{text}">{first}</text>"#,
            r#"<text x="{width}" y="{axis_y}" text-anchor="end" fill="{text}">{last}</text></svg>"#
        ),
        width = width,
        height = height,
        hole = palette.alarm(),
        body = body,
        left = NAMES_PX,
        axis_y = axis_y,
        text = palette.text(),
        first = first,
        last = last,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_block_in_a_million_is_still_seen_and_names_are_escaped() {
        let rows = [StripRow {
            label: "<b>late".to_owned(),
            parts: vec![(1, 999_999, true), (500_000, 500_000, false)],
        }];
        let svg = strip(&rows, (1, 1_000_000), 900, Palette::Print);
        assert!(svg.contains("&lt;b&gt;late: blocks 500000–500000 not judged"));
        assert!(svg.contains(r#"width="1.5""#), "{svg}");
        assert!(!svg.contains("<b>late"));
        let newest =
            [StripRow { label: "late".to_owned(), parts: vec![(1_000_000, 1_000_000, false)] }];
        let svg = strip(&newest, (1, 1_000_000), 900, Palette::Print);
        assert!(svg.contains(r#"x="898.5""#), "inside the picture: {svg}");
    }
}
