#!/usr/bin/env node
import { main } from "./cli/main.ts";

// The bundle of this file lies as deep in the package as its source.
void main(new URL("../package.json", import.meta.url));
