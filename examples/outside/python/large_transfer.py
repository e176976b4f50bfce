#!/usr/bin/env python3
"""An outside detector: native transfers above a threshold.

Reads one block a line on standard input and answers one line each. The environment is empty, the
current folder is the one with bellwether.toml, and memory, time and findings are limited.

    [[detector]]                              # outside.toml
    name = "large-transfer"
    command = ["/usr/bin/python3", "bots/large_transfer.py"]
    severity_max = "medium"
"""

import json
import sys

THRESHOLD_WEI = 1_000 * 10**18


def judge(bundle):
    guarded = {d["address"].lower(): d["label"] for d in bundle["deployments"]}
    for tx in bundle["transactions"]:
        value = int(tx["value"])
        to = (tx["to"] or "").lower()
        if value < THRESHOLD_WEI or tx["status"] != "success":
            continue
        yield {
            "severity": "medium" if to in guarded else "low",
            "title": f"{value // 10**18} ether in one transaction",
            "key": tx["hash"],
            "tx": tx["hash"],
            "deployment": guarded.get(to),
            "facts": {"from": tx["from"], "to": tx["to"], "wei": tx["value"]},
        }


for line in sys.stdin:
    print(json.dumps({"findings": list(judge(json.loads(line)))}), flush=True)
