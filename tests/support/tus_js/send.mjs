// Uploads one file with tus-js-client and prints what happened as one line of JSON.
// Arguments: one JSON object {path, endpoint, token, chunkSize?, isLive?, retryDelays?}.
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { Upload } from "tus-js-client";

const asked = JSON.parse(process.argv[2]);
const began = Date.now();
let retries = 0;

// A live source does not know its length: chunks of what has been recorded so far.
function source() {
  const file = createReadStream(asked.path);
  return asked.isLive ? Readable.from(file) : file;
}

const upload = new Upload(source(), {
  endpoint: asked.endpoint,
  headers: { Authorization: `Bearer ${asked.token}` },
  chunkSize: asked.chunkSize ?? Infinity,
  uploadLengthDeferred: asked.isLive ?? false,
  retryDelays: asked.retryDelays ?? [0, 50, 100, 200, 500, 1000, 2000],
  metadata: { filename: "update.webm", filetype: "video/webm" },
  onShouldRetry: (error) => {
    retries += 1;
    const status = error.originalResponse?.getStatus() ?? 0;
    return status < 400 || status >= 500 || status === 409 || status === 423;
  },
  onError: (error) => {
    console.log(JSON.stringify({ isSent: false, retries, reason: String(error) }));
    process.exit(1);
  },
  onSuccess: () => {
    console.log(JSON.stringify({ isSent: true, retries, url: upload.url, ms: Date.now() - began }));
  },
});
upload.start();
