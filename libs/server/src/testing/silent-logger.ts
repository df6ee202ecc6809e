import { pino } from 'pino';
import type { Logger } from '../logs/logger.js';

/** A logger that writes nothing. */
export const silentLogger: Logger = pino({ level: 'silent' });
