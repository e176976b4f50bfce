//! Bodies of the API are a promise: a change here is a change for every program that reads them.

use expect_test::{Expect, expect};

use crate::http::Served;

/// The body, one value a line.
pub(crate) async fn check(served: &Served, path: &str, status: u16, expected: Expect) {
    let answer = served.get(path).await;
    assert_eq!(answer.status, status, "{path}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    expected.assert_eq(&serde_json::to_string_pretty(&answer.json()).unwrap());
}

/// Pretty, with the character that turns text around made visible.
pub(crate) fn visible(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap().replace('\u{202e}', "<U+202E>")
}

#[tokio::test]
async fn one_network_of_the_status() {
    let status = Served::full().await.get("/api/v1/status").await.json();
    let mut base = status["networks"][1].clone();
    assert_eq!(base["name"], "base");
    base["trust"]["reasons"].as_array_mut().unwrap().truncate(2);
    expect![[r#"
        {
          "catching_up": true,
          "chain_id": 8453,
          "coverage": {
            "blind": [
              {
                "blocks": 835,
                "monitor": "reentrant-drain",
                "now": true,
                "reason": "needs Traces, the network gives Logs",
                "warming_up": false
              }
            ],
            "blocks": 840,
            "from": 19416528,
            "holes": [
              {
                "first": 19426284,
                "last": 19426287
              }
            ],
            "judged": 835,
            "judged_by_all": 0,
            "missing": 4,
            "quarantined": 1
          },
          "endpoints": [
            {
              "head": 19426627,
              "healthy": true,
              "last_error": null,
              "latency_ms": 231.0,
              "name": "public",
              "state": "up"
            },
            {
              "head": null,
              "healthy": false,
              "last_error": "eth_getBlockByHash: timeout after 10000 ms",
              "latency_ms": null,
              "name": "provider",
              "state": "down"
            }
          ],
          "finalized": null,
          "head_age_s": 2,
          "head_seen": 19426627,
          "judged": {
            "hash": "0x717e605f3205e3f852270fbd770fbf4d0cad25c3462fe9bb597722e35faefba0",
            "number": 19426527
          },
          "judged_at": {
            "iso": "2024-03-09T15:57:58Z",
            "unix": 1709999878
          },
          "lag_blocks": 100,
          "lag_s": 120,
          "monitors": 14,
          "name": "base",
          "stopped_reason": null,
          "trust": {
            "reasons": [
              {
                "code": "lag",
                "network": "base",
                "text": "catching up, 2 min behind the head (100 blocks)"
              },
              {
                "code": "holes",
                "network": "base",
                "text": "4 of 840 blocks are missing, the newest hole begins at 19,426,284"
              }
            ],
            "verdict": "no"
          },
          "websocket": false
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&base).unwrap());
    let mut rest = status;
    rest["networks"] = "left out".into();
    rest["trust"]["reasons"].as_array_mut().unwrap().truncate(1);
    rest["version"] = "left out".into();
    expect![[r#"
        {
          "alerts": [
            {
              "count": 1,
              "severity": "high",
              "state": "provisional"
            },
            {
              "count": 1,
              "severity": "info",
              "state": "confirmed"
            },
            {
              "count": 1,
              "severity": "low",
              "state": "confirmed"
            },
            {
              "count": 1,
              "severity": "medium",
              "state": "confirmed"
            },
            {
              "count": 1,
              "severity": "high",
              "state": "confirmed"
            },
            {
              "count": 1,
              "severity": "critical",
              "state": "confirmed"
            },
            {
              "count": 1,
              "severity": "high",
              "state": "retracted"
            }
          ],
          "at": {
            "iso": "2024-03-09T16:00:00.000Z",
            "unix_ms": 1710000000000
          },
          "canaries": [
            {
              "arrived": 0,
              "arrived_ago_ms": null,
              "block": null,
              "every_ms": 300000,
              "hanging": null,
              "latency": [],
              "lost": 0,
              "network": "base"
            },
            {
              "arrived": 12,
              "arrived_ago_ms": 39942,
              "block": {
                "hash": "0xee2655a17366302f7ac143284d9cabde821502cf454aa4b70bb4023f6b7de62f",
                "number": 19426587
              },
              "every_ms": 300000,
              "hanging": null,
              "latency": [
                {
                  "last_ms": 31,
                  "median_ms": 31,
                  "p99_ms": 31,
                  "stage": "judged"
                },
                {
                  "last_ms": 7,
                  "median_ms": 7,
                  "p99_ms": 7,
                  "stage": "stored"
                },
                {
                  "last_ms": 3,
                  "median_ms": 3,
                  "p99_ms": 3,
                  "stage": "taken"
                },
                {
                  "last_ms": 3,
                  "median_ms": 3,
                  "p99_ms": 3,
                  "stage": "decided"
                },
                {
                  "last_ms": 8,
                  "median_ms": 8,
                  "p99_ms": 1908,
                  "stage": "queued"
                },
                {
                  "last_ms": 6,
                  "median_ms": 6,
                  "p99_ms": 6,
                  "stage": "delivered"
                },
                {
                  "last_ms": 58,
                  "median_ms": 58,
                  "p99_ms": 1958,
                  "stage": "whole"
                }
              ],
              "lost": 0,
              "network": "mainnet"
            }
          ],
          "deployments": 8,
          "findings": [
            {
              "count": 29,
              "severity": "high",
              "state": "tentative"
            },
            {
              "count": 1,
              "severity": "info",
              "state": "confirmed"
            },
            {
              "count": 1,
              "severity": "low",
              "state": "confirmed"
            },
            {
              "count": 1,
              "severity": "medium",
              "state": "confirmed"
            },
            {
              "count": 15,
              "severity": "high",
              "state": "confirmed"
            },
            {
              "count": 2,
              "severity": "critical",
              "state": "confirmed"
            },
            {
              "count": 1,
              "severity": "high",
              "state": "retracted"
            }
          ],
          "messages_due": 1,
          "name": "Meridian",
          "networks": "left out",
          "stages": [],
          "started_at": {
            "iso": "2024-03-09T16:00:00.000Z",
            "unix_ms": 1710000000000
          },
          "trust": {
            "reasons": [
              {
                "code": "no_endpoint",
                "network": "gnosis",
                "text": "no endpoint can be used; public is unchecked: eth_chainId: connection refused"
              }
            ],
            "verdict": "partly"
          },
          "twins": [],
          "version": "left out"
        }"#]].assert_eq(&serde_json::to_string_pretty(&rest).unwrap());
}

#[tokio::test]
async fn what_is_not_known_is_null_and_not_zero() {
    let served = Served::empty().await;
    let gnosis = served.get("/api/v1/networks").await.json()["items"][2].clone();
    for unknown in [
        "head_seen",
        "head_age_s",
        "judged",
        "judged_at",
        "finalized",
        "lag_blocks",
        "lag_s",
        "websocket",
    ] {
        assert!(gnosis[unknown].is_null(), "{unknown}: {gnosis}");
    }
    assert_eq!(gnosis["trust"]["verdict"], "no");
}

#[tokio::test]
async fn an_alert_with_everything_on_record() {
    let served = Served::full().await;
    let id = served.alert("critical", "confirmed").await;
    check(&served, &format!("/api/v1/alerts/{id}"), 200, expect![[r#"
        {
          "alert": {
            "block_to_alert_ms": 1840,
            "created_at": {
              "iso": "2024-03-09T15:45:57.840Z",
              "unix_ms": 1709999157840
            },
            "deployment": "vault",
            "drill": null,
            "findings_standing": 1,
            "findings_total": 1,
            "first": {
              "address": "0x8FD42CC52AeE8Cf5C4E7cfAFe58c92B2ed138e04",
              "confidence": "proven",
              "deployment": "vault",
              "detector": "liquidity/outflow_exceeds_share",
              "evidence": {
                "facts": [
                  {
                    "name": "amount",
                    "text": "5,084,000 USDC",
                    "type": "amount",
                    "value": {
                      "decimals": 6,
                      "raw": "5084000000000",
                      "symbol": "USDC",
                      "text": "5,084,000 USDC"
                    }
                  },
                  {
                    "name": "receiver",
                    "text": "0xF1c38bf25e5b2CECf81Cf2B08b45F67074b03a1a",
                    "type": "address",
                    "value": {
                      "address": "0xF1c38bf25e5b2CECf81Cf2B08b45F67074b03a1a",
                      "label": null
                    }
                  },
                  {
                    "name": "caller",
                    "text": "Mixer: router (0x81F350e6C4494A351CA7C9F93595eE73F5305600)",
                    "type": "address",
                    "value": {
                      "address": "0x81F350e6C4494A351CA7C9F93595eE73F5305600",
                      "label": "Mixer: router"
                    }
                  },
                  {
                    "name": "transaction",
                    "text": "0x90f37d5ce900b3a136f58aed5e19191f3bd818d76eb3324b7a68cd8374399b45",
                    "type": "transaction",
                    "value": "0x90f37d5ce900b3a136f58aed5e19191f3bd818d76eb3324b7a68cd8374399b45"
                  },
                  {
                    "name": "reentered",
                    "text": "true",
                    "type": "bool",
                    "value": true
                  }
                ],
                "measure": {
                  "history": {
                    "n": 1440,
                    "spread": 0.008,
                    "usual": 0.012
                  },
                  "name": "share of the vault that left within 1 h",
                  "threshold": 0.25,
                  "unit": "",
                  "value": 0.41
                }
              },
              "id": "ca85d224386dcce0fa75f80629936d18",
              "monitor": "large-withdrawal",
              "network": "mainnet",
              "origin": {
                "at": {
                  "iso": "2024-03-09T15:45:56Z",
                  "unix": 1709999156
                },
                "block": {
                  "hash": "0x8d861c00d5671a1cfbc44a3ff5d00f13fca586dbbb739379df98fb51929c04f9",
                  "number": 19426517
                },
                "frame": null,
                "log_index": 112,
                "tx": "0x90f37d5ce900b3a136f58aed5e19191f3bd818d76eb3324b7a68cd8374399b45",
                "url": "https://etherscan.io/tx/0x90f37d5ce900b3a136f58aed5e19191f3bd818d76eb3324b7a68cd8374399b45"
              },
              "p": null,
              "runbook": "plans/drain.md",
              "severity": "critical",
              "status": null,
              "title": "41 % of vault left in one transaction: 5,084,000 USDC to 0x8f3c…",
              "value_at_risk": {
                "decimals": 6,
                "raw": "12400000000000",
                "symbol": "USDC",
                "text": "12,400,000 USDC"
              },
              "version": 1
            },
            "id": "40a74b4c92f5b42378cb6415474e3f0a",
            "last_finding_at": {
              "iso": "2024-03-09T15:45:56Z",
              "unix": 1709999156
            },
            "monitor": "large-withdrawal",
            "network": "mainnet",
            "opened_at": {
              "iso": "2024-03-09T15:45:56Z",
              "unix": 1709999156
            },
            "report": null,
            "severity": "critical",
            "stage": null,
            "stage_at": null,
            "stage_by": null,
            "state": "confirmed",
            "title": "41 % of vault left in one transaction: 5,084,000 USDC to 0x8f3c…",
            "told": [
              {
                "at": {
                  "iso": "2024-03-09T15:45:57.840Z",
                  "unix_ms": 1709999157840
                },
                "findings": 1,
                "kind": "opened",
                "receiver": "chat",
                "severity": "critical"
              },
              {
                "at": {
                  "iso": "2024-03-09T15:45:57.840Z",
                  "unix_ms": 1709999157840
                },
                "findings": 1,
                "kind": "confirmed",
                "receiver": "on-call",
                "severity": "critical"
              }
            ],
            "url": "https://watch.example/alerts/40a74b4c92f5b42378cb6415474e3f0a"
          },
          "attempts": [],
          "decisions": [
            {
              "action": "notify",
              "at": {
                "iso": "2024-03-09T15:45:57.840Z",
                "unix_ms": 1709999157840
              },
              "kind": "opened",
              "reason": "first finding",
              "receiver": "on-call",
              "until": null
            },
            {
              "action": "notify",
              "at": {
                "iso": "2024-03-09T15:45:57.840Z",
                "unix_ms": 1709999157840
              },
              "kind": "opened",
              "reason": "first finding",
              "receiver": "chat",
              "until": null
            },
            {
              "action": "notify",
              "at": {
                "iso": "2024-03-09T15:45:57.840Z",
                "unix_ms": 1709999157840
              },
              "kind": "confirmed",
              "reason": "final with block 19426517 (0x8d861c00…)",
              "receiver": "on-call",
              "until": null
            }
          ],
          "findings": [
            {
              "address": "0x8FD42CC52AeE8Cf5C4E7cfAFe58c92B2ed138e04",
              "confidence": "proven",
              "deployment": "vault",
              "detector": "liquidity/outflow_exceeds_share",
              "evidence": {
                "facts": [
                  {
                    "name": "amount",
                    "text": "5,084,000 USDC",
                    "type": "amount",
                    "value": {
                      "decimals": 6,
                      "raw": "5084000000000",
                      "symbol": "USDC",
                      "text": "5,084,000 USDC"
                    }
                  },
                  {
                    "name": "receiver",
                    "text": "0xF1c38bf25e5b2CECf81Cf2B08b45F67074b03a1a",
                    "type": "address",
                    "value": {
                      "address": "0xF1c38bf25e5b2CECf81Cf2B08b45F67074b03a1a",
                      "label": null
                    }
                  },
                  {
                    "name": "caller",
                    "text": "Mixer: router (0x81F350e6C4494A351CA7C9F93595eE73F5305600)",
                    "type": "address",
                    "value": {
                      "address": "0x81F350e6C4494A351CA7C9F93595eE73F5305600",
                      "label": "Mixer: router"
                    }
                  },
                  {
                    "name": "transaction",
                    "text": "0x90f37d5ce900b3a136f58aed5e19191f3bd818d76eb3324b7a68cd8374399b45",
                    "type": "transaction",
                    "value": "0x90f37d5ce900b3a136f58aed5e19191f3bd818d76eb3324b7a68cd8374399b45"
                  },
                  {
                    "name": "reentered",
                    "text": "true",
                    "type": "bool",
                    "value": true
                  }
                ],
                "measure": {
                  "history": {
                    "n": 1440,
                    "spread": 0.008,
                    "usual": 0.012
                  },
                  "name": "share of the vault that left within 1 h",
                  "threshold": 0.25,
                  "unit": "",
                  "value": 0.41
                }
              },
              "id": "ca85d224386dcce0fa75f80629936d18",
              "monitor": "large-withdrawal",
              "network": "mainnet",
              "origin": {
                "at": {
                  "iso": "2024-03-09T15:45:56Z",
                  "unix": 1709999156
                },
                "block": {
                  "hash": "0x8d861c00d5671a1cfbc44a3ff5d00f13fca586dbbb739379df98fb51929c04f9",
                  "number": 19426517
                },
                "frame": null,
                "log_index": 112,
                "tx": "0x90f37d5ce900b3a136f58aed5e19191f3bd818d76eb3324b7a68cd8374399b45",
                "url": "https://etherscan.io/tx/0x90f37d5ce900b3a136f58aed5e19191f3bd818d76eb3324b7a68cd8374399b45"
              },
              "p": null,
              "runbook": "plans/drain.md",
              "severity": "critical",
              "status": "confirmed",
              "title": "41 % of vault left in one transaction: 5,084,000 USDC to 0x8f3c…",
              "value_at_risk": {
                "decimals": 6,
                "raw": "12400000000000",
                "symbol": "USDC",
                "text": "12,400,000 USDC"
              },
              "version": 1
            }
          ],
          "life": [],
          "messages": [
            {
              "alert": "40a74b4c92f5b42378cb6415474e3f0a",
              "alerts": 1,
              "at": {
                "iso": "2024-03-09T15:46:40.000Z",
                "unix_ms": 1709999200000
              },
              "attempts": 1,
              "decided_at": {
                "iso": "2024-03-09T15:45:57.840Z",
                "unix_ms": 1709999157840
              },
              "detail": "404 Not Found: no such webhook",
              "form": "notice",
              "id": "f31b2eca19702d6dac60dc973fdbecaf",
              "kind": "opened",
              "person": null,
              "reason": "first finding",
              "receiver": "chat",
              "sequence": 0,
              "state": "failed"
            },
            {
              "alert": "40a74b4c92f5b42378cb6415474e3f0a",
              "alerts": 1,
              "at": {
                "iso": "2024-03-09T15:45:58.150Z",
                "unix_ms": 1709999158150
              },
              "attempts": 1,
              "decided_at": {
                "iso": "2024-03-09T15:45:57.840Z",
                "unix_ms": 1709999157840
              },
              "detail": "250 2.0.0 Ok: queued as 4Xk2",
              "form": "notice",
              "id": "6094a75891fd9aaade86b6c8583d0203",
              "kind": "opened",
              "person": null,
              "reason": "first finding",
              "receiver": "on-call",
              "sequence": 0,
              "state": "delivered"
            },
            {
              "alert": "40a74b4c92f5b42378cb6415474e3f0a",
              "alerts": 1,
              "at": {
                "iso": "2024-03-09T15:45:58.150Z",
                "unix_ms": 1709999158150
              },
              "attempts": 1,
              "decided_at": {
                "iso": "2024-03-09T15:45:57.840Z",
                "unix_ms": 1709999157840
              },
              "detail": "250 2.0.0 Ok: queued as 4Xm1",
              "form": "notice",
              "id": "fa23d31097025ec18a1de2d1bd837ae6",
              "kind": "confirmed",
              "person": null,
              "reason": "final with block 19426517 (0x8d861c00…)",
              "receiver": "on-call",
              "sequence": 1,
              "state": "delivered"
            }
          ],
          "verdicts": [
            {
              "at": {
                "iso": "2024-03-09T16:00:00.000Z",
                "unix_ms": 1710000000000
              },
              "because": "looking",
              "by": "lin",
              "verdict": "unknown"
            },
            {
              "at": {
                "iso": "2024-03-09T16:00:00.000Z",
                "unix_ms": 1710000000000
              },
              "because": "post-mortem 7",
              "by": "ada",
              "verdict": "true-positive"
            }
          ]
        }"#]]).await;
}

#[tokio::test]
async fn a_strangers_text_is_told_as_such() {
    let served = Served::full().await;
    let found = served.get("/api/v1/findings?monitor=roles").await.json();
    let facts = &found["items"][0]["evidence"]["facts"];
    expect![[r#"
        [
          {
            "name": "name()",
            "text": "\"<script>alert(1)</script>\"'><img src=x onerror=alert(2)> evil.com {{ 7*7 }}\"",
            "type": "untrusted",
            "value": "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> <U+202E>evil.com {{ 7*7 }}"
          },
          {
            "name": "account",
            "text": "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> evil.com {{ 7*7 }} (0x9bB2CD32ADA130d6049d30Ee8BAc8c59dC4669D1)",
            "type": "address",
            "value": {
              "address": "0x9bB2CD32ADA130d6049d30Ee8BAc8c59dC4669D1",
              "label": "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> <U+202E>evil.com {{ 7*7 }}"
            }
          },
          {
            "name": "memo",
            "text": "0xfefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefe… (64 bytes)",
            "type": "bytes",
            "value": "0xfefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefe"
          },
          {
            "name": "paths",
            "text": "[115792089237316195423570985008687907853269984665640564039457584007913129639935, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\"]",
            "type": "list",
            "value": [
              {
                "type": "uint",
                "value": "115792089237316195423570985008687907853269984665640564039457584007913129639935"
              },
              {
                "type": "untrusted",
                "value": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
              }
            ]
          }
        ]"#]].assert_eq(&visible(facts));
}

#[tokio::test]
async fn lists_are_filtered_and_paged_by_cursor() {
    let served = Served::full().await;
    let count = async |query: &str| {
        let page = served.get(&format!("/api/v1/{query}")).await.json();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("alerts").await, 7);
    assert_eq!(count("alerts?severity=high").await, 4);
    assert_eq!(count("alerts?severity=high&state=retracted&network=mainnet").await, 1);
    assert_eq!(count("alerts?network=base").await, 1);
    assert_eq!(count("alerts?deployment=vault&monitor=failed-calls").await, 1);
    assert_eq!(count("alerts?since=2024-03-09T15:44:00Z").await, 3);
    assert_eq!(count("alerts?until=1709990000").await, 2);
    assert_eq!(count("findings?status=retracted").await, 1);
    assert_eq!(count("deployments?network=base").await, 1);
    let (mut path, mut seen) = ("/api/v1/alerts?limit=3".to_owned(), Vec::new());
    loop {
        let page = served.get(&path).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|a| a["id"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/alerts?limit=3&cursor={next}");
    }
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (7, 7));
}

#[tokio::test]
async fn the_ledger_is_read_downwards() {
    let served = Served::full().await;
    let path = "/api/v1/coverage?network=base&limit=2&before=19426469";
    check(&served, path, 200, expect![[r#"
        {
          "items": [
            {
              "at": {
                "iso": "2024-03-09T15:56:00Z",
                "unix": 1709999760
              },
              "blind": [
                {
                  "monitor": "reentrant-drain",
                  "reason": "needs Traces, the network gives Logs"
                }
              ],
              "block": {
                "hash": "0x1a2238fe40656e9e7f4e51c7eeb6b8267a7934ec0cb24c71e45a5f49511d700a",
                "number": 19426468
              },
              "endpoint": "own-node",
              "monitors_judged": 13,
              "monitors_version": "7",
              "reason": null,
              "result": "judged"
            },
            {
              "at": {
                "iso": "2024-03-09T15:55:58Z",
                "unix": 1709999758
              },
              "blind": [],
              "block": {
                "hash": "0x7a3b8b95258c12ad52400dd34821f2e75a53ce5dfd9e026c4bfe0aef2b5c782c",
                "number": 19426467
              },
              "endpoint": null,
              "monitors_judged": 0,
              "monitors_version": "7",
              "reason": "block could not be verified: receipts root differs: 0x51c0… from the header, 0x9a7e… recomputed",
              "result": "quarantined"
            }
          ],
          "next": "19426467"
        }"#]]).await;
}

#[tokio::test]
async fn a_series_is_columns() {
    let served = Served::full().await;
    let path = "/api/v1/series?metric=failed_ratio_upper&label.contract=vault&label.function=withdraw\
                &from=1709999700&until=1710000000&step=100";
    check(
        &served,
        path,
        200,
        expect![[r#"
        {
          "from": {
            "iso": "2024-03-09T15:55:00Z",
            "unix": 1709999700
          },
          "metric": "failed_ratio_upper",
          "series": [
            {
              "labels": {
                "contract": "vault",
                "function": "withdraw",
                "monitor": "failed-calls",
                "network": "mainnet"
              },
              "network": "mainnet",
              "points": {
                "at": [
                  1709999700,
                  1709999800,
                  1709999900
                ],
                "last": [
                  0.055411764705882355,
                  0.055411764705882355,
                  0.055411764705882355
                ],
                "max": [
                  0.055411764705882355,
                  0.055411764705882355,
                  0.055411764705882355
                ],
                "mean": [
                  0.05541176470588237,
                  0.05541176470588237,
                  0.05541176470588237
                ],
                "min": [
                  0.055411764705882355,
                  0.055411764705882355,
                  0.055411764705882355
                ],
                "n": [
                  8,
                  8,
                  9
                ]
              }
            }
          ],
          "step_s": 100,
          "until": {
            "iso": "2024-03-09T16:00:00Z",
            "unix": 1710000000
          }
        }"#]],
    )
    .await;
    let metrics = served.get("/api/v1/series").await.json();
    assert!(metrics["metrics"].as_array().unwrap().contains(&"gas_mean_gas".into()));
}

#[tokio::test]
async fn deployments_and_messages() {
    let served = Served::full().await;
    check(
        &served,
        "/api/v1/deployments?network=base",
        200,
        expect![[r#"
        {
          "items": [
            {
              "abi_known": true,
              "address": "0xf721eA6B3Ec88def0A8C3d3F7d31E775EEd05347",
              "class": "bridge",
              "first_block": 18000000,
              "label": "bridge",
              "network": "base",
              "protocol": "meridian",
              "url": "https://basescan.org/address/0xf721eA6B3Ec88def0A8C3d3F7d31E775EEd05347",
              "value_at_risk": {
                "decimals": 6,
                "raw": "3100000000000",
                "symbol": "USDC",
                "text": "3,100,000 USDC"
              }
            }
          ],
          "next": null
        }"#]],
    )
    .await;
    check(
        &served,
        "/api/v1/outbox",
        200,
        expect![[r#"
            {
              "alarms": [],
              "delivered": 7,
              "delivered_lately": 7,
              "due": 1,
              "due_tried": 1,
              "failed": 1,
              "failed_lately": 1,
              "oldest_due_s": 902,
              "undecided": 0,
              "undelivered": [
                {
                  "alert": "40a74b4c92f5b42378cb6415474e3f0a",
                  "alerts": 1,
                  "at": {
                    "iso": "2024-03-09T15:46:40.000Z",
                    "unix_ms": 1709999200000
                  },
                  "attempts": 1,
                  "decided_at": {
                    "iso": "2024-03-09T15:45:57.840Z",
                    "unix_ms": 1709999157840
                  },
                  "detail": "404 Not Found: no such webhook",
                  "form": "notice",
                  "id": "f31b2eca19702d6dac60dc973fdbecaf",
                  "kind": "opened",
                  "person": null,
                  "reason": "first finding",
                  "receiver": "chat",
                  "sequence": 0,
                  "state": "failed"
                },
                {
                  "alert": "e2a28d173f88422200aecd370f640cb9",
                  "alerts": 1,
                  "at": {
                    "iso": "2024-03-09T16:00:42.000Z",
                    "unix_ms": 1710000042000
                  },
                  "attempts": 4,
                  "decided_at": {
                    "iso": "2024-03-09T15:44:57.840Z",
                    "unix_ms": 1709999097840
                  },
                  "detail": null,
                  "form": "notice",
                  "id": "bca2a39ebf35e3849599cd8766f333de",
                  "kind": "opened",
                  "person": null,
                  "reason": "first finding",
                  "receiver": "chat",
                  "sequence": 0,
                  "state": "due"
                }
              ]
            }"#]],
    )
    .await;
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_says_what_could() {
    let served = Served::full().await;
    let mut told = String::new();
    for path in [
        "alerts?severity=hi",
        "alerts?stat=confirmed",
        "alerts?limit=0",
        "alerts?limit=1&limit=2",
        "alerts?cursor=2",
        "alerts?since=yesterday",
        "alerts?network=goerli",
        "alerts?monitor=Not%20A%20Name",
        "alerts/zz",
        "coverage",
        "series?metric=calls&step=0",
        "series?metric=calls&from=0&until=1710000000&step=1",
        "nothing",
    ] {
        let answer = served.get(&format!("/api/v1/{path}")).await;
        told.push_str(&format!("{path}\n  {} {}\n", answer.status, answer.body));
    }
    let answer = served.ask("POST", "/api/v1/alerts", "").await;
    told.push_str(&format!("POST\n  {} {}\n", answer.status, answer.body));
    expect![[r#"
        alerts?severity=hi
          400 {"error":"severity: unknown value \"hi\"","allowed":["info","low","medium","high","critical"]}
        alerts?stat=confirmed
          400 {"error":"unknown parameter \"stat\"","allowed":["network","monitor","deployment","state","open","drills","severity","since","until","cursor","limit"]}
        alerts?limit=0
          400 {"error":"limit: \"0\" is not a number in range","allowed":["1 to 500"]}
        alerts?limit=1&limit=2
          400 {"error":"parameter \"limit\" is given twice","allowed":[]}
        alerts?cursor=2
          400 {"error":"cursor: \"2\" is not a cursor; use the one that the previous page ended with","allowed":[]}
        alerts?since=yesterday
          400 {"error":"since: \"yesterday\" is not a moment","allowed":["1700000000","2023-11-14T22:13:20Z"]}
        alerts?network=goerli
          400 {"error":"network: unknown value \"goerli\"","allowed":["mainnet","base","gnosis"]}
        alerts?monitor=Not%20A%20Name
          400 {"error":"monitor: name \"Not A Name\" has 'N' at position 0; allowed are a-z, 0-9, '-', '_', '.', and the first must be a letter or digit","allowed":[]}
        alerts/zz
          404 {"error":"there is no alert \"zz\"","allowed":[]}
        coverage
          400 {"error":"parameter \"network\" is missing","allowed":["mainnet","base","gnosis"]}
        series?metric=calls&step=0
          400 {"error":"bad query: a step of 0 seconds","allowed":[]}
        series?metric=calls&from=0&until=1710000000&step=1
          400 {"error":"buckets: 1710000000 asked for, at most 11000 in one query","allowed":[]}
        nothing
          404 {"error":"the API has no \"/nothing\"","allowed":["/api/v1/status","/api/v1/networks","/api/v1/coverage","/api/v1/ledger","/api/v1/alerts","/api/v1/alerts/{id}","/api/v1/findings","/api/v1/series","/api/v1/deployments","/api/v1/addresses/{network}/{address}","/api/v1/threats","/api/v1/fatigue","/api/v1/outbox"]}
        POST
          405 {"error":"the API is only read","allowed":["GET","HEAD"]}
    "#]].assert_eq(&told);
}

#[tokio::test]
async fn health_readiness_and_metrics() {
    let served = Served::full().await;
    let alive = served.get("/healthz").await;
    assert_eq!((alive.status, alive.body.as_str()), (200, "alive\n"));
    check(&served, "/readyz", 503, expect![[r#"
        {
          "ready": false,
          "reasons": [
            {
              "code": "undelivered",
              "network": null,
              "text": "1 message is not delivered, the oldest has been waiting for 15 min"
            },
            {
              "code": "lag",
              "network": "base",
              "text": "catching up, 2 min behind the head (100 blocks)"
            },
            {
              "code": "no_endpoint",
              "network": "gnosis",
              "text": "no endpoint can be used; public is unchecked: eth_chainId: connection refused"
            },
            {
              "code": "nothing_judged",
              "network": "gnosis",
              "text": "no block judged yet, and no endpoint has shown a block"
            }
          ]
        }"#]]).await;
    let metrics = served.get("/metrics").await;
    assert_eq!(
        metrics.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    for line in [
        "bellwether_lag_seconds{network=\"base\"} 120.0",
        "bellwether_coverage_blocks{network=\"base\",result=\"missing\"} 4.0",
        "bellwether_blind_monitors{network=\"mainnet\",state=\"warming_up\"} 1.0",
        "bellwether_endpoint_up{network=\"base\",endpoint=\"provider\"} 0.0",
        "bellwether_alerts{state=\"retracted\",severity=\"high\"} 1.0",
        "bellwether_trust{verdict=\"partly\"} 1.0",
    ] {
        assert!(metrics.body.contains(line), "{line} is not in {}", metrics.body);
    }
    for unknown in ["head_judged_block", "lag_seconds", "blind_monitors"] {
        let unknown = format!("bellwether_{unknown}{{network=\"gnosis\"");
        assert!(!metrics.body.contains(&unknown), "{unknown} is not known, so it is absent");
    }
}

/// `docs/metrics.md`, `docs/api.md` and `docs/trust.md` name everything there is.
#[tokio::test]
async fn every_metric_and_every_code_is_documented() {
    let docs = |file: &str| {
        let path = format!("{}/../../docs/{file}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let (metrics, api, trust) = (docs("metrics.md"), docs("api.md"), docs("trust.md"));
    let scraped = Served::full().await.get("/metrics").await;
    let names: Vec<&str> = scraped
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next())
        .collect();
    assert!(names.len() > 15);
    for name in &names {
        assert!(metrics.contains(&format!("`{name}`")), "{name} is not in docs/metrics.md");
    }
    let documented = metrics.matches("| `bellwether_").count();
    assert_eq!(documented, names.len(), "docs/metrics.md documents something that is gone");
    for code in bellwether::snapshot::Code::ALL {
        assert!(
            trust.contains(&format!("`{}`", code.as_str())),
            "{code:?} is not in docs/trust.md"
        );
    }
    assert!(api.lines().count() <= 150);
}
