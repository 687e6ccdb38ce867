export * from "@ktables/client/testing";
