// Answers as JSON and CSV.

const PICTURES = ["flow", "arrows", "strain", "attention", "crops", "scales", "picture"];

/** Returns answers as JSON without their pictures, which the report has. */
export function json(answer) {
  const keep = (name, value) => (PICTURES.includes(name) ? undefined : value);
  return JSON.stringify(answer, keep, 2);
}

/** Returns the columns of an answer, or of an expression of a video. */
export function row(name, answer) {
  const { label, reason, probabilities, onset, apex, offset, quality } = answer;
  const shares = Object.entries(probabilities).map(([key, share]) => [`probability_${key}`, share]);
  return {
    file: name,
    ...(answer.kind ? { kind: answer.kind } : {}),
    label,
    reason,
    ...Object.fromEntries(shares),
    expression_probability: answer.expression_probability,
    onset_frame: onset.index,
    onset_s: onset.time_s,
    apex_frame: apex.index,
    apex_s: apex.time_s,
    ...(offset ? { offset_frame: offset.index, offset_s: offset.time_s } : {}),
    ...(answer.kind ? { strength_px: answer.strength_px, confidence: answer.confidence } : {}),
    motion_px: quality.motion_px,
    head_motion_px: quality.head_motion_px,
    warnings: quality.warnings.join(" "),
    id: answer.id,
  };
}

/** Returns rows with the columns of the first one as CSV (RFC 4180); spreadsheets open it. */
export function csv(rows) {
  const names = Object.keys(rows[0] ?? { file: "" });
  const lines = rows.map((each) => names.map((name) => cell(each[name])).join(","));
  return [names.join(","), ...lines, ""].join("\r\n");
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value; // spreadsheets would run it
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
