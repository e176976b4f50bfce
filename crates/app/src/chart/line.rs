//! A series over time: line, usual range as a shaded band, markers, hatching where data is missing.

use model::UnixSeconds;

use super::{
    Palette, escape, format_si,
    scale::{Scale, time_ticks, value_ticks},
};

/// One measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub at: UnixSeconds,
    /// Value in the chart's unit.
    pub value: f64,
}

/// The usual range at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandPoint {
    /// When.
    pub at: UnixSeconds,
    /// Lowest usual value.
    pub low: f64,
    /// Highest usual value.
    pub high: f64,
}

/// A line of the table behind a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// When.
    pub at: UnixSeconds,
    /// Value in the chart's unit.
    pub value: f64,
    /// The usual range of that moment.
    pub usual: Option<BandPoint>,
}

/// Something that happened: an alert, an upgrade, a change of threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// When.
    pub at: UnixSeconds,
    /// In a few words.
    pub label: String,
}

/// A chart of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct LineChart {
    /// The finding in one sentence; it is also the text alternative.
    pub title: String,
    /// Unit of the values, shown at the axis.
    pub unit: String,
    /// Left edge.
    pub from: UnixSeconds,
    /// Right edge.
    pub to: UnixSeconds,
    /// Measured values, oldest first.
    pub points: Vec<Point>,
    /// Usual range, oldest first; may be empty.
    pub band: Vec<BandPoint>,
    /// What happened meanwhile.
    pub markers: Vec<Marker>,
    /// Longest distance between two points that is still drawn as a line, in seconds; a longer one
    /// is a time without data.
    pub gap_s: u64,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
}

const MARGIN_LEFT_PX: f64 = 52.0;
const MARGIN_RIGHT_PX: f64 = 64.0;
const MARGIN_TOP_PX: f64 = 14.0;
const MARGIN_BOTTOM_PX: f64 = 22.0;

impl LineChart {
    /// The chart as one `<svg>` element, without scripts or outside references.
    pub fn svg(&self, palette: Palette) -> String {
        let (width, height) = (f64::from(self.width_px), f64::from(self.height_px));
        let ticks = value_ticks_of(self);
        let x = Scale {
            low: self.from.0 as f64,
            high: self.to.0 as f64,
            from_px: MARGIN_LEFT_PX,
            to_px: width - MARGIN_RIGHT_PX,
        };
        let y = Scale {
            low: ticks.first().copied().unwrap_or(0.0),
            high: ticks.last().copied().unwrap_or(1.0),
            from_px: height - MARGIN_BOTTOM_PX,
            to_px: MARGIN_TOP_PX,
        };
        let mut svg = String::with_capacity(4_096);
        let title = escape(&self.title);
        svg.push_str(&format!(r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{title}" font-family="inherit" font-size="11"><title>{title}</title>"#
        ));
        self.draw_axes(&mut svg, palette, x, y, &ticks);
        self.draw_unknown(&mut svg, palette, x, y);
        self.draw_band(&mut svg, palette, x, y);
        self.draw_line(&mut svg, palette, x, y);
        self.draw_markers(&mut svg, palette, x, y);
        svg.push_str("</svg>");
        svg
    }

    fn draw_axes(&self, svg: &mut String, palette: Palette, x: Scale, y: Scale, ticks: &[f64]) {
        for tick in ticks {
            let at = y.px(*tick);
            svg.push_str(&format!(r#"<line x1="{:.1}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}" stroke="{}" stroke-width="1"/><text x="{:.1}" y="{:.1}" text-anchor="end" fill="{}">{}</text>"#,
                x.from_px,
                x.to_px,
                palette.hairline(),
                x.from_px - 6.0,
                at + 3.5,
                palette.text(),
                format_si(*tick)
            ));
        }
        svg.push_str(&format!(
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end" fill="{}">{}</text>"#,
            x.from_px - 6.0,
            y.from_px + 17.0,
            palette.text(),
            escape(&self.unit)
        ));
        for (at, label) in time_ticks(self.from, self.to, 6) {
            let px = x.px(at.0 as f64);
            svg.push_str(&format!(r#"<line x1="{px:.1}" x2="{px:.1}" y1="{:.1}" y2="{:.1}" stroke="{}"/><text x="{px:.1}" y="{:.1}" text-anchor="middle" fill="{}">{label}</text>"#,
                y.from_px,
                y.from_px + 3.0,
                palette.hairline(),
                y.from_px + 16.0,
                palette.text()
            ));
        }
    }

    /// Hatches every time for which no point is known.
    fn draw_unknown(&self, svg: &mut String, palette: Palette, x: Scale, y: Scale) {
        let gaps = self.gaps();
        if gaps.is_empty() {
            return;
        }
        svg.push_str(&format!(r#"<defs><pattern id="nodata" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" x2="0" y1="0" y2="6" stroke="{}" stroke-width="1.5" stroke-opacity=".55"/></pattern></defs>"#,
            palette.unknown()
        ));
        for (from, to) in gaps {
            let (left, right) = (x.px(from.0 as f64), x.px(to.0 as f64));
            svg.push_str(&format!(r#"<rect x="{left:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="url(#nodata)"/>"#,
                y.to_px,
                (right - left).max(0.0),
                y.from_px - y.to_px
            ));
            if right - left > 70.0 {
                let middle = f64::midpoint(left, right);
                svg.push_str(&format!(r#"<text x="{middle:.1}" y="{:.1}" text-anchor="middle" fill="{}">no data</text>"#,
                    f64::midpoint(y.from_px, y.to_px),
                    palette.text()
                ));
            }
        }
    }

    fn draw_band(&self, svg: &mut String, palette: Palette, x: Scale, y: Scale) {
        if self.band.len() < 2 {
            return;
        }
        let mut path = String::new();
        // Where nothing was measured, nothing was usual either.
        let is_joined = |a: &BandPoint, b: &BandPoint| b.at.seconds_since(a.at) <= self.gap_s;
        for part in self.band.chunk_by(is_joined) {
            for (i, p) in part.iter().enumerate() {
                let command = if i == 0 { 'M' } else { 'L' };
                path.push_str(&format!("{command}{:.1} {:.1}", x.px(p.at.0 as f64), y.px(p.high)));
            }
            for p in part.iter().rev() {
                path.push_str(&format!("L{:.1} {:.1}", x.px(p.at.0 as f64), y.px(p.low)));
            }
            path.push('Z');
        }
        svg.push_str(&format!(r#"<path d="{path}" fill="{}"/>"#, palette.band()));
        if let Some(last) = self.band.last() {
            svg.push_str(&format!(
                r#"<text x="{:.1}" y="{:.1}" fill="{}">usual</text>"#,
                x.to_px + 6.0,
                y.px(f64::midpoint(last.low, last.high)) + 3.5,
                palette.text()
            ));
        }
    }

    fn draw_line(&self, svg: &mut String, palette: Palette, x: Scale, y: Scale) {
        let mut path = String::new();
        let mut before: Option<UnixSeconds> = None;
        for p in self.points.iter().filter(|p| p.value.is_finite()) {
            let is_joined = before.is_some_and(|b| p.at.seconds_since(b) <= self.gap_s);
            let (px, py) = (x.px(p.at.0 as f64), y.px(p.value));
            if is_joined {
                path.push_str(&format!("L{px:.1} {py:.1}"));
            } else {
                // A lone point is still a mark of one pixel.
                path.push_str(&format!("M{px:.1} {py:.1}h.01"));
            }
            before = Some(p.at);
        }
        svg.push_str(&format!(r#"<path d="{path}" fill="none" stroke="{}" stroke-width="1.6" stroke-linejoin="round" stroke-linecap="round"/>"#,
            palette.line()
        ));
        if let Some(last) = self.points.iter().rev().find(|p| p.value.is_finite()) {
            let is_usual = self.is_usual(*last);
            let colour = if is_usual { palette.line() } else { palette.alarm() };
            let (px, py) = (x.px(last.at.0 as f64), y.px(last.value));
            let band_label = self.band.last().map(|b| y.px(f64::midpoint(b.low, b.high)));
            // Two labels at one height would cover each other.
            let label_y = match band_label {
                Some(other) if (other - py).abs() < 12.0 => {
                    other + if py > other { 12.0 } else { -12.0 }
                }
                _ => py,
            };
            svg.push_str(&format!(r#"<circle cx="{px:.1}" cy="{py:.1}" r="2.5" fill="{colour}"/><text x="{:.1}" y="{:.1}" fill="{colour}" font-weight="600">{}</text>"#,
                x.to_px + 6.0,
                label_y + 3.5,
                format_si(last.value)
            ));
        }
    }

    fn draw_markers(&self, svg: &mut String, palette: Palette, x: Scale, y: Scale) {
        let mut label_free_from = f64::MIN;
        for marker in &self.markers {
            let px = x.px(marker.at.0 as f64);
            svg.push_str(&format!(r#"<g><title>{}</title><line x1="{px:.1}" x2="{px:.1}" y1="{:.1}" y2="{:.1}" stroke="{alarm}" stroke-dasharray="3 2"/><path d="M{:.1} {top:.1}h8l-4 6z" fill="{alarm}"/></g>"#,
                escape(&marker.label),
                y.to_px,
                y.from_px,
                px - 4.0,
                alarm = palette.alarm(),
                top = y.to_px - 6.0
            ));
            if px < label_free_from {
                continue;
            }
            // About six pixels a character; near the right edge the label stands left of its mark.
            let label_px = marker.label.chars().count() as f64 * 6.0;
            let is_at_edge = px + 6.0 + label_px > x.to_px;
            let (from, anchor) = if is_at_edge { (px - 6.0, "end") } else { (px + 6.0, "start") };
            svg.push_str(&format!(
                r#"<text x="{from:.1}" y="{:.1}" text-anchor="{anchor}" fill="{}">{}</text>"#,
                y.to_px - 1.0,
                palette.alarm(),
                escape(&marker.label)
            ));
            label_free_from = if is_at_edge { f64::MAX } else { px + 12.0 + label_px };
        }
    }

    /// Whether a point lies inside the band of its moment; without a band everything is usual.
    fn is_usual(&self, point: Point) -> bool {
        let at_or_before = self.band.iter().rev().find(|b| b.at <= point.at);
        at_or_before.is_none_or(|b| (b.low..=b.high).contains(&point.value))
    }

    /// The times inside the chart for which there is no data.
    fn gaps(&self) -> Vec<(UnixSeconds, UnixSeconds)> {
        let known: Vec<UnixSeconds> =
            self.points.iter().filter(|p| p.value.is_finite()).map(|p| p.at).collect();
        let edges = std::iter::once(self.from).chain(known.iter().copied());
        let next = known.iter().copied().chain(std::iter::once(self.to));
        edges.zip(next).filter(|(a, b)| b.seconds_since(*a) > self.gap_s).collect()
    }

    /// The table behind the chart.
    pub fn rows(&self) -> Vec<Row> {
        let band_at = |at| self.band.iter().rev().find(|band| band.at <= at).copied();
        self.points.iter().map(|p| Row { at: p.at, value: p.value, usual: band_at(p.at) }).collect()
    }
}

fn value_ticks_of(chart: &LineChart) -> Vec<f64> {
    let values = chart.points.iter().map(|p| p.value);
    let band = chart.band.iter().flat_map(|b| [b.low, b.high]);
    let finite: Vec<f64> = values.chain(band).filter(|v| v.is_finite()).collect();
    let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
    let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if finite.is_empty() {
        return vec![0.0, 1.0];
    }
    // A quantity that is never negative and near zero is honest only when zero is shown.
    let low = if low >= 0.0 && low < high * 0.6 { 0.0 } else { low };
    value_ticks(low, high, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[(u64, f64)]) -> LineChart {
        LineChart {
            title: "failed calls <14 × usual> & rising".into(),
            unit: "%".into(),
            from: UnixSeconds(0),
            to: UnixSeconds(600),
            points: points
                .iter()
                .map(|&(at, value)| Point { at: UnixSeconds(at), value })
                .collect(),
            band: vec![],
            markers: vec![],
            gap_s: 60,
            width_px: 640,
            height_px: 160,
        }
    }

    #[test]
    fn a_time_without_data_is_hatched_and_never_a_line() {
        let svg = chart(&[(0, 1.0), (30, 1.0), (400, 2.0)]).svg(Palette::Print);
        assert_eq!(svg.matches("url(#nodata)").count(), 2, "30..400 and 400..600");
        assert_eq!(svg.matches("no data").count(), 2);
        assert_eq!(svg.matches("h.01").count(), 2, "the line starts anew after the gap");
        let empty = chart(&[]).svg(Palette::Print);
        assert_eq!(empty.matches("url(#nodata)").count(), 1, "nothing known at all");
    }

    #[test]
    fn text_is_escaped_and_nothing_outside_is_referenced() {
        let svg = chart(&[(0, f64::NAN), (60, 3.0)]).svg(Palette::Page);
        assert!(svg.contains("&lt;14 × usual&gt; &amp; rising"), "{svg}");
        let references = svg.replace("http://www.w3.org/2000/svg", "");
        assert!(!references.contains("http") && !references.contains("<script"));
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn a_value_outside_its_band_is_drawn_as_an_alarm() {
        let mut drawn = chart(&[(0, 1.0), (60, 9.0)]);
        drawn.band = vec![
            BandPoint { at: UnixSeconds(0), low: 0.0, high: 2.0 },
            BandPoint { at: UnixSeconds(60), low: 0.0, high: 2.0 },
        ];
        assert!(drawn.svg(Palette::Print).contains(Palette::Print.alarm()));
        drawn.points.pop();
        assert!(!drawn.svg(Palette::Print).contains(Palette::Print.alarm()));
        let row = Row { at: UnixSeconds(0), value: 1.0, usual: Some(drawn.band[0]) };
        assert_eq!(drawn.rows(), [row]);
    }
}
