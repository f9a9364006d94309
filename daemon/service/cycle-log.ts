import { type Failure, stackOf, withHint } from '../../core/failure.ts';
import { displayPath } from '../../core/system/byte-path.ts';
import { counted, formatBytes, localTime, printable } from '../../core/text.ts';
import type { Event, FailureText, ImageResult } from '../../publisher/image/events.ts';
import { STOPPING, UNREACHABLE } from '../../publisher/image/own-failure.ts';
import type { Plan, Removal } from '../../wishlist/meaning/plan.ts';
import { reasonText } from '../../wishlist/meaning/removal-words.ts';
import type { SourceContent, SourceState } from '../../wishlist/sources/source.ts';
import type { Collected } from '../collection/collector.ts';
import { staleText } from '../configuration/sources/sources.ts';
import type { Expanded } from '../cycle/cycle.ts';
import type { RepositoryReport } from '../cycle/repository-work.ts';
import { differenceText, type VerifiedImage } from '../verification/verifier.ts';
import { type EventHandlers, handleEvent } from '../output/display.ts';
import { commitText, formatDuration, registryOf, requestText, shortDigest } from '../output/format.ts';
import { problemEvents } from '../output/recipe-lines.ts';
import type { Log, LogRecord } from '../systemd/log.ts';

/** Reasons logged of one collection. */
const MOST_HELD = 5;

/** Last logged reason of failing images, by label. */
type Reasons = Map<string, string>;

/** Writes the log of the daemon: a line for each change, none for what stays as it was. */
export class CycleLog {
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #repetition: Repetition;
  /** By source, the text last logged. */
  readonly #sources = new Map<string, string>();
  readonly #reasons = new Map<string, Reasons>();
  readonly #stopped = new Map<string, string>();
  /** By unreachable registry, the failure code last logged. */
  readonly #outages = new Map<string, string>();
  /** By repository, the plan last logged; cleared once some of it is done. */
  readonly #plans = new Map<string, string>();
  /** By repository, the latest plan. */
  readonly #latest = new Map<string, Plan>();

  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#repetition = new Repetition(nowMs);
  }

  note(message: string, fields: LogRecord['fields'] = {}): void {
    this.#log.write({ priority: 6, message, fields });
  }

  warn(message: string, fields: LogRecord['fields'] = {}): void {
    this.#log.write({ priority: 4, message, fields });
  }

  error(message: string, fields: LogRecord['fields'] = {}): void {
    this.#log.write({ priority: 3, message, fields });
  }

  /** Logs changes in sources and wishes. */
  expanded(found: Expanded): void {
    for (const source of found.sources) this.#source(source);
    for (const { type, message } of problemEvents(found.recipes, found.expansion))
      if (type === 'warning') this.#warnOnce(message);
      else this.#noteOnce(message);
    for (const { failure } of found.lines) this.#warnOnce(withHint(failure), { code: failure.code });
  }

  /** Logs a plan that differs from the last one. */
  planned(repository: string, plan: Plan): void {
    const { add, update, remove } = plan;
    this.#latest.set(repository, plan);
    const parts = [
      ...(add.length > 0 ? [`${counted(add.length, 'image')} to add`] : []),
      ...(update.length > 0 ? [`${counted(update.length, 'image')} to update`] : []),
    ];
    const images = JSON.stringify([...add, ...update].map(({ image, digest }) => [image.publicName, digest]));
    if (parts.length > 0 && this.#plans.get(repository) !== images) {
      this.note(parts.join(', '), { repository });
      this.#plans.set(repository, images);
    }
    for (const removal of remove) {
      const { published, reason } = removal;
      const { publicName: image } = published;
      const isNew = this.#repetition.isNew(`${repository} ${image} ${reason}`);
      if (isNew && published.unwantedSinceMs === undefined)
        this.note(removalText(removal), { repository, image });
    }
  }

  /** Logs that nothing was to be done in the repositories of `reports`, if so. */
  firstCycleEnded(reports: readonly RepositoryReport[]): void {
    const plans = reports.map(({ repository }) => this.#latest.get(repository));
    const isIdle = plans.every(
      (plan) => plan !== undefined && plan.add.length + plan.update.length + plan.unknown.length === 0,
    );
    const isFine = reports.every(
      ({ stopped, images }) =>
        stopped === undefined && images.every(({ result }) => result.outcome === 'unchanged'),
    );
    const count = plans.reduce((sum, plan) => sum + (plan?.unchanged.length ?? 0), 0);
    if (isIdle && isFine && count > 0)
      this.note(count === 1 ? 'the image is current' : `all ${count} images are current`);
  }

  /** Logs when a repository becomes unusable or usable again. */
  stopped(repository: string, failure: FailureText | undefined): void {
    const before = this.#stopped.get(repository);
    if (failure === undefined) {
      if (before !== undefined) this.note('images can be published again', { repository });
      this.#stopped.delete(repository);
      return;
    }
    const message = `nothing can be published: ${withHint(failure)}`;
    if (before !== failure.code) this.error(message, { repository, code: failure.code });
    this.#stopped.set(repository, failure.code);
  }

  /** Logs why the wishes are unknown, unless that was logged before. */
  cycleFailed(failure: Failure): void {
    const message = `cannot tell what to publish: ${withHint(failure)}`;
    if (this.#repetition.isNew(message)) this.error(message, { code: failure.code });
  }

  /** Logs why work beside the cycles could not be done, unless that was logged before. */
  choreFailed(failure: Failure, repository?: string): void {
    const message = withHint(failure);
    if (this.#repetition.isNew(`${repository ?? ''} ${message}`))
      this.error(message, { repository, code: failure.code });
  }

  /** Logs what a collection took away, and what held it back. */
  collected(repository: string, { report, failure }: Collected): void {
    const { swept, marked, blocked } = report;
    const parts = [
      ...(swept.length > 0 ? [`${counted(swept.length, 'tree')} that nothing refers to taken away`] : []),
      ...(marked.length > 0
        ? [`${counted(marked.length, 'tree')} marked that nothing refers to any more`]
        : []),
    ];
    if (parts.length > 0) this.note(parts.join(', '), { repository });
    const hint = `"unpackd gc --dry-run ${repository}" says more`;
    for (const { path, why } of blocked.slice(0, MOST_HELD))
      this.#warnOnce(`nothing is taken away that may be referred to: ${printable(path)}: ${why}; ${hint}`, {
        repository,
      });
    if (failure !== undefined) this.#warnOnce(withHint(failure), { repository, code: failure.code });
  }

  /** Logs what a verification that began at `beganMs` found out first. */
  verified(repository: string, image: VerifiedImage, beganMs: number): void {
    const { name, findings, more, unknown, isRepaired, failure } = image;
    const fields = { repository, image: name };
    const [first] = findings;
    for (const reason of unknown)
      this.#noteOnce(`${printable(name)} could not be verified: ${printable(reason)}`, fields);
    if (first === undefined || findings.every(({ sinceMs }) => sinceMs < beganMs)) return;
    const count = counted(findings.length + more, 'difference');
    const what = `${count}, the first at ${displayPath(first.path)}: ${printable(differenceText(first))}`;
    const remedy = isRepaired
      ? 'it is repaired'
      : `"unpackd verify --repair ${repository} ${printable(name)}" repairs it`;
    const why = failure === undefined ? '' : `; it could not be repaired: ${withHint(failure)}`;
    this.warn(`${printable(name)} is damaged: ${what}; ${remedy}${why}`, fields);
  }

  /** Logs events of a repository; `undefined`: events that concern none. */
  observer(repository: string | undefined): (event: Event) => void {
    const handlers = this.#handlers(repository);
    return (event) => handleEvent(handlers, event);
  }

  #source({ name, content, failure, failingSince }: SourceState): void {
    const { commit } = content ?? {};
    const key = failure === undefined ? inForceText(content) : failure.code;
    if (this.#sources.get(name) === key) return;
    this.#sources.set(name, key);
    const fields = { source: name, commit: commit?.hash, code: failure?.code };
    if (failure === undefined) {
      this.note(`source ${name}: ${key}`, fields);
      return;
    }
    const never = `${withHint(failure)}; it was never read`;
    this.warn(`source ${name}: ${content === undefined ? never : staleText(failure, failingSince)}`, fields);
    if (failure.code === 'bug') for (const line of stackOf(failure).split('\n')) this.error(line, fields);
  }

  #handlers(repository: string | undefined): EventHandlers {
    let started = { title: '', contentBytes: 0, ms: this.#nowMs() };
    return {
      note: ({ message }) => this.#noteOnce(message, { repository }),
      waiting: ({ message }) => this.note(message, { repository }),
      'image-removed': ({ image, reason }) => this.note(`removed ${image}: ${reason}`, { repository, image }),
      warning: ({ message }) => this.#warnOnce(message, { repository }),
      bug: ({ image, stack }) => {
        for (const line of stack.split('\n')) this.error(line, { repository, image, code: 'bug' });
      },
      request: (request) => this.#log.write({ priority: 7, message: requestText(request) }),
      'layer-finished': ({ image, layer, sizeBytes, error }) => {
        if (error !== undefined) return;
        const message = `fetched ${shortDigest(layer)} (${formatBytes(sizeBytes)}) of ${image}`;
        this.#log.write({ priority: 7, message, fields: { repository, image, layer } });
      },
      'publication-started': ({ images, contentBytes, title = counted(images, 'image') }) => {
        started = { title, contentBytes, ms: this.#nowMs() };
      },
      'publication-finished': ({ layers, revision, inputWaitMs, error, code }) => {
        // What has no room is said of the images.
        if (code === 'disk-full') return;
        const what = `${started.title} with ${counted(layers.length, 'new layer')} (${formatBytes(started.contentBytes)})`;
        const duration = formatDuration(this.#nowMs() - started.ms);
        const fields = { repository, publication: revision?.toString() };
        const as = revision === undefined ? '' : ` as revision ${revision}`;
        const waited =
          inputWaitMs === undefined ? '' : `; cvmfs_server waited ${formatDuration(inputWaitMs)} for input`;
        if (error === undefined) this.note(`published ${what} in ${duration}${as}${waited}`, fields);
        else if (this.#repetition.isNew(`${repository ?? ''} ${error}`))
          this.warn(`publishing ${what} failed after ${duration}: ${error}`, fields);
      },
      'image-finished': ({ image, result }) => {
        if (result.outcome === 'failed') this.#failed(repository, image, result);
        else this.#succeeded(repository, image, result.outcome);
      },
    };
  }

  #failed(repository: string | undefined, image: string, failure: FailureText): void {
    // That is said of the repository.
    if (STOPPING.has(failure.code)) return;
    const reasons = this.#reasonsIn(repository ?? '');
    const message = withHint(failure);
    // How much is free is another number each time.
    const reason = failure.code === 'disk-full' ? failure.code : `${failure.code} ${message}`;
    if (UNREACHABLE.has(failure.code)) this.#outage(image, failure);
    else if (reasons.get(image) !== reason)
      this.warn(`${image} failed: ${message}`, { repository, image, code: failure.code });
    reasons.set(image, reason);
  }

  #succeeded(
    repository: string | undefined,
    image: string,
    outcome: Exclude<ImageResult['outcome'], 'failed'>,
  ): void {
    const reasons = this.#reasonsIn(repository ?? '');
    const [before] = reasons.get(image)?.split(' ') ?? [];
    reasons.delete(image);
    const isRegistryBack = before !== undefined && UNREACHABLE.has(before);
    if (isRegistryBack && this.#outages.delete(registryOf(image)))
      this.note(`${registryOf(image)} is reachable again`);
    if (outcome === 'published') {
      this.#plans.delete(repository ?? '');
      this.note(`published ${image}`, { repository, image });
    } else if (before !== undefined && !isRegistryBack)
      this.note(`${image} is fine again`, { repository, image });
  }

  /** Logs an unreachable registry once, not for each of its images. */
  #outage(image: string, failure: FailureText): void {
    const registry = registryOf(image);
    if (this.#outages.get(registry) === failure.code) return;
    this.#outages.set(registry, failure.code);
    const message = `${registry}: ${withHint(failure)}; its published images stay, and it is tried again`;
    this.warn(message, { code: failure.code });
  }

  #reasonsIn(repository: string): Reasons {
    const reasons = this.#reasons.get(repository) ?? new Map<string, string>();
    this.#reasons.set(repository, reasons);
    return reasons;
  }

  #noteOnce(message: string, fields: LogRecord['fields'] = {}): void {
    if (this.#repetition.isNew(`${fields['repository'] ?? ''} ${message}`)) this.note(message, fields);
  }

  #warnOnce(message: string, fields: LogRecord['fields'] = {}): void {
    if (this.#repetition.isNew(`${fields['repository'] ?? ''} ${message}`)) this.warn(message, fields);
  }
}

function inForceText(content: SourceContent | undefined): string {
  const { commit, since } = content ?? {};
  return commit === undefined
    ? `in force since ${since === undefined ? 'never' : localTime(since)}`
    : `${commitText(commit)} is in force`;
}

const DAY_MS = 86_400_000;
const MOST = 10_000;

/** Limits repeated messages to one a day. */
export class Repetition {
  readonly #nowMs: () => number;
  /** Texts with the time they were logged, oldest first. */
  readonly #said = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Returns true if `text` should be logged, and marks it as logged. A clock that was set back makes everything new. */
  isNew(text: string): boolean {
    const nowMs = this.#nowMs();
    const saidMs = this.#said.get(text);
    if (saidMs !== undefined && nowMs >= saidMs && nowMs - saidMs < DAY_MS) return false;
    this.#said.delete(text);
    this.#said.set(text, nowMs);
    for (const [oldest] of this.#said) {
      if (this.#said.size <= MOST) break;
      this.#said.delete(oldest);
    }
    return true;
  }
}

function removalText({ published: { publicName }, reason, dueMs }: Removal): string {
  const end = dueMs === undefined ? 'stays for good, as was asked for' : `stays until ${localTime(dueMs)}`;
  return `${publicName} ${end}: ${reasonText(reason)}`;
}
