// Server-sent events (WHATWG HTML, 9.2) in the response to a POST, which EventSource cannot send.

/** Parses a byte stream of events with JSON data; yields `{name, data}`. */
export async function* parseEvents(stream) {
  let rest = "";
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    yield* blocks.map(parseBlock).filter((event) => event.data !== undefined);
  }
}

function parseBlock(block) {
  const event = { name: "message", data: undefined };
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === "event") event.name = value;
    if (field === "data") data.push(value);
  }
  if (data.length) event.data = JSON.parse(data.join("\n"));
  return event;
}
