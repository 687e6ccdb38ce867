/** Values by group and member. A group exists as long as it has a member. */
export class GroupIndex<V> {
  readonly #groups = new Map<string, Map<string, V>>();

  /** Groups. */
  get size(): number {
    return this.#groups.size;
  }

  get(group: string): ReadonlyMap<string, V> | undefined {
    return this.#groups.get(group);
  }

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  groups(): Set<string> {
    return new Set(this.#groups.keys());
  }

  set(group: string, member: string, value: V): void {
    const members = this.#groups.get(group);
    if (members === undefined) this.#groups.set(group, new Map([[member, value]]));
    else members.set(member, value);
  }

  delete(group: string, member: string): void {
    const members = this.#groups.get(group);
    if (members?.delete(member) === true && members.size === 0) this.#groups.delete(group);
  }

  clear(): void {
    this.#groups.clear();
  }

  /** A copy at both levels; the values are shared. */
  snapshot(): Map<string, Map<string, V>> {
    return new Map(Array.from(this.#groups, ([group, members]) => [group, new Map(members)]));
  }
}
