import {
  promotionAnswerFrom,
  type Invitation,
  type PromotionAnswer,
  type PromotionQuestion,
} from '@kvs/topology';

/** The requests of a proxy to nodes about the cluster. */
export class NodeClient {
  /** Rejects if the node can't be reached, or refuses. */
  async invite(invitation: Invitation): Promise<void> {
    await this.#post(invitation.address, 'invitation', invitation);
  }

  /** Rejects if the node can't be reached. */
  async confirmPromotions(address: string, question: PromotionQuestion): Promise<PromotionAnswer> {
    return promotionAnswerFrom(await this.#post(address, 'promotions', question));
  }

  async #post(address: string, path: string, data: unknown): Promise<unknown> {
    // Loaded for the first request, because few proxies send any.
    const { HttpService } = await import('@nestjs/axios');
    const { axiosRef } = new HttpService();
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const answer = await axiosRef.request<unknown>({
        method: 'POST',
        url: `http://${address}/cluster/${path}`,
        data,
        signal,
        maxContentLength: MAX_ANSWER_BYTES,
        maxRedirects: 0,
        // A node is never behind the proxy that the environment names for the web.
        proxy: false,
      });
      return answer.data;
    } catch (error) {
      throw signal.aborted ? new Error(`no answer within ${TIMEOUT_MS} ms`, { cause: error }) : error;
    }
  }
}

/** Less than nodes wait for a proxy that asks another node before it answers. */
const TIMEOUT_MS = 1500;
const MAX_ANSWER_BYTES = 256 * 1024;
