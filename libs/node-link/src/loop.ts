import { ERROR_CODES } from '@kvs/protocol';
import { TransportError } from '@kvs/router';

/** The status with which a proxy answers every request of a proxy. */
export const LOOP_STATUS = ERROR_CODES.loop_detected.status;

/** Returns the failure of a call to an address that is a proxy's. */
export function loopError(): TransportError {
  return new TransportError('loop', 'it is a proxy, not a storage node');
}
