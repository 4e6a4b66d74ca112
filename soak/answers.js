// Reads what a server sends on one connection: any number of answers, whatever their framing.

export class AnswerReader {
  #received = '';
  #onAnswer;
  /** For each request under way, whether it was a HEAD: then no body comes. */
  #heads;

  /**
   * @param {() => boolean} isHead whether the request whose answer comes next was a HEAD
   * @param {(answer: { status: number, head: string, body: string }) => void} onAnswer
   */
  constructor(isHead, onAnswer) {
    this.#heads = isHead;
    this.#onAnswer = onAnswer;
  }

  read(text) {
    this.#received += text;
    while (this.#takeOne());
  }

  /** The connection is over: an answer without a length is whole now. */
  end() {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end === -1) return;
    this.#give(end, this.#received.length);
  }

  #takeOne() {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const head = this.#received.slice(0, end + 2);
    const status = Number(head.slice(9, 12));
    if (status >= 100 && status < 200) {
      this.#received = this.#received.slice(end + 4);
      return true;
    }
    const from = end + 4;
    if (status === 204 || status === 304 || this.#heads()) return this.#give(end, from);
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head);
    if (/\r\ntransfer-encoding: chunked\r\n/i.test(head)) return this.#giveChunks(end);
    if (length === null) return false; // it ends with the connection
    const to = from + Number(length[1]);
    if (this.#received.length < to) return false;
    return this.#give(end, to);
  }

  #giveChunks(headEnd) {
    let [at, body] = [headEnd + 4, ''];
    for (;;) {
      const line = this.#received.indexOf('\r\n', at);
      if (line === -1) return false;
      const size = parseInt(this.#received.slice(at, line), 16);
      if (this.#received.length < line + 2 + size + 2) return false;
      body += this.#received.slice(line + 2, line + 2 + size);
      at = line + 2 + size + 2;
      if (size === 0) return this.#give(headEnd, at, body);
    }
  }

  /** Head and body of an answer, up to where the next one starts. */
  #give(headEnd, to, body = this.#received.slice(headEnd + 4, to)) {
    const head = this.#received.slice(0, headEnd + 2);
    this.#received = this.#received.slice(to);
    this.#onAnswer({ status: Number(head.slice(9, 12)), head, body });
    return true;
  }
}
