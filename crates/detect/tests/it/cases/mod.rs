//! A firing and a quiet case of every detector, and its page.

mod access_change;
mod authority;
pub(crate) mod bridge;
mod code;
mod dependency;
mod deployment;
mod dispersion;
mod flow;
pub(crate) mod governance;
mod governors;
mod invariant;
mod liquidity;
mod oracle;
mod others;
mod proxies;
mod quick_calls;
mod reputation;
mod share_price;
pub(crate) mod signers;
mod silence;
mod storage;
mod usual_paths;

use bellwether_detect::detectors;
use model::Finding;

/// What a case finds.
type Case = fn() -> Vec<Finding>;

/// Detector, a case that must fire, a case close to it that must not.
const CASES: &[(&str, Case, Case)] = &[
    ("access/role_change", access_change::role_granted, access_change::role_elsewhere),
    ("change/code_changed", code::slot_written, code::upgraded_with_event),
    ("access/authority_drift", authority::stranger_may_issue, authority::as_declared),
    ("change/parameter_update", access_change::parameter_changed, access_change::nothing_changed),
    ("change/proxy_upgraded", access_change::upgraded, access_change::nothing_changed),
    ("deployment/created", deployment::by_our_deployer, deployment::by_a_stranger),
    ("deployment/lifecycle_moved", deployment::paused, deployment::only_used),
    ("deployment/lookalike", deployment::copied, deployment::own_copy),
    ("dependency/appeared", dependency::stranger_called, dependency::known_called),
    ("dependency/code_changed", dependency::other_code, dependency::nothing_new),
    ("dependency/token_event", dependency::token_paused, dependency::other_account_frozen),
    ("dependency/market_state", dependency::market_frozen, dependency::market_busy),
    ("dependency/feed_changed", dependency::aggregator_swapped, dependency::nothing_new),
    ("dependency/depeg", dependency::off_its_peg, dependency::nothing_new),
    ("dependency/governance", dependency::proposal_about_us, dependency::proposal_about_others),
    ("oracle/feed_late", oracle::feed_stops, oracle::feed_answers),
    ("oracle/price_moved_in_transaction", oracle::flash_loan, oracle::plain_swap),
    (
        "oracle/price_moved_then_used",
        oracle::price_moved_then_used,
        oracle::sandwiched_by_a_stranger,
    ),
    ("liquidity/outflow_exceeds_share", liquidity::drain, liquidity::flash_in_and_out),
    (
        "liquidity/outflow_unusually_large",
        liquidity::drained_in_steps,
        liquidity::three_large_customers,
    ),
    ("liquidity/unexpected_outflow", liquidity::paid_to_a_stranger, liquidity::paid_to_the_named),
    ("liquidity/share_price_jumped", share_price::inflated, share_price::grows),
    ("reputation/known_bad_address", reputation::listed_caller, reputation::benign_caller),
    ("reputation/fresh_caller", reputation::mixer_funded_contract, reputation::old_caller),
    (
        "reputation/attack_contract_created",
        reputation::made_against_us,
        reputation::made_against_others,
    ),
    ("telemetry/calls_in_quick_succession", quick_calls::long_loop, quick_calls::usual_batches),
    ("telemetry/failed_calls_rise", crate::telemetry::failure_storm, crate::telemetry::usual_day),
    ("telemetry/gas_unusual", crate::telemetry::gas_triples, crate::telemetry::usual_day),
    ("telemetry/call_rate_unusual", crate::telemetry::call_burst, crate::telemetry::usual_day),
    ("flow/reentrant_call", others::reentrant_drain, others::callback_without_reentry),
    ("flow/attack_shape", flow::borrowed_and_looped, flow::borrowed_and_sold),
    ("flow/unusual_code_path", flow::entered_from_a_callback, flow::usual_after_many),
    ("flow/flash_loan", flow::price_moved_on_a_loan, flow::plain_loan),
    ("flow/value_extracted", flow::paid_for_nothing, flow::paid_for),
    ("signers/safe_delegatecall", signers::safe_taken_over, signers::safe_used),
    ("signers/safe_changed", signers::safe_taken_over, signers::safe_used),
    ("storage/silent_write", storage::implementation_overwritten, storage::counted),
    ("invariant/broken", invariant::insolvent, invariant::solvent),
    ("governance/power_concentrated", governance::gathered, governance::gathered_slowly),
    ("governance/votes_borrowed", governance::borrowed, governance::voted_with_own),
    ("governance/vote_turned_late", governance::turned_at_the_end, governance::decided_early),
    ("governance/proposal_dangerous", governance::upgrade_proposed, governance::fee_proposed),
    (
        "governance/proposed_by_newcomer",
        governors::proposed_by_a_newcomer,
        governors::proposed_by_an_elder,
    ),
    ("governance/quorum_held_by_few", governors::two_delegates, governors::four_delegates),
    (
        "governance/quorum_cheaper_than_prize",
        governors::bought_for_less,
        governors::bought_for_more,
    ),
    (
        "governance/delay_shorter_than_exit",
        governors::delay_cut_short,
        governors::delay_long_enough,
    ),
    ("silence/expected_event_missing", silence::nobody_redeemed, silence::redeemed_in_time),
    ("silence/contract_silent", silence::nobody_calls, silence::a_long_pause),
    ("silence/canary", silence::canary_sings, silence::canary_rests),
    ("dispersion/share_crossed", dispersion::one_grows, dispersion::one_grows_a_little),
    ("bridge/arrived_unbacked", bridge::forged, bridge::relayed),
    ("chain/reorg", others::deep_reorg, others::shallow_reorg),
    ("chain/blind", others::quarantine, others::judged),
];

#[test]
fn every_detector_has_a_case_that_fires_and_one_that_is_quiet() {
    for detector in detectors::ALL {
        let id = detector.spec().id;
        let case = CASES.iter().find(|(known, _, _)| *known == id);
        let (_, firing, quiet) = case.unwrap_or_else(|| panic!("{id} has no cases"));
        let of_it = |findings: Vec<Finding>| {
            findings.into_iter().filter(|f| f.detector == id).collect::<Vec<_>>()
        };
        let found = of_it(firing());
        assert!(!found.is_empty(), "{id} does not fire");
        for finding in &found {
            let first = finding.title.chars().next();
            assert!(first.is_some() && !finding.title.ends_with('.'), "{:?}", finding.title);
            assert!(finding.title.split(' ').count() >= 4, "no sentence: {:?}", finding.title);
            let has_evidence =
                finding.evidence.measure.is_some() || !finding.evidence.facts.is_empty();
            assert!(has_evidence, "{id} gives no evidence");
            let runbook = finding.runbook.as_deref().unwrap_or_default();
            assert!(runbook.contains(id), "{id} points to {runbook:?}");
        }
        let quiet = of_it(quiet());
        assert!(
            quiet.is_empty(),
            "{id} is not quiet: {:?}",
            quiet.iter().map(|f| &f.title).collect::<Vec<_>>()
        );
    }
}

#[test]
fn every_detector_has_a_page_with_the_four_headings() {
    for detector in detectors::ALL {
        let spec = detector.spec();
        let headings = ["## Detects", "## Why it matters", "## When it is wrong", "## Respond"];
        let mut rest = spec.page;
        assert!(rest.starts_with(&format!("# {}\n", spec.id)), "{} has another title", spec.id);
        for heading in headings {
            let (_, after) = rest
                .split_once(heading)
                .unwrap_or_else(|| panic!("the page of {} lacks {heading:?}, in order", spec.id));
            let text = after.split("\n## ").next().unwrap_or_default().trim();
            assert!(text.len() > 80, "{} says too little under {heading:?}", spec.id);
            rest = after;
        }
        for param in spec.params {
            assert!(
                spec.page.contains(&format!("`{}`", param.name)),
                "{}: {} is not explained",
                spec.id,
                param.name
            );
            assert!(!param.doc.is_empty());
        }
    }
}
