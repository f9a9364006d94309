/** Items that wait in groups, which take turns: whoever brings thousands does not delay the others. Groups keep their order. */
export class RoundRobin<Item> {
  /** In the order of their turns. None is empty. */
  readonly #groups = new Map<string, Item[]>();

  add(group: string, item: Item): void {
    const items = this.#groups.get(group);
    if (items === undefined) this.#groups.set(group, [item]);
    else items.push(item);
  }

  /** Takes the next item for which `accept` returns something, and returns both. Items passed over keep their place. */
  take<Given>(accept: (item: Item) => Given | undefined): { item: Item; given: Given } | undefined {
    for (const [group, items] of this.#groups) {
      for (const [index, item] of items.entries()) {
        const given = accept(item);
        if (given === undefined) continue;
        items.splice(index, 1);
        this.#groups.delete(group);
        if (items.length > 0) this.#groups.set(group, items);
        return { item, given };
      }
    }
    return undefined;
  }

  clear(): Item[] {
    const all = this.all();
    this.#groups.clear();
    return all;
  }

  all(): Item[] {
    return [...this.#groups.values()].flat();
  }
}
