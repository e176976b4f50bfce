//! Which parameters of a detector say how far is too far, and which settings are tried.

use detect::{Params, detectors};

/// A parameter that is turned.
#[derive(Debug, Clone, Copy)]
struct Knob {
    detector: &'static str,
    /// Parameters that move together, so that told and woken keep their distance.
    params: &'static [&'static str],
    /// Factors on what is set, the strictest first: the one that says least.
    factors: &'static [f64],
}

/// Where larger is stricter, such as shares and scores.
const LARGER: &[f64] = &[4.0, 3.0, 2.0, 1.5, 1.2, 1.0, 0.8, 0.6, 0.4];
/// Where larger is stricter and what counts is the order of magnitude, such as run lengths.
const LARGER_WIDE: &[f64] = &[1e3, 1e2, 1e1, 3.0, 1.0, 0.3, 0.1];
/// Where smaller is stricter and what counts is the order of magnitude, such as tail chances.
const SMALLER_WIDE: &[f64] = &[1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];

const KNOBS: &[Knob] = &[
    Knob {
        detector: "liquidity/outflow_exceeds_share",
        params: &["tx_notify_share", "tx_page_share", "tx_critical_share"],
        factors: LARGER,
    },
    Knob {
        detector: "liquidity/outflow_exceeds_share",
        params: &["hour_share", "day_share"],
        factors: LARGER,
    },
    Knob {
        detector: "oracle/price_moved_in_transaction",
        params: &["move_share"],
        factors: LARGER,
    },
    Knob {
        detector: "oracle/feed_late",
        params: &["grace_s", "stale_heartbeats"],
        factors: LARGER,
    },
    Knob {
        detector: "oracle/feed_late",
        params: &["jump_deviations", "jump_share"],
        factors: LARGER,
    },
    Knob {
        detector: "flow/attack_shape",
        params: &["page_score", "notify_score"],
        factors: &[3.0, 2.0, 1.5, 1.25, 1.0, 0.8, 0.6],
    },
    Knob { detector: "telemetry/gas_unusual", params: &["arl0_buckets"], factors: LARGER_WIDE },
    Knob {
        detector: "telemetry/failed_calls_rise",
        params: &["alpha", "alpha_page"],
        factors: SMALLER_WIDE,
    },
    Knob {
        detector: "telemetry/call_rate_unusual",
        params: &["alpha", "alpha_page"],
        factors: SMALLER_WIDE,
    },
    Knob { detector: "dependency/depeg", params: &["notify_share", "page_share"], factors: LARGER },
];

/// One setting of a monitor that is tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// All parameters of the monitor, those that were turned among them.
    pub params: Params,
    /// Parameters that were turned, with what they are now.
    pub turned: Vec<(String, String)>,
    /// Whether nothing was turned: the setting as it is.
    pub is_present: bool,
}

/// The settings of a detector that are tried, the strictest first: one knob is turned at a time, the
/// others stay as they are. Empty for a detector without such parameters.
pub fn settings(detector: &str, params: &Params) -> Vec<Setting> {
    let Some(found) = detectors::find(detector) else { return Vec::new() };
    let schema = found.spec().params;
    let mut tried: Vec<(f64, Setting)> = Vec::new();
    for knob in KNOBS.iter().filter(|knob| knob.detector == detector) {
        for (place, factor) in knob.factors.iter().enumerate() {
            let mut turned = Vec::new();
            let mut all = params.clone();
            for name in knob.params {
                let Some(spec) = schema.iter().find(|spec| spec.name == *name) else { continue };
                let Some((value, is_whole)) = value_of(spec, params, *factor) else { continue };
                let text = if is_whole { format!("{value:.0}") } else { format!("{value}") };
                if params.get(*name) != Some(&text) {
                    turned.push(((*name).to_owned(), text.clone()));
                    all.insert((*name).to_owned(), text);
                }
            }
            let is_present = (*factor - 1.0).abs() < f64::EPSILON;
            let setting = if is_present {
                Setting { params: params.clone(), turned: Vec::new(), is_present }
            } else {
                Setting { params: all, turned, is_present }
            };
            let is_known = tried.iter().any(|(_, known)| known.params == setting.params);
            if !is_known {
                tried.push((place as f64 / knob.factors.len() as f64, setting));
            }
        }
    }
    tried.sort_by(|a, b| a.0.total_cmp(&b.0));
    tried.into_iter().map(|(_, setting)| setting).collect()
}

/// What a parameter becomes, within what it may be, and whether it is a whole number.
fn value_of(
    spec: &detectors::params::ParamSpec,
    params: &Params,
    factor: f64,
) -> Option<(f64, bool)> {
    use detectors::params::ParamKind::{Integer, Number};
    let set = params.get(spec.name).and_then(|text| text.parse::<f64>().ok());
    match spec.kind {
        Number { default, min, max } => {
            Some(((set.unwrap_or(default) * factor).clamp(min, max), false))
        }
        Integer { default, min, max } => {
            let value = set.unwrap_or(default as f64) * factor;
            Some((value.round().clamp(min as f64, max as f64), true))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_is_a_parameter_of_its_detector() {
        for knob in KNOBS {
            let found = detectors::find(knob.detector).unwrap_or_else(|| panic!("{knob:?}"));
            for name in knob.params {
                let spec = found.spec().params.iter().find(|spec| spec.name == *name);
                assert!(
                    spec.is_some_and(|spec| value_of(spec, &Params::new(), 1.0).is_some()),
                    "{knob:?}"
                );
            }
            assert!(knob.factors.contains(&1.0), "what is set is tried as well: {knob:?}");
        }
    }

    #[test]
    fn settings_are_the_strictest_first_and_pass_the_detectors_own_check() {
        let params: Params = [("tx_page_share".to_owned(), "0.4".to_owned())].into();
        let tried = settings("liquidity/outflow_exceeds_share", &params);
        assert_eq!(tried.iter().filter(|setting| setting.is_present).count(), 1);
        let schema = detectors::find("liquidity/outflow_exceeds_share").unwrap().spec().params;
        for setting in &tried {
            assert!(
                detect::detectors::Settings::check(schema, &setting.params).is_ok(),
                "{setting:?}"
            );
        }
        let first = &tried[0];
        assert_eq!(first.params["tx_page_share"], "1", "cut at what it may be");
        assert!(settings("access/role_change", &Params::new()).is_empty());
    }
}
