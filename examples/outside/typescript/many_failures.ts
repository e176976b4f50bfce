// An outside detector: a block in which one sender fails again and again.
//
// Served over HTTP on this machine; runs as it is with Node 23.6 or newer (`node many_failures.ts`).
//
//     [[detector]]                              # outside.toml
//     name = "many-failures"
//     url = "http://127.0.0.1:9000/judge"
//     severity_max = "low"

import { createServer } from "node:http";

type Transaction = { hash: string; from: string; status: string };
type Bundle = { network: string; block: { number: number }; transactions: Transaction[] };
type Finding = { severity: string; title: string; key: string; facts: Record<string, unknown> };

const FAILURES_MIN = 5;

function judge(bundle: Bundle): Finding[] {
  const failures = new Map<string, number>();
  for (const tx of bundle.transactions) {
    if (tx.status === "failed") failures.set(tx.from, (failures.get(tx.from) ?? 0) + 1);
  }
  return [...failures]
    .filter(([, count]) => count >= FAILURES_MIN)
    .map(([from, count]) => ({
      severity: "low",
      title: `${count} failed transactions of one sender in block ${bundle.block.number}`,
      key: from,
      facts: { sender: from, failures: count },
    }));
}

createServer(async (request, response) => {
  try {
    let body = "";
    for await (const chunk of request) body += chunk;
    const findings = judge(JSON.parse(body) as Bundle);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ findings }));
  } catch (error) {
    // Never an empty list: whoever asks must know that nothing was judged.
    response.writeHead(500);
    response.end(String(error));
  }
}).listen(Number(process.env["PORT"] ?? 9000), "127.0.0.1");
