// Pages of a report as a PDF 1.4 file, with the methods of `CanvasPages`. Its text can be searched
// and copied; letters that Helvetica does not have in a PDF become pictures.

import { A4 } from "./canvas_pages.js";
import { make } from "./dom.js";
import { helveticaWidth } from "./helvetica.js";

const PUNCTUATION = { "–": 0x96, "—": 0x97, "‘": 0x91, "’": 0x92, "“": 0x93, "”": 0x94, "…": 0x85 };
const JPEG_QUALITY = 0.92;
const SCALE = 4; // pixels to the point, of letters that become pictures

export class PdfPages {
  constructor(title) {
    this.title = title;
    this.pages = [];
    this.images = [];
    this.addPage();
  }

  addPage() {
    this.commands = [];
    this.pages.push(this.commands);
  }

  measure(text, size, weight = 400) {
    return size * helveticaWidth(text, weight >= 600);
  }

  text(x, y, text, { size, weight = 400, color }) {
    const bytes = encode(text);
    if (!bytes) return this.#drawText(x, y, text, { size, weight, color });
    const font = weight >= 600 ? "F2" : "F1";
    const place = `${number(x)} ${number(A4.height - y)}`;
    this.commands.push(`BT /${font} ${size} Tf ${fill(color)} ${place} Td ${bytes} Tj ET`);
  }

  rect(x, y, width, height, color) {
    const box = [x, A4.height - y - height, width, height].map(number).join(" ");
    this.commands.push(`${fill(color)} ${box} re f`);
  }

  line(points, color, width) {
    const places = points.map(([x, y]) => `${number(x)} ${number(A4.height - y)}`);
    const path = `${places[0]} m ${places
      .slice(1)
      .map((place) => `${place} l`)
      .join(" ")}`;
    this.commands.push(`${colour(color)} RG ${width} w 1 j ${path} S`);
  }

  image(picture, x, y, width, height) {
    const size = {
      width: picture.naturalWidth ?? picture.width,
      height: picture.naturalHeight ?? picture.height,
    };
    const canvas = make("canvas", size);
    canvas.getContext("2d").drawImage(picture, 0, 0);
    const [, data] = canvas.toDataURL("image/jpeg", JPEG_QUALITY).split(",");
    this.images.push({ ...size, data: atob(data) });
    const place = [width, 0, 0, height, x, A4.height - y - height].map(number).join(" ");
    this.commands.push(`q ${place} cm /I${this.images.length} Do Q`);
  }

  async blob() {
    const body = new Body();
    const count = this.pages.length;
    const kids = this.pages.map((_, index) => `${5 + 2 * index} 0 R`).join(" ");
    const firstImage = 5 + 2 * count;
    const names = this.images.map((_, index) => `/I${index + 1} ${firstImage + index} 0 R`);
    const fonts = "/Font << /F1 3 0 R /F2 4 0 R >>";
    body.add("<< /Type /Catalog /Pages 2 0 R >>");
    body.add(`<< /Type /Pages /Kids [${kids}] /Count ${count} >>`);
    for (const name of ["Helvetica", "Helvetica-Bold"]) {
      body.add(`<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`);
    }
    for (const [index, commands] of this.pages.entries()) {
      body.add(
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${A4.width} ${A4.height}] ` +
          `/Contents ${6 + 2 * index} 0 R /Resources << ${fonts} /XObject << ${names.join(" ")} >> >> >>`,
      );
      body.addStream("", commands.join("\n"));
    }
    for (const { width, height, data } of this.images) {
      const kind = "/Type /XObject /Subtype /Image /ColorSpace /DeviceRGB /BitsPerComponent 8";
      body.addStream(`${kind} /Filter /DCTDecode /Width ${width} /Height ${height}`, data);
    }
    return body.finish(`<< /Title ${encode(this.title) ?? "()"} /Producer (Off-TANet) >>`);
  }

  /** Draws a text in letters that the PDF's font does not have. */
  #drawText(x, y, text, { size, weight, color }) {
    const context = make("canvas").getContext("2d");
    const font = `${weight} ${size * SCALE}px sans-serif`;
    context.font = font;
    const width = Math.ceil(context.measureText(text).width);
    Object.assign(context.canvas, {
      width: Math.max(width, 1),
      height: Math.ceil(1.4 * size * SCALE),
    });
    context.fillStyle = "#fff"; // a JPEG has no transparency
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    Object.assign(context, { font, fillStyle: color });
    context.fillText(text, 0, size * SCALE);
    this.image(context.canvas, x, y - size, context.canvas.width / SCALE, 1.4 * size);
  }
}

/** The file as it grows; each character is one byte. */
class Body {
  constructor() {
    this.text = "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n";
    this.places = [];
  }

  add(object) {
    this.places.push(this.text.length);
    this.text += `${this.places.length} 0 obj\n${object}\nendobj\n`;
  }

  addStream(entries, data) {
    this.add(`<< ${entries} /Length ${data.length} >>\nstream\n${data}\nendstream`);
  }

  finish(info) {
    this.add(info);
    const start = this.text.length;
    const rows = this.places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`);
    const size = this.places.length + 1;
    this.text += `xref\n0 ${size}\n0000000000 65535 f \n${rows.join("")}`;
    this.text += `trailer\n<< /Size ${size} /Root 1 0 R /Info ${size - 1} 0 R >>\n`;
    this.text += `startxref\n${start}\n%%EOF\n`;
    const bytes = Uint8Array.from(this.text, (letter) => letter.charCodeAt(0));
    return new Blob([bytes], { type: "application/pdf" });
  }
}

/** Returns a PDF string in WinAnsiEncoding, or null if it lacks a letter of the text. */
function encode(text) {
  const codes = [...text].map((letter) => {
    const code = PUNCTUATION[letter] ?? letter.codePointAt(0);
    return code < 0x7f || letter in PUNCTUATION || (code > 0x9f && code < 0x100) ? code : null;
  });
  if (codes.includes(null)) return null;
  return `<${codes.map((code) => code.toString(16).padStart(2, "0")).join("")}>`;
}

function number(value) {
  return Number(value.toFixed(2));
}

function colour(hex) {
  return [1, 3, 5].map((at) => number(parseInt(hex.slice(at, at + 2), 16) / 255)).join(" ");
}

function fill(hex) {
  return `${colour(hex)} rg`;
}
