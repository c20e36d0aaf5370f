import { readModelScript } from "@windshift/testing/model-script.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";

/**
 * The scripted model as a process of its own, so that it can outlive the demo (`--keep`).
 * Arguments: the script's file, a key that callers must show. Prints its address as one line.
 */
const [scriptFile, apiKey] = [process.argv[2], process.env.DEMO_MODEL_KEY];
if (scriptFile === undefined || !apiKey) throw new Error("usage: DEMO_MODEL_KEY=… model-process.ts SCRIPT");
const model = await startScriptedModel({ script: readModelScript(scriptFile), apiKey });
process.stdout.write(`${model.url}\n`);
