// SPDX-License-Identifier: MIT
// reconnect.js - the connection to a page's own server, which is opened again
// whenever it is lost. The build puts it into the pages that name it.
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
//                        brings it back
class Connection {
  #page;
  #subprotocols;
  #socket = null;   // the only one whose events count
  #failures = 0;    // in a row
  #retryAt = 0;     // 0: not waiting
  #timer;
  #button = document.getElementById("retry");

  constructor(page, subprotocols = []) {
    this.#page = page;
    this.#subprotocols = subprotocols;
    this.#button.addEventListener("click", () => this.open());
    window.addEventListener("online", () => {
      if (this.#retryAt !== 0)
        this.open();
    });
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const ws = new WebSocket(`${scheme}://${location.host}/`,
                             this.#subprotocols);
    let opened = false;

    ws.binaryType = "arraybuffer";
    this.#socket = ws;
    this.#retryAt = 0;
    clearTimeout(this.#timer);
    this.#button.hidden = true;
    showStatus("connecting", false);
    ws.onopen = () => {
      opened = true;
      this.#failures = 0;
      showStatus("connected", true);
      this.#page.opened();
    };
    ws.onmessage = event => {
      if (this.#socket === ws)
        this.#page.heard(event.data);
    };
    ws.onclose = event => {
      if (this.#socket === ws)
        this.#lost(event, opened);
    };
  }

  isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  // Nothing is kept for a server that is away.
  send(data) {
    if (this.isOpen())
      this.#socket.send(data);
  }

  // It does not answer any more: no need to wait for its Close.
  giveUp() {
    const ws = this.#socket;
    this.#socket = null;
    ws.close();
    this.#lost(null, true);
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
