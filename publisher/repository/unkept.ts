/** Counts what the user who runs this may not keep, to say so once. */
export class Unkept {
  #owners = 0;
  #devices = 0;
  #xattrs = 0;

  owner(): void {
    this.#owners++;
  }

  device(): void {
    this.#devices++;
  }

  xattr(): void {
    this.#xattrs++;
  }

  /** What was lost, in words; `undefined`: nothing. */
  summary(): string | undefined {
    const lost = [
      this.#owners === 0 ? [] : [`the owners of ${this.#owners} entries`],
      this.#devices === 0 ? [] : [`${this.#devices} devices`],
      this.#xattrs === 0 ? [] : [`extended attributes of ${this.#xattrs} paths`],
    ].flat();
    if (lost.length === 0) return undefined;
    return `${lost.join(', ')} could not be kept: that needs root, on a file system that has them`;
  }
}
