import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { JsonBodyPipe, RawBody } from '@kvs/http-api';
import { KvsError } from '@kvs/protocol';
import { invitationFrom, promotionQuestionFrom, TopologyError, type PromotionAnswer } from '@kvs/topology';
import { ClusterMember } from './cluster-member.js';

/** What proxies ask of a node about its part in the cluster. */
@Controller('cluster')
export class ClusterController {
  readonly #member: ClusterMember;

  constructor(@Inject(ClusterMember) member: ClusterMember) {
    this.#member = member;
  }

  @Post('invitation')
  @HttpCode(204)
  async invitation(@RawBody(JsonBodyPipe) body: unknown): Promise<void> {
    await this.#member.invited(read(invitationFrom, body));
  }

  @Post('promotions')
  @HttpCode(200)
  promotions(@RawBody(JsonBodyPipe) body: unknown): PromotionAnswer {
    return this.#member.promotions(read(promotionQuestionFrom, body));
  }
}

/** @throws KvsError `invalid_shape` */
function read<T>(from: (body: unknown) => T, body: unknown): T {
  try {
    return from(body);
  } catch (error) {
    if (error instanceof TopologyError) throw new KvsError('invalid_shape', error.message, { cause: error });
    throw error;
  }
}
