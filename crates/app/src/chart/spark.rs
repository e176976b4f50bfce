//! A word-sized line for tables.

use super::Palette;

/// A line of `values` (equally spaced, oldest first) in a box of the given size; values that are
/// not finite are gaps.
pub fn sparkline(values: &[f64], width_px: u32, height_px: u32, palette: Palette) -> String {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let (width, height) = (f64::from(width_px), f64::from(height_px));
    let step = width / values.len().saturating_sub(1).max(1) as f64;
    let mut path = String::new();
    let mut is_joined = false;
    for (i, value) in values.iter().enumerate() {
        if !value.is_finite() {
            is_joined = false;
            continue;
        }
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        let (x, y) = (i as f64 * step, 1.0 + (1.0 - share) * (height - 2.0));
        path.push_str(&format!("{}{x:.1} {y:.1}", if is_joined { 'L' } else { 'M' }));
        is_joined = true;
    }
    format!(
        r#"<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true"><path d="{path}" fill="none" stroke="{}" stroke-width="1.2"/></svg>"#,
        palette.line()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_breaks_the_line() {
        let svg = sparkline(&[1.0, 2.0, f64::NAN, 3.0], 60, 12, Palette::Print);
        assert_eq!(svg.matches('M').count(), 2);
        assert!(!svg.contains("NaN"));
    }
}
