//! Sentences that hold for every contract of a kind, chosen by the functions it has.

use registry::Deployment;

/// A sentence with the functions a contract needs for it.
pub(super) struct Template {
    pub(super) name: &'static str,
    /// Signatures; one of the lists has to be there as a whole, and its sentence is taken. `{t}`
    /// stands for the tolerance.
    forms: &'static [(&'static [&'static str], &'static str)],
}

/// Every template. Sources of the functions: ERC-20, ERC-4626, Uniswap's pair, OpenZeppelin's
/// Pausable; the names of totals are those that lending protocols and vaults use most.
pub(super) const ALL: [Template; 6] = [
    Template {
        name: "share_price_never_falls",
        forms: &[
            (
                &["convertToAssets(uint256)"],
                "this.convertToAssets(10**18) >= before(this.convertToAssets(10**18)) * (1 - {t})",
            ),
            (
                &["totalAssets()", "totalSupply()"],
                "before(this.totalSupply()) == 0 || this.totalAssets() * before(this.totalSupply()) >= before(this.totalAssets()) * this.totalSupply() * (1 - {t})",
            ),
        ],
    },
    Template {
        name: "assets_cover_liabilities",
        forms: &[
            (
                &["totalAssets()", "totalLiabilities()"],
                "this.totalAssets() >= this.totalLiabilities() * (1 - {t})",
            ),
            (
                &["totalReserves()", "totalLiabilities()"],
                "this.totalReserves() >= this.totalLiabilities() * (1 - {t})",
            ),
        ],
    },
    Template {
        name: "collateral_covers_debt",
        forms: &[(
            &["totalCollateral()", "totalDebt()"],
            "this.totalCollateral() >= this.totalDebt() * (1 - {t})",
        )],
    },
    Template {
        name: "supply_is_sum_of_transfers",
        forms: &[(
            &["totalSupply()"],
            "this.totalSupply() + burned(this) == before(this.totalSupply()) + minted(this)",
        )],
    },
    Template {
        name: "reserves_product_never_falls",
        forms: &[(
            &["getReserves()", "totalSupply()"],
            "this.totalSupply() != before(this.totalSupply()) || this.getReserves().0 * this.getReserves().1 >= before(this.getReserves()).0 * before(this.getReserves()).1 * (1 - {t})",
        )],
    },
    Template {
        name: "paused_pays_nothing",
        forms: &[(&["paused()"], "!this.paused() || sent(this) == 0")],
    },
];

impl Template {
    /// The template with this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|template| template.name == name)
    }

    /// Its sentence for a contract, if the contract has the functions.
    pub(super) fn sentence(&self, of: &Deployment, tolerance: f64) -> Option<String> {
        let has = |signature: &&str| of.abi.functions().any(|f| f.signature == *signature);
        let (_, text) = self.forms.iter().find(|(needs, _)| needs.iter().all(has))?;
        Some(text.replace("{t}", &format!("{tolerance:.9}")))
    }

    /// What a contract needs for it.
    pub(super) fn needs(&self) -> String {
        let forms: Vec<String> = self.forms.iter().map(|(needs, _)| needs.join(" and ")).collect();
        forms.join(", or ")
    }
}
