//! Who is on call when: a block a schedule, in it a lane a person with their shifts as bars, a dark
//! foot where it is night for them, and hatched across all lanes where nobody is on call.
//!
//! Lanes, not names in the bars: a rota that follows the sun changes hands three times a day, and in a
//! map of two weeks no name fits into eight hours.

use model::UnixSeconds;

use super::{Palette, escape, scale::time_ticks};

/// Height of the line that names a schedule.
const HEAD_PX: f64 = 20.0;
/// Height of a person's lane with the space below it.
const LANE_PX: f64 = 20.0;
const BAR_PX: f64 = 16.0;
/// Height of the mark of a night, at the foot of its bar.
const NIGHT_PX: f64 = 4.0;
/// Space below a schedule.
const GAP_PX: f64 = 6.0;
/// Room for the people's names.
const NAMES_PX: f64 = 140.0;
/// Room for the axis below.
const AXIS_PX: f64 = 18.0;
/// Half of the widest date below the axis: one at the edge moves in rather than being cut.
const DATE_PX_HALF: f64 = 19.0;
/// A stretch is never drawn thinner: a minute in two weeks must be seen.
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

impl RotaRow {
    /// Who has a shift, in the order of their first one.
    fn people(&self) -> Vec<&str> {
        let mut people: Vec<&str> = Vec::new();
        for who in self.bars.iter().filter_map(|bar| bar.who.as_deref()) {
            if !people.contains(&who) {
                people.push(who);
            }
        }
        people
    }

    /// Height of its lanes; an empty schedule has one, for its gap.
    fn lanes_px(&self) -> f64 {
        self.people().len().max(1) as f64 * LANE_PX
    }
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
    let rows_px: f64 = rows.iter().map(|row| HEAD_PX + row.lanes_px() + GAP_PX).sum();
    let height = rows_px + AXIS_PX;
    let scale = (width - NAMES_PX) / (to.seconds_since(from) as f64).max(1.0);
    let x_of = |at: UnixSeconds| NAMES_PX + at.seconds_since(from) as f64 * scale;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="strip" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{title}" font-family="inherit" font-size="11"><title>{title}</title><defs><pattern id="rota-gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" x2="0" y1="0" y2="6" stroke="{gap}" stroke-width="3"/></pattern></defs>"#,
        title = escape(title),
        gap = palette.alarm(),
    );
    for (at, label) in time_ticks(from, to, 15) {
        let x = x_of(at);
        let date_x = x.min(width - DATE_PX_HALF);
        svg.push_str(&format!(
            r#"<line x1="{x:.1}" x2="{x:.1}" y1="0" y2="{:.1}" stroke="{}"/><text x="{date_x:.1}" y="{:.1}" text-anchor="middle" fill="{}">{label}</text>"#,
            height - AXIS_PX,
            palette.hairline(),
            height - 4.0,
            palette.text(),
        ));
    }
    let mut top = 0.0;
    for row in rows {
        svg.push_str(&format!(
            r#"<text x="0" y="{:.1}" font-weight="600" fill="{}">{}</text>"#,
            top + 13.0,
            palette.line(),
            escape(&row.label)
        ));
        top += HEAD_PX;
        let people = row.people();
        for (lane, who) in people.iter().enumerate() {
            svg.push_str(&format!(
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end" fill="{}">{}</text>"#,
                NAMES_PX - 8.0,
                top + lane as f64 * LANE_PX + BAR_PX - 4.0,
                palette.line(),
                escape(who)
            ));
        }
        // Gaps last: they must not vanish beside a long shift.
        let covered = row.bars.iter().filter(|bar| bar.who.is_some());
        let gaps = row.bars.iter().filter(|bar| bar.who.is_none());
        for bar in covered.chain(gaps) {
            let (begin, end) = (bar.from.max(from), bar.to.min(to));
            let bar_px = ((x_of(end) - x_of(begin)) - 1.0).max(BAR_PX_MIN);
            let x = x_of(begin).min(width - bar_px);
            let lane = people.iter().position(|who| bar.who.as_deref() == Some(*who));
            let (y, tall, fill, edge) = match lane {
                Some(lane) => {
                    (top + lane as f64 * LANE_PX, BAR_PX, palette.band(), palette.unknown())
                }
                None => {
                    (top, row.lanes_px() - (LANE_PX - BAR_PX), "url(#rota-gap)", palette.alarm())
                }
            };
            let dashes = if bar.is_override { r#" stroke-dasharray="3 2""# } else { "" };
            svg.push_str(&format!(
                r#"<g><title>{}</title><rect x="{x:.1}" y="{y:.1}" width="{bar_px:.1}" height="{tall:.0}" fill="{fill}" stroke="{edge}"{dashes}/>"#,
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
            svg.push_str("</g>");
        }
        top += row.lanes_px() + GAP_PX;
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(from: u64, to: u64, who: Option<&str>) -> RotaBar {
        RotaBar {
            from: UnixSeconds(from),
            to: UnixSeconds(to),
            who: who.map(str::to_owned),
            is_override: false,
            nights: Vec::new(),
            title: "a <b>".to_owned(),
        }
    }

    const DAY: u64 = 86_400;

    #[test]
    fn a_minute_without_anybody_is_seen_in_two_weeks_across_all_lanes_and_names_are_escaped() {
        let gap_end = 7 * DAY + 60;
        let rows = [RotaRow {
            label: "<i>primary".to_owned(),
            bars: vec![
                bar(0, 7 * DAY, Some("ann")),
                bar(7 * DAY, gap_end, None),
                bar(gap_end, 14 * DAY, Some("bob<")),
            ],
        }];
        let svg = rota("t", &rows, (UnixSeconds(0), UnixSeconds(14 * DAY)), 900, Palette::Print);
        assert!(svg.contains(r#"width="2.0" height="36" fill="url(#rota-gap)""#), "{svg}");
        assert!(svg.contains(">ann</text>") && svg.contains(">bob&lt;</text>"));
        assert!(svg.contains("a &lt;b&gt;") && !svg.contains("<i>primary"));
        let last_date = r#"<text x="881.0" y="80.0" text-anchor="middle""#;
        assert!(svg.contains(last_date), "the last date is not cut: {svg}");
    }

    #[test]
    fn whoever_has_many_short_shifts_has_one_lane_with_one_name() {
        let thirds = (0..42u64).map(|third| {
            let who = ["ann", "bob", "cy"][usize::try_from(third % 3).unwrap()];
            bar(third * 28_800, (third + 1) * 28_800, Some(who))
        });
        let mut bars: Vec<RotaBar> = thirds.collect();
        bars[4].is_override = true;
        bars[4].nights = vec![(UnixSeconds(4 * 28_800), UnixSeconds(9 * 28_800))];
        let rows = [RotaRow { label: "primary".to_owned(), bars }];
        let span = (UnixSeconds(0), UnixSeconds(14 * DAY));
        let svg = rota("t", &rows, span, 900, Palette::Print);
        for name in ["ann", "bob", "cy"] {
            assert_eq!(svg.matches(&format!(">{name}</text>")).count(), 1, "{name}");
        }
        assert_eq!(svg.matches(r#"height="16""#).count(), 42, "every shift is drawn");
        assert_eq!(svg.matches("stroke-dasharray").count(), 1, "somebody stepped in");
        assert_eq!(svg.matches(r#"height="4""#).count(), 1, "a night is marked within its shift");
    }
}
