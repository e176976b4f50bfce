//! Somebody else deployed our code. The page is `lookalike.md`.

use alloy_primitives::keccak256;
use model::{FactValue, Level, Severity};
use registry::{Category, Class, SeenCode, proxy};

use super::{created::at, maker::maker};
use crate::{
    chronicle::{OwnCode, Place},
    detectors::{
        Block, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch, Wants,
    },
    state::StateTable,
};

static SPEC: Spec = Spec {
    id: "deployment/lookalike",
    version: 1,
    needs: Level::Traces,
    severity: Severity::Medium,
    params: &[ParamSpec {
        name: "deployers",
        kind: ParamKind::Categories { default: &["deployer"] },
        doc: "categories of labels whose accounts deploy for you",
    }],
    page: include_str!("lookalike.md"),
};

/// Code shorter than this is a forwarder or a stub that many share.
const CODE_BYTES_MIN: usize = 256;

/// See the page.
#[derive(Debug)]
pub struct Lookalike;

impl Detector for Lookalike {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured { deployers: settings.categories("deployers").to_vec(), site })
    }
}

struct Configured {
    site: Site,
    deployers: Vec<Category>,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for creation in &block.news.creations {
            let SeenCode::Whole(code) = creation.code(block.bundle) else { continue };
            if code.len() < CODE_BYTES_MIN
                || proxy::delegate_from_code(code).is_some()
                || block.guarded(&creation.address).is_some()
            {
                continue;
            }
            let Some(own) = memory.get::<OwnCode>(&OwnCode::key(keccak256(code))) else { continue };
            let Some((index, original)) = block.guarded(&own.of) else { continue };
            let is_common = matches!(original.class, Class::Proxy | Class::Multisig);
            if is_common
                || !block.is_guarded_by(&self.site, index)
                || maker(block, creation, &self.deployers).is_some()
            {
                continue;
            }
            let title = format!(
                "{} deployed the code of {} at {}",
                block.name_of(block.tx(creation.tx).from),
                original.label,
                creation.address
            );
            let place = Place::Frame { tx: creation.tx, index: creation.frame };
            report.claim(
                at(block, place, title)
                    .about(block, original.address)
                    .severity(self.site.severity)
                    .fact("copy", block.address_fact(creation.address))
                    .fact("original", block.address_fact(original.address))
                    .fact("creator", block.address_fact(creation.creator))
                    .fact(
                        "code size",
                        FactValue::Number { value: code.len() as f64, unit: "bytes".to_owned() },
                    ),
            );
        }
    }
}
