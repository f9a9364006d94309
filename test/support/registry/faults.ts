import type { ServerResponse } from 'node:http';

/** What the server would answer without the fault; `undefined` where it has nothing. */
export interface Content {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers in place of the server. */
export type Fault = (response: ServerResponse, content: Content | undefined) => void;

/** A status with an error body of the distribution specification, where `code` is given. */
export function status(
  statusCode: number,
  { code, headers = {} }: { code?: string; headers?: Readonly<Record<string, string>> } = {},
): Fault {
  return (response) => {
    response.writeHead(statusCode, headers);
    response.end(code === undefined ? '' : JSON.stringify({ errors: [{ code, message: 'a message' }] }));
  };
}

/** Never answers. */
export const silence: Fault = () => undefined;

/** Closes the connection instead of an answer. */
export const drop: Fault = (response) => {
  response.destroy();
};

/** Answers with something that is no HTTP. */
export const garbage: Fault = (response) => {
  response.socket?.end('this is not HTTP\r\n\r\n');
};

/** Sends half of the body, then closes the connection. */
export const cut: Fault = (response, content) => {
  sendHalf(response, content, () => response.destroy());
};

/** Sends half of the body, then nothing more. */
export const stall: Fault = (response, content) => {
  sendHalf(response, content, () => undefined);
};

/** Sends the first `bytes` of the body, then nothing more. */
export function stallAfter(bytes: number): Fault {
  return (response, content) => {
    response.writeHead(200, content?.headers).write(content?.bytes.subarray(0, bytes));
  };
}

/** Sends one byte after the other, and does not end by itself. */
export function drip(statusCode = 200, headers: Readonly<Record<string, string>> = {}): Fault {
  return (response) => {
    response.writeHead(statusCode, headers);
    const timer = setInterval(() => response.write(' '), 5);
    response.once('close', () => clearInterval(timer));
  };
}

/** Sends as many bytes as it should, but others. */
export const wrongBytes: Fault = (response, content) => {
  response.writeHead(200, withoutLength(content));
  response.end(Buffer.from((content?.bytes ?? Buffer.of()).map((byte) => byte ^ 1)));
};

/** Sends a body that is complete by its own account, and shorter than it should be. */
export const shortened: Fault = (response, content) => {
  response.writeHead(200, withoutLength(content));
  response.end(content?.bytes.subarray(0, -1));
};

/** Sends more than it should, and does not end by itself. */
export const endless: Fault = (response, content) => {
  response.writeHead(200, withoutLength(content));
  response.write(content?.bytes ?? Buffer.of());
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
  };
  response.on('drain', more);
  more();
};

export function redirect(location: string, statusCode = 307): Fault {
  return status(statusCode, { headers: { location } });
}

/** Serves other bytes, with headers of their own. */
export function instead(bytes: Buffer | string, headers: Readonly<Record<string, string>> = {}): Fault {
  return (response) => {
    response.writeHead(200, headers);
    response.end(bytes);
  };
}

function sendHalf(response: ServerResponse, content: Content | undefined, afterwards: () => void): void {
  const bytes = content?.bytes ?? Buffer.of();
  response.writeHead(200, { ...content?.headers, 'content-length': bytes.length });
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), afterwards);
}

function withoutLength(content: Content | undefined): Record<string, string> {
  const { 'content-length': _length, 'docker-content-digest': _digest, ...headers } = content?.headers ?? {};
  return headers;
}
