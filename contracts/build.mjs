// Compiles src/*.sol with the pinned solc and writes artifacts/<Name>.json; with --check it only
// compares. Deterministic: no metadata hash, fixed settings, sorted output.
import { readdirSync, readFileSync, writeFileSync, mkdirSync, existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const isCheck = process.argv.includes("--check");
const files = readdirSync(join(here, "src")).filter((file) => file.endsWith(".sol")).sort();
const input = {
  language: "Solidity",
  sources: Object.fromEntries(
    files.map((file) => [`src/${file}`, { content: readFileSync(join(here, "src", file), "utf8") }]),
  ),
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: "cancun",
    metadata: { appendCBOR: false, bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const problems = (output.errors ?? []).map((problem) => problem.formattedMessage);
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}

const artifacts = new Map();
for (const contracts of Object.values(output.contracts)) {
  for (const [contractName, { abi, evm }] of Object.entries(contracts)) {
    const artifact = {
      contractName,
      abi,
      bytecode: `0x${evm.bytecode.object}`,
      deployedBytecode: `0x${evm.deployedBytecode.object}`,
    };
    artifacts.set(`${contractName}.json`, `${JSON.stringify(artifact, null, 1)}\n`);
  }
}

const folder = join(here, "artifacts");
mkdirSync(folder, { recursive: true });
const stale = readdirSync(folder).filter((file) => !artifacts.has(file));
for (const [file, text] of artifacts) {
  const path = join(folder, file);
  if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
  stale.push(file);
  if (!isCheck) writeFileSync(path, text);
}
if (isCheck && stale.length > 0) {
  console.error(`out of date: ${stale.sort().join(", ")}; run cargo xtask contracts`);
  process.exit(1);
}
if (!isCheck) stale.filter((file) => !artifacts.has(file)).forEach((file) => rmSync(join(folder, file)));
console.log(`${artifacts.size} contracts compiled with solc ${solc.version()}`);
