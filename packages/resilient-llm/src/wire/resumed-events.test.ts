import * as fc from "fast-check";
import { expect, it } from "vitest";
import { ResumedEvents } from "./resumed-events.ts";

function createEvents(texts: readonly string[]): string[] {
  const created = { type: "response.created", sequence_number: 0, response: { id: "resp_1" } };
  const deltas = texts.map((delta, index) => ({
    type: "response.output_text.delta",
    sequence_number: index + 1,
    delta,
  }));
  return [created, ...deltas].map(
    (event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  );
}

const texts = fc.array(
  fc.oneof(fc.string(), fc.constant('\\"sequence_number\\": 99, "type":"response.completed"')),
  { maxLength: 8 },
);

it("wherever connections break, each event is handed on once and whole", () => {
  fc.assert(
    fc.property(
      texts,
      fc.array(fc.nat(), { maxLength: 5 }),
      fc.integer({ min: 1, max: 40 }),
      (said, cuts, size) => {
        const events = createEvents(said);
        const resumed = new ResumedEvents();
        let handedOn = "";
        for (const cut of [...cuts, Infinity]) {
          const next = resumed.cursor === undefined ? 0 : resumed.cursor + 1;
          const bytes = Buffer.from(events.slice(next).join(""));
          const sent = bytes.subarray(
            0,
            Number.isFinite(cut) ? cut % (bytes.length + 1) : bytes.length,
          );
          for (let start = 0; start < sent.length; start += size) {
            const whole = resumed.push(sent.subarray(start, start + size));
            if (whole) handedOn += Buffer.from(whole).toString();
          }
          resumed.breakOff();
        }
        expect(handedOn).toBe(events.join(""));
        expect(resumed).toMatchObject({ id: "resp_1", cursor: said.length, isOver: false });
      },
    ),
  );
});

it("a server that begins at the first event again changes nothing", () => {
  const events = createEvents(["one", "two", "three"]);
  const resumed = new ResumedEvents();
  const push = (text: string) => Buffer.from(resumed.push(Buffer.from(text)) ?? "").toString();
  const first = push(events.slice(0, 3).join(""));
  resumed.breakOff();
  expect(first + push(events.join(""))).toBe(events.join(""));
});
