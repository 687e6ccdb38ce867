export * from "@ktables/client";
