import { buildImage, imageName } from "./container-image.ts";
import { DEFAULT_KAFKA_VERSION } from "./kafka-versions.ts";

/** Command: `node test/harness/build-image.ts [version]` builds the image that the testcontainers launcher starts. */
const version = process.argv[2] ?? DEFAULT_KAFKA_VERSION;
const started = performance.now();
await buildImage(version);
console.log(`${imageName(version)} built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
