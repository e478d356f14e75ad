/**
 * One log: its lines, read and in the order of their times.
 *
 * @module
 */

import { show } from "../../base/text.ts";
import type { Field } from "../fields.ts";
import { FORMATS, type LineReader, type LineValues, type LogFormat, recognise } from "../formats/mod.ts";
import { LogError } from "../log_error.ts";
import { textBytes } from "./bytes.ts";
import { type Entry, EntryQueue } from "./entry.ts";
import { LineSplitter } from "./lines.ts";
import type { LogSource } from "./source.ts";

/** How many lines at the beginning decide about the format. */
const HEAD_LINES = 100;

/** How many lines that cannot be read are shown, and how many characters of each. */
const SAMPLES = 5;
const SAMPLE_LENGTH = 160;

/** How lines become requests. */
export interface Intake {
  /** The fields whose values are wanted. */
  readonly wanted: readonly Field[];
  /** Those that a format must have. */
  readonly needed: readonly Field[];
  /** The name of the format; undefined to recognise it. */
  readonly format: string | undefined;
  /** The field with the time; undefined for the usual names. */
  readonly timeField: string | undefined;
  /** How far back a line may lie behind the newest one, in microseconds; Infinity for any order. */
  readonly windowUs: number;
  /**
   * Makes the request of a line.
   *
   * @returns The request; undefined if no limiter checks it; a text that says what is wrong with its values.
   */
  entryOf(line: LineValues, lineNumber: number): Entry | string | undefined;
}

/** A line that was not read. */
export interface UnreadLine {
  /** The log. */
  readonly file: string;
  /** The line, from 1. */
  readonly line: number;
  /** What is wrong with it. */
  readonly problem: string;
  /** How it begins, on one line. */
  readonly text: string;
}

/** Reads a log piece by piece. */
export class LogReader {
  /** What the log is called. */
  readonly name: string;
  /** Lines that are not empty, without the header. */
  lines = 0;
  /** Lines that could not be read. */
  unparsed = 0;
  /** The first of these. */
  readonly samples: UnreadLine[] = [];
  /** The oldest and the newest line, in microseconds. */
  firstUs: number = Infinity;
  lastUs: number = -Infinity;
  readonly #intake: Intake;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #splitter: LineSplitter;
  readonly #queue = new EntryQueue();
  readonly #values: LineValues;
  #format: LogFormat | undefined;
  #reader: LineReader | undefined;
  /** Lines from before the format is known. */
  #head: [line: string, isWhole: boolean][] = [];
  #lineNumber = 0;
  #hasEnded = false;
  /** The last line, where it has no end. */
  #last: string | undefined;

  /**
   * @param source The log.
   * @param intake What becomes of its lines.
   */
  constructor(source: LogSource, intake: Intake) {
    this.name = source.name;
    this.#intake = intake;
    this.#chunks = textBytes(source)[Symbol.asyncIterator]();
    this.#values = { timeUs: 0, values: intake.wanted.map(() => undefined) };
    this.#splitter = new LineSplitter({
      line: (line, isWhole) => {
        if (this.#reader === undefined) this.#head.push([line, isWhole]);
        else this.#take(this.#reader, line, isWhole);
      },
    });
  }

  /** The format of its lines. */
  get format(): string {
    return this.#format?.name ?? "";
  }

  /** The next request, if it is certain that no older one follows. */
  get next(): Entry | undefined {
    const { first } = this.#queue;
    if (first === undefined || this.#hasEnded) return first;
    return first.timeUs <= this.lastUs - this.#intake.windowUs ? first : undefined;
  }

  /** Goes on behind the next request. */
  shift(): void {
    this.#queue.shift();
  }

  /**
   * Reads on until there is a next request, or nothing more.
   *
   * @throws {LogError} If the log cannot be replayed.
   */
  async fill(): Promise<void> {
    while (this.next === undefined && !this.#hasEnded) {
      const chunk = await this.#chunks.next();
      if (chunk.done) this.#end();
      else this.#splitter.push(chunk.value);
      if (this.#reader === undefined && (this.#hasEnded || this.#head.length >= HEAD_LINES)) this.#begin();
      if (this.#hasEnded) this.#checkWhole();
    }
  }

  /** Closes the source, where the log was not read to its end. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #end(): void {
    const last = this.#splitter.end();
    this.#hasEnded = true;
    if (last === undefined) return;
    this.#last = last.line;
    if (this.#reader === undefined) this.#head.push([last.line, last.isWhole]);
    else this.#take(this.#reader, last.line, last.isWhole);
  }

  #begin(): void {
    const head = this.#head.filter(([line, isWhole]) => isWhole && line !== "").map(([line]) => line);
    const { format: wish, timeField, wanted, needed } = this.#intake;
    const file = this.name;
    const format = wish === undefined ? recognise(head, timeField) : FORMATS.find(({ name }) => name === wish);
    if (this.#head.every(([line]) => line === "")) throw new LogError("empty", "there is no line in it", { file });
    if (format === undefined) {
      const first = head[0] === undefined ? "a line that is too long" : show(head[0], SAMPLE_LENGTH);
      const known = FORMATS.map(({ title, name }) => `${title} (${name})`).join(", ");
      const what = `none of these formats reads its first lines: ${known}. It begins with ${first}`;
      throw new LogError("unrecognised", what, { file });
    }
    const reader = format.reader(head, { wanted, timeField });
    if (typeof reader === "string") {
      throw new LogError("unrecognised", `it cannot be read as ${format.title}: ${reader}`, { file });
    }
    for (const field of needed) {
      if (reader.has(field)) continue;
      const name = "name" in field ? `${field.kind}:${field.name}` : field.kind;
      throw new LogError("no_field", `${format.title} has no ${show(name)} here; there are ${reader.fields}`, { file });
    }
    this.#format = format;
    this.#reader = reader;
    for (const [line, isWhole] of this.#head) this.#take(reader, line, isWhole);
    this.#head = [];
  }

  #take(reader: LineReader, line: string, isWhole: boolean): void {
    const number = ++this.#lineNumber;
    if (line === "" || number <= reader.headerLines) return;
    this.lines++;
    const values = this.#values;
    const problem = isWhole ? reader.read(line, values) : "longer than a line may be";
    if (problem !== undefined) return this.#unread(number, problem, line);
    const { timeUs } = values;
    if (timeUs < this.lastUs - this.#intake.windowUs) this.#refuseOrder(number, timeUs);
    const entry = this.#intake.entryOf(values, number);
    if (typeof entry === "string") return this.#unread(number, entry, line);
    if (timeUs > this.lastUs) this.lastUs = timeUs;
    if (timeUs < this.firstUs) this.firstUs = timeUs;
    if (entry !== undefined) this.#queue.push(entry);
  }

  #unread(line: number, problem: string, text: string): void {
    this.unparsed++;
    if (this.samples.length >= SAMPLES) return;
    const shown = show(text, SAMPLE_LENGTH).slice(1, -1).replaceAll('\\"', '"');
    this.samples.push({ file: this.name, line, problem, text: shown });
  }

  #refuseOrder(line: number, timeUs: number): never {
    const backS = Math.round((this.lastUs - timeUs) / 1e3) / 1e3;
    const windowS = this.#intake.windowUs / 1e6;
    const what =
      `it is ${backS} s older than a line before it, and ${windowS} s are allowed: the log is not sorted by ` +
      "time. Allow more (--window), or sort all of it in memory (--sort)";
    throw new LogError("unsorted", what, { file: this.name, line });
  }

  /** Refuses what ends in the middle of a line, or has no line that can be read. */
  #checkWhole(): void {
    const file = this.name;
    const lines = this.lines - this.unparsed;
    if (lines === 0) {
      const sample = this.samples[0];
      if (sample === undefined) throw new LogError("empty", "it has a header, and no line behind it", { file });
      const title = this.#format?.title;
      const what = `none of its lines can be read as ${title}. The first: ${sample.problem}: ${sample.text}`;
      throw new LogError("unparsed", what, { file, line: sample.line });
    }
    if (this.#last === undefined) return;
    const isRead = this.#reader?.read(this.#last, this.#values) === undefined;
    const quotes = this.#last.split('"').length - 1;
    if (isRead && (quotes % 2 === 0 || this.#last.includes('\\"'))) return;
    const what =
      "it ends in the middle of a line: it was not copied as a whole, or is still written. Copy it again, or " +
      "leave the last line out (head -n -1)";
    throw new LogError("truncated", what, { file, line: this.#lineNumber });
  }
}
