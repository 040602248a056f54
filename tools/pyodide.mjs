// Run a script in CPython 3.14 or 3.15 where there is node and no such interpreter, with this machine's files:
// `node pyodide.mjs FOLDER [-W ACTION] [-c CODE | SCRIPT] [ARGUMENT...]`, with FOLDER an unpacked npm package `pyodide`.

import { readFileSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...rest] = process.argv.slice(2);
if (rest[0] === "-W") rest.splice(0, 2);
const isCode = rest[0] === "-c";
const code = isCode ? rest[1] : readFileSync(rest[0], "utf8");
const script = isCode ? "-c" : resolve(rest[0]);
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")).href);
const output = [];
const pyodide = await loadPyodide({ stdout: (line) => output.push(line), stderr: (line) => console.error(line) });
for (const name of readdirSync("/")) {
  if (["dev", "lib", "proc", "sys"].includes(name)) continue; // its own
  try {
    pyodide.mountNodeFS(`/${name}`, `/${name}`);
  } catch {
    // neither a folder, nor needed
  }
}
pyodide.globals.set("input_text", isCode ? "" : readFileSync(0, "utf8"));
pyodide.globals.set("arguments", pyodide.toPy([script, ...rest.slice(isCode ? 2 : 1)]));
pyodide.runPython("import io, sys, warnings; sys.stdin = io.StringIO(input_text); sys.argv = arguments; warnings.simplefilter('ignore')");
const names = pyodide.toPy({ __name__: "__main__", __file__: script });
pyodide.runPython(code, { globals: names, filename: script });
console.log(output.join("\n"));
