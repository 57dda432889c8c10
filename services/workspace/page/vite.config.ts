import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

/** Compress once here, so that no request waits for it. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle(options) {
      const assets = join(options.dir ?? "dist", "assets");
      for (const name of readdirSync(assets)) {
        const content = readFileSync(join(assets, name));
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(content));
        writeFileSync(join(assets, `${name}.gz`), gzipSync(content, { level: 9 }));
      }
    },
  };
}

/** media-chrome writes style elements into its shadow roots; our policy wants them to carry the nonce. */
function playerStylesWithNonce(): Plugin {
  return {
    name: "player-styles-with-nonce",
    transform(code, id) {
      if (!id.includes("/media-chrome/")) return null;
      const nonce = '<style nonce="${document.querySelector("meta[property=csp-nonce]")?.nonce ?? ""}">';
      return { code: code.replaceAll("<style>", nonce), map: null };
    },
  };
}

export default defineConfig({
  plugins: [preact(), playerStylesWithNonce(), compressed()],
  // The server puts a fresh value here with every reply.
  html: { cspNonce: "__NONCE__" },
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
});
