import { Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { JsonBodyPipe, RawBody } from '@kvs/http-api';
import type { PromotionAnswer } from '@kvs/topology';
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
    const { invitationFrom } = await import('./joining.js');
    await this.#member.invited(invitationFrom(body));
  }

  @Post('promotions')
  @HttpCode(200)
  async promotions(@RawBody(JsonBodyPipe) body: unknown): Promise<PromotionAnswer> {
    const { promotionQuestionFrom } = await import('./joining.js');
    return this.#member.promotions(promotionQuestionFrom(body));
  }
}
