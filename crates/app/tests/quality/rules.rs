//! The rules that one transaction's calls are judged by, as the program configures them unless it is
//! told otherwise.

use alloy_primitives::U256;
use detect::trace::{Borrowed, Extraction, Found, Protected, Scene, Verdict, View, observe, weigh};
use model::{Log, TxTrace};

use crate::prices::Moment;

/// Profit from which `flow/value_extracted` tells: ten thousand dollars.
const PROFIT_CENTS_MIN: u64 = 1_000_000;

/// Rules in the order of the tables.
pub(crate) const RULES: [&str; 3] =
    ["flow/attack_shape", "flow/flash_loan", "flow/value_extracted"];

/// What the rules say to one transaction and the contracts that are protected.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    /// In the order of [`RULES`].
    pub(crate) verdicts: [Verdict; 3],
    pub(crate) score: f64,
    pub(crate) found: Vec<Found>,
}

impl Judged {
    pub(crate) fn of(view: &View<'_, '_>, moment: Moment) -> Self {
        let found = observe(view);
        let borrowed = Borrowed::of(view, &found).map_or(Verdict::Quiet, |one| one.verdict());
        let is_extracted = Extraction::of(view).is_some_and(|extraction| {
            let worth = extraction.worth(|asset, amount| moment.cents(asset, amount));
            worth.is_extracted(U256::from(PROFIT_CENTS_MIN))
        });
        // Its severity is one that wakes nobody.
        let extracted = if is_extracted { Verdict::Notify } else { Verdict::Quiet };
        let assessment = weigh(found.clone());
        Self { verdicts: [assessment.verdict, borrowed, extracted], score: assessment.score, found }
    }

    /// `None` when the protected contracts take no part.
    pub(crate) fn from(
        trace: &TxTrace,
        logs: Option<&[Log]>,
        protected: &Protected,
        moment: Moment,
    ) -> Option<Self> {
        let scene = Scene::new(trace, logs);
        Some(Self::of(&View::new(&scene, protected)?, moment))
    }

    /// The worst of all rules.
    pub(crate) fn verdict(&self) -> Verdict {
        self.verdicts.into_iter().max().unwrap_or(Verdict::Quiet)
    }

    /// Whether a rule pages whose thresholds are not fitted to recorded data.
    pub(crate) fn is_paged_unfitted(&self) -> bool {
        self.verdicts[1..].contains(&Verdict::Page)
    }
}
