// Compiles layouts/*.sol with the pinned solc and writes what the registry's tests read: solc's
// standard output with storage layouts and syntax trees, without the keys that nothing reads.
// node layouts.mjs [--check]
import { readdirSync, readFileSync, writeFileSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../crates/registry/src/layout/tests/fixtures");
const isCheck = process.argv.includes("--check");
const unread = new Set([
  "nameLocation", "nameLocations", "keyNameLocation", "valueNameLocation", "memberLocation", "scope",
  "exportedSymbols", "argumentTypes", "isConstant", "isLValue", "isPure", "lValueRequested",
  "functionReturnParameters", "opcodes", "sourceMap", "generatedSources", "functionDebugData",
  "overloadedDeclarations", "externalReferences", "nativeSrc", "YulAST", "linkReferences", "hexValue",
]);
const kept = (value) => {
  if (Array.isArray(value)) return value.map(kept);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => !unread.has(key)).map(([key, inner]) => [key, kept(inner)]),
  );
};

let stale = 0;
for (const file of readdirSync(join(here, "layouts")).sort()) {
  const input = {
    language: "Solidity",
    sources: { [file]: { content: readFileSync(join(here, "layouts", file), "utf8") } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: "cancun",
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: {
        "*": {
          "*": [
            "storageLayout", "transientStorageLayout", "evm.deployedBytecode.object",
            "evm.deployedBytecode.immutableReferences", "evm.methodIdentifiers",
          ],
          "": ["ast"],
        },
      },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((problem) => problem.severity === "error");
  if (errors.length > 0) {
    console.error(errors.map((problem) => problem.formattedMessage).join("\n"));
    process.exit(1);
  }
  delete output.errors;
  const text = `${JSON.stringify(kept(output))}\n`;
  const path = join(target, file.replace(".sol", ".json"));
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  stale += 1;
  if (!isCheck) writeFileSync(path, text);
}
if (isCheck && stale > 0) {
  console.error(`${stale} layout fixtures are out of date; run node contracts/layouts.mjs`);
  process.exit(1);
}
