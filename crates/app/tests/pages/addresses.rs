//! The answer about one address is a promise, too.

use expect_test::expect;

use crate::{
    api::{check, visible},
    http::Served,
};

#[tokio::test]
async fn everything_about_one_address() {
    let served = Served::full().await;
    let mut vault = served.get("/api/v1/addresses/mainnet/vault").await.json();
    let alerts = vault["alerts"].take();
    assert!(!alerts.as_array().unwrap().is_empty());
    expect![[r#"
        {
          "address": "0x8FD42CC52AeE8Cf5C4E7cfAFe58c92B2ed138e04",
          "alerts": null,
          "blocks_looked_at": 1800,
          "blocks_not_judged": 0,
          "deployment": {
            "abi_known": true,
            "address": "0x8FD42CC52AeE8Cf5C4E7cfAFe58c92B2ed138e04",
            "class": "vault",
            "first_block": 18000000,
            "label": "vault",
            "network": "mainnet",
            "protocol": "meridian",
            "url": "https://etherscan.io/address/0x8FD42CC52AeE8Cf5C4E7cfAFe58c92B2ed138e04",
            "value_at_risk": {
              "decimals": 6,
              "raw": "12400000000000",
              "symbol": "USDC",
              "text": "12,400,000 USDC"
            }
          },
          "entries": [
            {
              "is_payable": true,
              "monitors": [],
              "selector": "0xd0e30db0",
              "signature": "deposit()"
            },
            {
              "is_payable": false,
              "monitors": [
                "paused"
              ],
              "selector": "0x8456cb59",
              "signature": "pause()"
            },
            {
              "is_payable": false,
              "monitors": [],
              "selector": "0x7bde82f2",
              "signature": "redeem(uint256,address)"
            }
          ],
          "events": [
            {
              "monitors": [
                "whale-redeems"
              ],
              "risk_of": null,
              "signature": "Redeemed(address,uint256)",
              "topic0": "0x4896181ff8f4543cc00db9fe9b6fb7e6f032b7eb772c72ab1ec1b4d2e03b9369"
            },
            {
              "monitors": [],
              "risk_of": "OpenZeppelin AccessControl",
              "signature": "RoleGranted(bytes32,address,address)",
              "topic0": "0x2f8788117e7eff1d82e926ec794901d17c78024a50270940304540a733656f0d"
            }
          ],
          "is_guarded": true,
          "known_as": [],
          "monitors": [
            {
              "blind_blocks": 20,
              "blind_reason": "warming up: 212 of 300 observations",
              "is_named": true,
              "monitor": "gas-unusual",
              "rule": "telemetry/gas_unusual",
              "severity": "high"
            },
            {
              "blind_blocks": 0,
              "blind_reason": null,
              "is_named": true,
              "monitor": "paused",
              "rule": "call pause()",
              "severity": "high"
            },
            {
              "blind_blocks": 0,
              "blind_reason": null,
              "is_named": false,
              "monitor": "role-change",
              "rule": "access/role_change",
              "severity": "high"
            },
            {
              "blind_blocks": 0,
              "blind_reason": null,
              "is_named": true,
              "monitor": "whale-redeems",
              "rule": "event Redeemed when amount > 1_000 ether",
              "severity": "high"
            }
          ],
          "network": "mainnet",
          "views": 1
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&vault).unwrap());
    let stranger = format!("addresses/mainnet/{}", crate::sample::stranger());
    let stranger = served.get(&format!("/api/v1/{stranger}")).await.json();
    expect![[r#"
        {
          "address": "0x27626d3949B065Ee8A057586f6e4c0DE52e7f45c",
          "alerts": null,
          "blocks_looked_at": 0,
          "blocks_not_judged": 0,
          "deployment": null,
          "entries": [],
          "events": [],
          "is_guarded": false,
          "known_as": [
            {
              "category": "exploiter",
              "confidence_percent": 80,
              "name": "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> <U+202E>evil.com {{ 7*7 }}",
              "source": "list.csv"
            }
          ],
          "monitors": [],
          "network": "mainnet",
          "views": 0
        }"#]].assert_eq(&visible(&stranger));
    check(
        &served,
        "/api/v1/addresses/mainnet/valut",
        404,
        expect![[r#"
        {
          "allowed": [],
          "error": "\"valut\" is neither a deployment's label nor an address"
        }"#]],
    )
    .await;
    check(
        &served,
        "/api/v1/addresses/mars/vault",
        404,
        expect![[r#"
        {
          "allowed": [
            "mainnet",
            "base",
            "gnosis"
          ],
          "error": "there is no network \"mars\""
        }"#]],
    )
    .await;
}
