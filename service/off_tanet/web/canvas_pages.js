// Pages of a report on a canvas, for PNG. Units are points on A4; the origin is the upper left.

import { make } from "./dom.js";

export const A4 = { width: 595, height: 842 };
const SCALE = 200 / 72; // 200 dots to the inch
const MARGIN = 29;
const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';

export class CanvasPages {
  constructor() {
    this.pages = [];
    this.bottom = 0; // of what is drawn on the last page
    this.addPage();
  }

  addPage() {
    const size = { width: Math.round(A4.width * SCALE), height: Math.round(A4.height * SCALE) };
    this.context = make("canvas", size).getContext("2d");
    this.context.fillStyle = "#fff";
    this.context.fillRect(0, 0, size.width, size.height);
    this.context.scale(SCALE, SCALE);
    this.pages.push(this.context.canvas);
    this.bottom = 0;
  }

  measure(text, size, weight = 400) {
    this.context.font = `${weight} ${size}px ${FONT}`;
    return this.context.measureText(text).width;
  }

  text(x, y, text, { size, weight = 400, color }) {
    this.context.font = `${weight} ${size}px ${FONT}`;
    this.context.fillStyle = color;
    this.context.fillText(text, x, y);
    this.#reach(y);
  }

  rect(x, y, width, height, color) {
    this.context.fillStyle = color;
    this.context.fillRect(x, y, width, height);
    this.#reach(y + height);
  }

  line(points, color, width) {
    Object.assign(this.context, { strokeStyle: color, lineWidth: width, lineJoin: "round" });
    this.context.beginPath();
    points.forEach(([x, y]) => this.context.lineTo(x, y));
    this.context.stroke();
  }

  image(picture, x, y, width, height) {
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(picture, x, y, width, height);
    this.#reach(y + height);
  }

  /** Returns a PNG of all pages below each other, without the blank end of the last one. */
  async blob() {
    const [{ width, height }] = this.pages;
    const last = Math.min(height, Math.round((this.bottom + MARGIN) * SCALE));
    const all = make("canvas", { width, height: height * (this.pages.length - 1) + last });
    this.pages.forEach((page, index) => all.getContext("2d").drawImage(page, 0, index * height));
    return new Promise((resolve) => all.toBlob(resolve, "image/png"));
  }

  #reach(y) {
    this.bottom = Math.max(this.bottom, y);
  }
}
