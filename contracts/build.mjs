// Compiles src/*.sol with the pinned solc and writes artifacts/<Name>.json, and lint/*.sol with
// their syntax trees into lint/<Name>.json; with --check it only compares. Deterministic: no metadata
// hash, fixed settings, sorted output.
import { readdirSync, readFileSync, writeFileSync, mkdirSync, existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const isCheck = process.argv.includes("--check");
const compile = (folder, outputs) => {
  const files = readdirSync(join(here, folder)).filter((file) => file.endsWith(".sol")).sort();
  const sources = Object.fromEntries(
    files.map((file) => [`${folder}/${file}`, { content: readFileSync(join(here, folder, file), "utf8") }]),
  );
  const input = {
    language: "Solidity",
    sources,
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: "cancun",
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: outputs,
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const problems = (output.errors ?? []).map((problem) => problem.formattedMessage);
  if (problems.length > 0) {
    console.error(problems.join("\n"));
    process.exit(1);
  }
  return { input, output };
};
const wanted = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"];
const { output } = compile("src", { "*": { "*": wanted } });

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

// Build information as Hardhat and Foundry keep it, without what the lints never read.
const builds = new Map();
const lint = compile("lint", { "*": { "*": ["abi", "evm.deployedBytecode.object"], "": ["ast"] } });
const unread = new Set(["typeIdentifier", "nameLocation", "nameLocations", "memberLocation", "argumentTypes"]);
const keep = (key, value) => (unread.has(key) ? undefined : value);
for (const [path, { ast }] of Object.entries(lint.output.sources)) {
  const build = {
    _format: "hh-sol-build-info-1",
    input: { language: "Solidity", sources: { [path]: lint.input.sources[path] } },
    output: { sources: { [path]: { ast } }, contracts: { [path]: lint.output.contracts[path] } },
  };
  builds.set(path.replace(/^lint\/(.*)\.sol$/, "$1.json"), `${JSON.stringify(build, keep)}\n`);
}

const stale = [];
const bring = (name, texts) => {
  const folder = join(here, name);
  mkdirSync(folder, { recursive: true });
  const gone = readdirSync(folder).filter((file) => file.endsWith(".json") && !texts.has(file));
  stale.push(...gone);
  for (const [file, text] of texts) {
    const path = join(folder, file);
    if (existsSync(path) && readFileSync(path, "utf8") === text) continue;
    stale.push(file);
    if (!isCheck) writeFileSync(path, text);
  }
  if (!isCheck) gone.forEach((file) => rmSync(join(folder, file)));
};
bring("artifacts", artifacts);
bring("lint", builds);
if (isCheck && stale.length > 0) {
  console.error(`out of date: ${stale.sort().join(", ")}; run cargo xtask contracts`);
  process.exit(1);
}
console.log(`${artifacts.size} contracts compiled with solc ${solc.version()}`);
