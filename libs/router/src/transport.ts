/** The port of transports alone. A storage node has the server of a transport and needs neither the router nor the ring. */
export * from './node-transport.js';
