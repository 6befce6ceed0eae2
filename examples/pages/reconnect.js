// SPDX-License-Identifier: MIT
// reconnect.js - the connection to a page's own server, which is opened again
// whenever it is lost, and which is lost, too, when nobody answers any more.
// The build puts it into the pages that name it.
"use strict";

// What is said in #status; what needs the server has the attribute data-open.
function showStatus(text, isOpen) {
  const status = document.getElementById("status");
  if (status.textContent !== text)
    status.textContent = text; // which a screen reader announces
  status.className = isOpen ? "open" : "";
  for (const element of document.querySelectorAll("[data-open]"))
    element.disabled = !isOpen;
}

// The page is told of what happens:
//
//   opened()             anew, on each connection
//   heard(data)          a string, or an ArrayBuffer
//   lost(event, opened)  it has ended, or was not even opened. Returns nothing,
//                        or a text for the button #retry: then only a person
//                        brings it back. event is null if it fell silent
//
// and may say of itself:
//
//   quietMs              how long its server may say nothing before it is asked
//   ask()                sends what the server answers. Left out where it
//                        speaks by itself
//   target()             where the WebSocket is; "/" otherwise
const TICK_MS = 2000;
const ANSWER_TICKS = 3; // of ours, not of the clock: who slept did not listen

class Connection {
  #page;
  #subprotocols;
  #socket = null;   // the only one whose events count
  #failures = 0;    // in a row
  #retryAt = 0;     // 0: not waiting
  #timer;
  #heardAt = 0;
  #unanswered = 0;  // ticks since the question; 0: there is none
  #button = document.getElementById("retry");

  constructor(page, subprotocols = []) {
    this.#page = page;
    this.#subprotocols = subprotocols;
    this.#button.addEventListener("click", () => this.open());
    window.addEventListener("online", () => {
      if (this.#retryAt !== 0 || this.#state() === WebSocket.CONNECTING)
        this.open();
      else
        this.#doubt(); // perhaps it is another network
    });
    // No reason to give up: a server on this machine is still there.
    window.addEventListener("offline", () => this.#doubt());
    setInterval(() => this.#tick(), TICK_MS);
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const target = this.#page.target?.() ?? "/";
    const ws = new WebSocket(`${scheme}://${location.host}${target}`,
                             this.#subprotocols);
    let opened = false;

    ws.binaryType = "arraybuffer";
    this.#socket?.close();
    this.#socket = ws;
    this.#listen();
    this.#retryAt = 0;
    clearTimeout(this.#timer);
    this.#button.hidden = true;
    showStatus("connecting", false);
    ws.onopen = () => {
      if (this.#socket !== ws)
        return;
      opened = true;
      this.#failures = 0;
      this.#listen();
      showStatus("connected", true);
      this.#page.opened();
    };
    ws.onmessage = event => {
      if (this.#socket !== ws)
        return;
      this.#listen();
      this.#page.heard(event.data);
    };
    ws.onclose = event => {
      if (this.#socket === ws)
        this.#lost(event, opened);
    };
  }

  isOpen() {
    return this.#state() === WebSocket.OPEN;
  }

  #state() {
    return this.#socket?.readyState ?? WebSocket.CLOSED;
  }

  // Nothing is kept for a server that is away.
  send(data) {
    if (this.isOpen())
      this.#socket.send(data);
  }

  // A network that is gone, or a server that stands still, sends no Close, and
  // a page is told of no ping. So who says nothing for long is asked; and no
  // Close is waited for from who does not answer.
  #tick() {
    if (this.#state() === WebSocket.CLOSED)
      return;
    if (this.#unanswered > 0)
      this.#unanswered++;
    else if (Date.now() - this.#heardAt >= (this.#page.quietMs ?? 20000))
      this.#doubt();
    if (this.#unanswered <= ANSWER_TICKS)
      return;
    const ws = this.#socket, opened = this.isOpen();
    this.#socket = null;
    ws.close();
    this.#lost(null, opened);
  }

  #doubt() {
    if (this.#unanswered > 0)
      return;
    this.#unanswered = 1;
    if (this.isOpen())
      this.#page.ask?.();
  }

  #listen() {
    this.#heardAt = Date.now();
    this.#unanswered = 0;
  }

  #lost(event, opened) {
    const text = this.#page.lost(event, opened);
    if (text !== undefined) {
      this.#button.textContent = text;
      this.#button.hidden = false;
      return;
    }
    // RFC 6455, section 7.2.3: a random wait, and longer ones after failures.
    const longest = Math.min(30000, 1000 * 2 ** this.#failures++);
    this.#retryAt = Date.now() + longest / 2 + Math.random() * longest / 2;
    this.#wait();
  }

  #wait() {
    const seconds = Math.ceil((this.#retryAt - Date.now()) / 1000);
    if (seconds <= 0) {
      this.open();
      return;
    }
    // The countdown is on the button: a screen reader is spared it.
    showStatus("not connected, retrying", false);
    this.#button.textContent = `Try now (${seconds} s)`;
    this.#button.hidden = false;
    this.#timer = setTimeout(() => this.#wait(), 250);
  }
}
