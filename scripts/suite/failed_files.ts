/**
 * A reporter for Node's test runner, whose JUnit report leaves out files: the file of each test that failed, a line each.
 *
 * @module
 */

interface TestEvent {
  readonly type: string;
  readonly data: { readonly file?: string };
}

/** Writes the report. */
export default async function* failedFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data: { file } } of events) {
    if (type === "test:fail" && file !== undefined) yield `${file}\n`;
  }
}
