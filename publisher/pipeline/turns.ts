/**
 * Things that wait in groups, which take turns: whoever brings thousands does not keep the others waiting. Within a group
 * they stay in order.
 */
export class Turns<Item> {
  /** The group whose turn it is comes first. None is empty. */
  readonly #groups = new Map<string, Item[]>();

  get count(): number {
    return [...this.#groups.values()].reduce((sum, items) => sum + items.length, 0);
  }

  add(group: string, item: Item): void {
    const items = this.#groups.get(group);
    if (items === undefined) this.#groups.set(group, [item]);
    else items.push(item);
  }

  /** Takes out the next one for which `accept` gives something, with what it gave. Those before it stay first. */
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

  /** Takes out all. */
  clear(): Item[] {
    const all = [...this.#groups.values()].flat();
    this.#groups.clear();
    return all;
  }

  all(): Item[] {
    return [...this.#groups.values()].flat();
  }
}
