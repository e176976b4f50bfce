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
    // One of each is enough to see the shape.
    for list in [
        "/power/ways",
        "/power/drifts",
        "/coverage/open",
        "/coverage/missing",
        "/threats",
        "/changes",
        "/entries",
        "/events",
        "/monitors",
    ] {
        let list = vault.pointer_mut(list).unwrap().as_array_mut().unwrap();
        assert!(!list.is_empty(), "{list:?}");
        list.truncate(1);
    }
    expect![[r#"
        {
          "address": "0x8FD42CC52AeE8Cf5C4E7cfAFe58c92B2ed138e04",
          "alerts": null,
          "blocks_looked_at": 1800,
          "blocks_not_judged": 0,
          "changes": [
            {
              "at": null,
              "block": 19426167,
              "detector": null,
              "finding": null,
              "severity": null,
              "status": null,
              "what": "its implementation is 0x05eeBC420145BD5Ac4e4B837B5ef080adE794Eed"
            }
          ],
          "coverage": {
            "cells": 13,
            "is_weight_stated": true,
            "missing": [
              {
                "blocks": 20,
                "cause": "blind",
                "closes_by_itself": false,
                "command": null,
                "endpoints": [
                  "own-node"
                ],
                "from": 19426568,
                "is_tried": false,
                "monitors": [
                  "gas-unusual"
                ],
                "reason": "blind: was warming up (300 observations needed)",
                "remedy": "blind at this moment; filled when it can see again",
                "to": 19426587
              }
            ],
            "newest_at": {
              "iso": "2024-03-09T15:59:56Z",
              "unix": 1709999996
            },
            "open": [
              {
                "kind": "entry",
                "monitors": [],
                "state": "unwatched",
                "target": "deposit()",
                "threat": "misuse"
              }
            ],
            "value": 0.4615977746580275,
            "watched": 1,
            "weight": 16.333207111220425
          },
          "dependencies": [
            {
              "code_reviewed": null,
              "kind": "token",
              "on": {
                "address": "0x51b9cFa7bd6109C37E706b57C251E5e4880d6627",
                "name": "usdc"
              },
              "stated": "12,400,000 USD"
            }
          ],
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
            }
          ],
          "identity": {
            "class_shown": "vault",
            "confidence": "likely",
            "contradicts_file": false,
            "proxy": {
              "what": "UUPS proxy (ERC-1967)",
              "why": "answers proxiableUUID()"
            },
            "traits": [
              {
                "what": "UUPS implementation",
                "why": "answers proxiableUUID() and upgradeToAndCall and has Upgraded"
              },
              {
                "what": "vault",
                "why": "has deposit(), redeem() and totalAssets()"
              }
            ],
            "why": "vault: has deposit(), redeem() and totalAssets()"
          },
          "is_guarded": true,
          "known_as": [],
          "life": {
            "children": null,
            "codes": [
              {
                "block": 19425087,
                "hash": "0x8f0da22b9ff399ef97b681182238d760feb7c75dd940c624ee39ec365b4b3b62"
              }
            ],
            "creator": null,
            "delegates": [
              {
                "block": 19426167,
                "kind": "implementation",
                "to": {
                  "address": "0x05eeBC420145BD5Ac4e4B837B5ef080adE794Eed",
                  "name": null
                }
              },
              {
                "block": 19425387,
                "kind": "implementation",
                "to": {
                  "address": "0x1cd317dfd17E83C8648D19F42095B5BCbB790D33",
                  "name": null
                }
              }
            ],
            "facets": [],
            "factory": null,
            "gap": "gap-open",
            "known_since": 19425087,
            "newest_children": [],
            "same_code": [
              "governor"
            ],
            "stage": "active",
            "stage_since": 19425087
          },
          "monitors": [
            {
              "blind_blocks": 0,
              "blind_reason": null,
              "is_named": true,
              "monitor": "authority",
              "rule": "access/authority_drift",
              "severity": "high"
            }
          ],
          "network": "mainnet",
          "power": {
            "accepted": [],
            "at": {
              "iso": "2024-03-09T15:59:56Z",
              "unix": 1709999996
            },
            "block": 19426587,
            "drifts": [
              {
                "accepted": null,
                "age_s": 5044,
                "class": "extra-principal",
                "repairs": [
                  {
                    "chain_id": 1,
                    "data": "0xd547741ffc8737ab85eb45125971625a9ebdb75cc78e01d5c1fa80c4c6e5203f47bc4fab00000000000000000000000079a72b278debc2bc7e4f4ab88bee57be29482aeb",
                    "explanation": "Takes KEEPER_ROLE from 0x79A72B278DebC2BC7e4f4aB88bee57Be29482aeb. timelock must make this call: schedule it there, then wait 2 d 0 h.",
                    "from": "0x546d7028e6bf9569108995fc410868db775e5e6a",
                    "method": "revokeRole(bytes32,address)",
                    "network": "mainnet",
                    "to": "0x8fd42cc52aee8cf5c4e7cfafe58c92b2ed138e04",
                    "value": "0"
                  }
                ],
                "severity": "medium",
                "since": {
                  "iso": "2024-03-09T14:35:56Z",
                  "unix": 1709994956
                },
                "title": "0x79A72B278DebC2BC7e4f4aB88bee57Be29482aeb holds KEEPER_ROLE of vault, which the policy does not allow"
              }
            ],
            "holds": [],
            "monitor": "authority",
            "more": 0,
            "roles": [
              {
                "can": [
                  "decide who controls",
                  "operate",
                  "pause"
                ],
                "functions": [
                  "pause"
                ],
                "kind": "timelock",
                "other": {
                  "address": "0x546d7028E6bf9569108995FC410868Db775E5e6A",
                  "name": "timelock"
                },
                "role": "DEFAULT_ADMIN_ROLE",
                "since": 19425087
              },
              {
                "can": [
                  "pause"
                ],
                "functions": [
                  "pause"
                ],
                "kind": "key",
                "other": {
                  "address": "0x5E19191f3BD818d76Eb3324b7A68cd8374399B45",
                  "name": "guardian"
                },
                "role": "PAUSER_ROLE",
                "since": 19425087
              },
              {
                "can": [
                  "operate"
                ],
                "functions": [],
                "kind": "unknown",
                "other": {
                  "address": "0x79A72B278DebC2BC7e4f4aB88bee57Be29482aeb",
                  "name": null
                },
                "role": "KEEPER_ROLE",
                "since": 19426167
              }
            ],
            "unknown_before": 19425087,
            "ways": [
              {
                "can": "decide who controls",
                "delay_s": 172800,
                "path": "ops-safe (3 must sign) → timelock (2 d 0 h) → DEFAULT_ADMIN_ROLE of vault",
                "principal": {
                  "address": "0x2dC4E520152362a435307bF6f37Ad05dE8eFF2A9",
                  "name": "ops-safe"
                },
                "signatures": 3
              }
            ]
          },
          "relied_on_by": null,
          "threats": [
            {
              "currency": "USD",
              "domain": "on-chain",
              "gaps": [
                {
                  "close": "name one in plans of the threat",
                  "kind": "no-plan",
                  "text": "vault-drained (critical) has no plan"
                },
                {
                  "close": "name one in controls of the threat",
                  "kind": "no-control",
                  "text": "vault-drained (critical) has no control"
                },
                {
                  "close": "name one in events of the threat",
                  "kind": "no-event",
                  "text": "vault-drained (critical) has no required event"
                },
                {
                  "close": "name one in panels of the threat",
                  "kind": "no-panel",
                  "text": "vault-drained (critical) has no panel"
                },
                {
                  "close": "think it through again, then set reviewed and review",
                  "kind": "overdue",
                  "text": "vault-drained should have been reviewed by 2024-03-01, 8 d ago"
                }
              ],
              "id": "vault-drained",
              "impact": "12000000",
              "monitors": [
                "vault-outflow"
              ],
              "plans": [],
              "rating": "critical",
              "through": [
                "deposits"
              ],
              "title": "vault-drained <script>alert(1)</script>\"'><img src=x onerror=alert(2)> <U+202E>evil.com {{ 7*7 }}"
            }
          ],
          "unknown": [],
          "views": 3
        }"#]].assert_eq(&visible(&vault));
    let stranger = format!("addresses/mainnet/{}", crate::sample::stranger());
    let stranger = served.get(&format!("/api/v1/{stranger}")).await.json();
    expect![[r#"
        {
          "address": "0x27626d3949B065Ee8A057586f6e4c0DE52e7f45c",
          "alerts": null,
          "blocks_looked_at": 0,
          "blocks_not_judged": 0,
          "changes": null,
          "coverage": null,
          "dependencies": [],
          "deployment": null,
          "entries": [],
          "events": [],
          "identity": null,
          "is_guarded": false,
          "known_as": [
            {
              "category": "exploiter",
              "confidence_percent": 80,
              "name": "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> <U+202E>evil.com {{ 7*7 }}",
              "source": "list.csv"
            }
          ],
          "life": null,
          "monitors": [],
          "network": "mainnet",
          "power": null,
          "relied_on_by": null,
          "threats": null,
          "unknown": [
            {
              "close": "bellwether init --address 0x27626d3949B065Ee8A057586f6e4c0DE52e7f45c --rpc URL",
              "section": "identity",
              "why": "nobody guards it"
            },
            {
              "close": "bellwether init --address 0x27626d3949B065Ee8A057586f6e4c0DE52e7f45c --rpc URL",
              "section": "life",
              "why": "nobody guards it"
            },
            {
              "close": "name it in on of monitor authority",
              "section": "power",
              "why": "authority does not watch who holds power over it"
            },
            {
              "close": "bellwether init --address 0x27626d3949B065Ee8A057586f6e4c0DE52e7f45c --rpc URL",
              "section": "coverage",
              "why": "nobody guards it"
            },
            {
              "close": "bellwether init --address 0x27626d3949B065Ee8A057586f6e4c0DE52e7f45c --rpc URL",
              "section": "threats",
              "why": "nobody guards it"
            },
            {
              "close": "bellwether init --address 0x27626d3949B065Ee8A057586f6e4c0DE52e7f45c --rpc URL",
              "section": "history",
              "why": "nobody guards it"
            }
          ],
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
