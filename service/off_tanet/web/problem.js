// The errors of the service and of this page.

/** An error of the service (RFC 9457) or of this page; `values` explain one of the page. */
export class Problem extends Error {
  constructor({ code, detail = "", request_id = null, values = null }, retryAfter = null) {
    super(code);
    Object.assign(this, { code, detail, requestId: request_id, values, retryAfter });
  }
}
