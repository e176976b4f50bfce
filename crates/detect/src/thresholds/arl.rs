//! From the false alarms one is ready to bear to the width of the limits.
//!
//! The average run length (ARL0) is how many observations pass between two false alarms. The table
//! holds solutions of Crowder's integral equation (Technometrics 29, 1987) for a two-sided EWMA
//! chart that starts at zero; between its columns and rows L is interpolated in ln ARL0 and ln
//! lambda. A test solves the equation again, by quadrature, and another one throws dice.

/// Smoothing factors of the table's columns.
const LAMBDAS: [f64; 3] = [0.05, 0.1, 0.2];

/// ARL0, then L for each of [`LAMBDAS`].
const TABLE: [(f64, [f64; 3]); 6] = [
    (370.0, [2.490, 2.701, 2.859]),
    (1e4, [3.627, 3.749, 3.834]),
    (1e5, [4.229, 4.322, 4.384]),
    (1e6, [4.749, 4.824, 4.871]),
    (1e7, [5.215, 5.277, 5.313]),
    (1e8, [5.639, 5.693, 5.722]),
];

/// Smallest and largest ARL0 that the table covers.
pub const ARL0_RANGE: (f64, f64) = (370.0, 1e8);

/// Smallest and largest smoothing factor that the table covers.
pub const LAMBDA_RANGE: (f64, f64) = (0.05, 0.2);

/// Width of the limits, in standard deviations of the statistic, of an EWMA chart with smoothing
/// factor `lambda` whose false alarms are `arl0` observations apart. Arguments outside the table
/// are drawn to its edge; the configuration is checked against the ranges before.
pub fn ewma_limit(lambda: f64, arl0: f64) -> f64 {
    let at = super::ln(arl0.clamp(ARL0_RANGE.0, ARL0_RANGE.1));
    let row =
        (1..TABLE.len() - 1).find(|&i| at <= super::ln(TABLE[i].0)).unwrap_or(TABLE.len() - 1);
    let ((arl_low, low), (arl_high, high)) = (TABLE[row - 1], TABLE[row]);
    // In ln ARL0 the width is nearly a square root, so its square is nearly straight.
    let share = (at - super::ln(arl_low)) / (super::ln(arl_high) - super::ln(arl_low));
    let width = |column: usize| {
        let (a, b) = (low[column] * low[column], high[column] * high[column]);
        libm::sqrt(a + share * (b - a))
    };
    let lambda = lambda.clamp(LAMBDA_RANGE.0, LAMBDA_RANGE.1);
    let column = if lambda <= LAMBDAS[1] { 1 } else { 2 };
    let (left, right) = (super::ln(LAMBDAS[column - 1]), super::ln(LAMBDAS[column]));
    let share = (super::ln(lambda) - left) / (right - left);
    width(column - 1) + share * (width(column) - width(column - 1))
}

/// The ARL0 that each of `series` needs so that together they raise at most
/// `false_alarms_per_week`, with one observation per `bucket_s` seconds.
pub fn arl0_for_budget(series: u64, bucket_s: u64, false_alarms_per_week: f64) -> f64 {
    let observations_per_week = 604_800.0 / bucket_s.max(1) as f64;
    series.max(1) as f64 * observations_per_week / false_alarms_per_week
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ARL0 by solving Crowder's equation L(u) = 1 + 1/l * int f((y-(1-l)u)/l) L(y) dy on [-h, h]
    /// at Gauss-Legendre nodes.
    fn arl0_by_quadrature(lambda: f64, width: f64) -> f64 {
        const N: usize = 61;
        let h = width * (lambda / (2.0 - lambda)).sqrt();
        let (nodes, weights) = gauss_legendre::<N>();
        let pdf = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let mut m = vec![vec![0.0; N + 1]; N];
        for i in 0..N {
            for j in 0..N {
                let k = pdf((h * nodes[j] - (1.0 - lambda) * h * nodes[i]) / lambda) / lambda;
                m[i][j] = f64::from(u8::from(i == j)) - k * h * weights[j];
            }
            m[i][N] = 1.0;
        }
        for i in 0..N {
            let pivot = (i..N).max_by(|&a, &b| m[a][i].abs().total_cmp(&m[b][i].abs())).unwrap();
            m.swap(i, pivot);
            let row = m[i].clone();
            for other in m.iter_mut().skip(i + 1) {
                let factor = other[i] / row[i];
                for c in i..=N {
                    other[c] -= factor * row[c];
                }
            }
        }
        let mut arl = [0.0; N];
        for i in (0..N).rev() {
            let known: f64 = (i + 1..N).map(|j| m[i][j] * arl[j]).sum();
            arl[i] = (m[i][N] - known) / m[i][i];
        }
        arl[N / 2]
    }

    fn gauss_legendre<const N: usize>() -> ([f64; N], [f64; N]) {
        let (mut nodes, mut weights) = ([0.0; N], [0.0; N]);
        for i in 0..N {
            let mut x = -(std::f64::consts::PI * (i as f64 + 0.75) / (N as f64 + 0.5)).cos();
            loop {
                let (mut p, mut q) = (1.0, 0.0);
                for j in 0..N {
                    let j = j as f64;
                    (p, q) = (((2.0 * j + 1.0) * x * p - j * q) / (j + 1.0), p);
                }
                let slope = N as f64 * (x * p - q) / (x * x - 1.0);
                let step = p / slope;
                x -= step;
                if step.abs() < 1e-15 {
                    nodes[i] = x;
                    weights[i] = 2.0 / ((1.0 - x * x) * slope * slope);
                    break;
                }
            }
        }
        (nodes, weights)
    }

    #[test]
    fn every_entry_solves_the_integral_equation() {
        for (arl0, widths) in TABLE {
            for (lambda, width) in LAMBDAS.into_iter().zip(widths) {
                let solved = arl0_by_quadrature(lambda, width);
                let off = (solved / arl0 - 1.0).abs();
                assert!(off < 0.012, "lambda {lambda} L {width}: ARL0 {solved:.0}, table {arl0}");
            }
        }
        // The values of Lucas and Saccucci (1990).
        assert!((arl0_by_quadrature(0.1, 2.814) / 500.0 - 1.0).abs() < 0.01);
        assert!((arl0_by_quadrature(0.2, 2.962) / 500.0 - 1.0).abs() < 0.01);
    }

    #[test]
    fn between_the_entries_the_promise_is_kept_within_a_tenth() {
        for (lambda, arl0) in [(0.1, 1_000.0), (0.1, 3e4), (0.07, 1e5), (0.15, 5e6), (0.2, 4e6)] {
            let solved = arl0_by_quadrature(lambda, ewma_limit(lambda, arl0));
            assert!((solved / arl0 - 1.0).abs() < 0.10, "{lambda} {arl0}: {solved:.0}");
        }
    }

    #[test]
    fn a_budget_becomes_a_run_length() {
        // 200 series, one-minute buckets, half a false alarm a week.
        assert_eq!(arl0_for_budget(200, 60, 0.5).round(), 4_032_000.0);
        assert!((ewma_limit(0.1, 4.032e6) - 5.1).abs() < 0.03);
    }
}
