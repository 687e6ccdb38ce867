export * from "@ktables/record-batch";
