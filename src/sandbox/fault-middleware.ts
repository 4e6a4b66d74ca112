// Lets the faults that are set strike: before a request is looked at, or on the answer it gets.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import { replacesBody, reshape, type Answer } from './fault-reshape.ts';
import { sendWithFault } from './fault-send.ts';
import type { FaultList } from './faults.ts';
import { routeOf } from './route-names.ts';

export function faultMiddleware(faults: FaultList): RequestHandler {
  return (request, response, next) => {
    const route = routeOf(request.path);
    const fault = faults.strike(route);
    if (!fault) return next();
    if (fault.kind === 'hangUp') return void request.socket.end();
    if (fault.kind === 'reset') return reset(request.socket);
    if (fault.kind === 'stall' && fault.at === 'accept') return;
    if (fault.kind === 'delay') {
      const timer = setTimeout(next, fault.ms);
      response.once('close', () => clearTimeout(timer));
      return;
    }
    const deliver = (answer: Answer) => sendWithFault(fault, reshape(fault, answer), response);
    if (replacesBody(fault)) {
      return deliver({
        status: 200,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: Buffer.alloc(0),
      });
    }
    if (route === 'git') {
      if (fault.kind === 'truncate') breakOffAtEnd(response);
    } else captureAnswer(response, deliver);
    next();
  };
}

/** Holds the answer back when it is complete and hands it over instead of sending it. */
function captureAnswer(response: ServerResponse, deliver: (answer: Answer) => void): void {
  const send = response.end.bind(response);
  response.end = ((chunk?: unknown) => {
    response.end = send;
    const headers = response.getHeaders();
    for (const name of Object.keys(headers)) response.removeHeader(name);
    const body =
      typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk as string) : Buffer.alloc(0);
    deliver({ status: response.statusCode, headers, body });
    return response;
  }) as typeof response.end;
}

/** Git's answers have no length told before: what is missing is the mark that they are whole. */
function breakOffAtEnd(response: ServerResponse): void {
  response.end = (() => {
    response.socket?.destroySoon();
    return response;
  }) as typeof response.end;
}

/** With a TCP reset where the socket can (TLS sockets cannot). */
function reset(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}
