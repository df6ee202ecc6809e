import { KvsError } from '@kvs/protocol';
import {
  invitationFrom,
  promotionQuestionFrom,
  TopologyError,
  type Invitation,
  type PromotionQuestion,
} from '@kvs/topology';

/** The requests of proxies to a node of a cluster. A node by itself never loads this, nor the package of the topology. */

/** @throws KvsError `invalid_shape` */
export function readInvitation(body: unknown): Invitation {
  return read(invitationFrom, body);
}

/** @throws KvsError `invalid_shape` */
export function readPromotionQuestion(body: unknown): PromotionQuestion {
  return read(promotionQuestionFrom, body);
}

function read<T>(from: (body: unknown) => T, body: unknown): T {
  try {
    return from(body);
  } catch (error) {
    if (error instanceof TopologyError) throw new KvsError('invalid_shape', error.message, { cause: error });
    throw error;
  }
}
