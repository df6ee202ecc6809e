import type { Process } from './process.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** The events of a connection. */
export interface ConnectionListener {
  /** The connection to the process is there. */
  up?(): void;
  /** The connection to the process broke. Everything in it is lost. */
  down?(): void;
}

/** How slow the network is at present. */
export interface NetworkWeather {
  /** The probability that a message takes up to 0.4 s instead of some milliseconds. */
  slowMessages: number;
}

/**
 * Connections between processes. A connection has one direction for messages: they arrive in order, or the connection breaks
 * and they are lost. Directions are stalled and cut independently of each other.
 */
export class Network {
  readonly weather: NetworkWeather = { slowMessages: 0 };
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #connections = new Map<string, Connection>();

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  /** Returns the connection for messages of one process to another. There is one for each pair. */
  connection(from: Process, to: Process): Connection {
    const key = `${from.name}>${to.name}`;
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = new Connection(this.#scheduler, this.#random, this.weather, from, to);
      this.#connections.set(key, connection);
    }
    return connection;
  }

  /** Breaks all connections of a process, for example because it crashed. */
  breakAll(process: Process): void {
    for (const connection of this.#connections.values()) {
      if (connection.from === process || connection.to === process) connection.break();
    }
  }
}

/** A connection for messages of one direction. It is made again whenever both processes are up and it is not cut. */
export class Connection {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #weather: NetworkWeather;
  readonly #listeners: ConnectionListener[] = [];
  #isUp = false;
  #isReconnecting = false;
  #generation = 0;
  #cuts = 0;
  #stalls = 0;
  #stalled: (() => void)[] = [];
  #lastArrivalMs = 0;

  constructor(
    scheduler: Scheduler,
    random: Random,
    weather: NetworkWeather,
    readonly from: Process,
    readonly to: Process,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#weather = weather;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get isCut(): boolean {
    return this.#cuts > 0;
  }

  /** Counts how often the connection was made, so that an answer is not sent on a later connection than its call. */
  get generation(): number {
    return this.#generation;
  }

  /** Tells the sender of changes, and connects. */
  listen(listener: ConnectionListener): void {
    this.#listeners.push(listener);
    if (this.#isUp) this.from.receive(() => listener.up?.());
    else this.#reconnect();
  }

  /**
   * Sends a message: runs `arrive` at the receiver some time later, after what was sent before. Returns false if there is no
   * connection at present.
   */
  send(arrive: () => void): boolean {
    if (!this.#isUp) {
      this.#reconnect();
      return false;
    }
    const generation = this.#generation;
    const takesMs = this.#random.chance(this.#weather.slowMessages)
      ? this.#random.between(10, 400)
      : this.#random.between(0.2, 4);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#scheduler.nowMs + takesMs);
    const deliver = () => {
      if (generation === this.#generation) this.to.receive(arrive);
    };
    this.#scheduler.after(this.#lastArrivalMs - this.#scheduler.nowMs, () => {
      if (generation !== this.#generation) return;
      if (this.#stalls > 0 || this.#stalled.length > 0) this.#stalled.push(deliver);
      else deliver();
    });
    return true;
  }

  /** Loses everything that is in the connection. A new connection is made soon, if nothing prevents it. */
  break(): void {
    this.#generation++;
    this.#stalled = [];
    this.#lastArrivalMs = 0;
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#scheduler.after(this.#random.between(0, 40), () => {
      this.from.receive(() => {
        for (const { down } of this.#listeners) down?.();
      });
    });
    this.#reconnect();
  }

  /** Breaks the connection, and prevents new ones until {@link mend} was called as often. */
  cut(): void {
    this.#cuts++;
    this.break();
  }

  mend(): void {
    if (--this.#cuts === 0) this.#reconnect();
  }

  /** Holds messages back until {@link flow} was called as often. Neither end notices. */
  stall(): void {
    this.#stalls++;
  }

  flow(): void {
    if (--this.#stalls > 0) return;
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const deliver of stalled) deliver();
  }

  #reconnect(): void {
    if (this.#isReconnecting) return;
    this.#isReconnecting = true;
    this.#scheduler.after(this.#random.between(50, 200), () => {
      this.#isReconnecting = false;
      if (this.#isUp || this.#cuts > 0) return;
      if (!this.from.isUp || !this.to.isUp) return this.#reconnect();
      this.#isUp = true;
      this.#generation++;
      const generation = this.#generation;
      this.from.receive(() => {
        if (generation !== this.#generation) return;
        for (const { up } of this.#listeners) up?.();
      });
    });
  }
}
