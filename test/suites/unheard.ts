/** An observer of a store that listens to nothing, as most tables are observed. */
export const unheard = {
  wantsOldValues: false,
  onSet: undefined,
  onDelete: undefined,
  onSkip: () => undefined,
  onCrossPartition: () => undefined,
  onCallbackError: () => undefined,
};
