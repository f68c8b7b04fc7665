// The AWS SDK for JavaScript, one call a line: {"action", "parameters"} on stdin, {"answer"} or {"error", "message"} on stdout.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(process.argv[2]); // where the packages are installed
const sdk = require("@aws-sdk/client-sfn");
const client = new sdk.SFNClient({
  endpoint: process.argv[3],
  region: "us-east-1",
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
  disableHostPrefix: true,
  maxAttempts: 1,
});

for await (const line of createInterface({ input: process.stdin })) {
  const { action, parameters } = JSON.parse(line);
  let said;
  try {
    const { $metadata, ...answer } = await client.send(new sdk[`${action}Command`](parameters));
    said = { answer };
  } catch (error) {
    said = { error: error.name, message: error.message };
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}
