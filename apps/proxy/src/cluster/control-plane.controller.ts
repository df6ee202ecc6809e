import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Req,
  Res,
} from '@nestjs/common';
import { JSON_TYPE, JsonBodyPipe, QueryParameters, RawBody } from '@kvs/http-api';
import {
  entriesRequestFrom,
  joinRequestFrom,
  nodeReportFrom,
  nodeUpdateFrom,
  settingsUpdateFrom,
  topologyAnswerToJson,
  type NodeRemoval,
  type ReportAnswer,
} from '@kvs/topology';
import { ClusterMember } from './cluster-member.js';

/** The methods of the paths here. */
export const CONTROL_PLANE_METHODS: Readonly<Record<string, readonly string[]>> = {
  '/cluster': ['GET', 'HEAD', 'PATCH'],
  '/cluster/topology': ['GET', 'HEAD'],
  '/cluster/nodes': ['POST'],
  '/cluster/nodes/*': ['POST', 'PATCH', 'DELETE'],
  '/cluster/entries': ['POST'],
  '/cluster/lost/start': ['POST'],
};

/** The requests of nodes and operators to a proxy about the cluster. */
@Controller('cluster')
export class ControlPlaneController {
  readonly #member: ClusterMember;

  constructor(@Inject(ClusterMember) member: ClusterMember) {
    this.#member = member;
  }

  @Patch()
  @HttpCode(204)
  updateSettings(@RawBody(JsonBodyPipe) body: unknown): Promise<void> {
    return this.#member.control.updateSettings(settingsUpdateFrom(body));
  }

  @Get('topology')
  @Header('Content-Type', JSON_TYPE)
  async topology(
    @Req() request: IncomingMessage,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<string | undefined> {
    const { control } = this.#member;
    const after = parametersOf(request, 'after').wholeNumber('after', 0, Number.MAX_SAFE_INTEGER);
    if (after === undefined) return topologyAnswerToJson(await control.read());
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const newer = await control.newerThan(after, gone.signal);
    if (newer !== undefined) return topologyAnswerToJson(newer);
    response.statusCode = 204;
    return undefined;
  }

  @Post('nodes')
  @HttpCode(200)
  @Header('Content-Type', JSON_TYPE)
  async join(@RawBody(JsonBodyPipe) body: unknown): Promise<string> {
    return topologyAnswerToJson(await this.#member.control.join(joinRequestFrom(body)));
  }

  @Post('entries')
  @HttpCode(200)
  @Header('Content-Type', JSON_TYPE)
  async entries(@RawBody(JsonBodyPipe) body: unknown): Promise<string> {
    const receivedMs = this.#member.receivedMs();
    return topologyAnswerToJson(
      await this.#member.control.changeEntries(entriesRequestFrom(body), receivedMs),
    );
  }

  @Post('nodes/:id/status')
  @HttpCode(200)
  report(@Param('id') id: string, @RawBody(JsonBodyPipe) body: unknown): Promise<ReportAnswer> {
    return this.#member.control.report(id, nodeReportFrom(body));
  }

  @Post('lost/start')
  @HttpCode(200)
  async startLost(): Promise<{ readonly started: number }> {
    return { started: await this.#member.control.startLost() };
  }

  @Patch('nodes/:id')
  @HttpCode(204)
  update(@Param('id') id: string, @RawBody(JsonBodyPipe) body: unknown): Promise<void> {
    return this.#member.control.updateNode(id, nodeUpdateFrom(body));
  }

  @Delete('nodes/:id')
  remove(@Param('id') id: string, @Req() request: IncomingMessage): Promise<NodeRemoval> {
    return this.#member.control.removeNode(id, parametersOf(request, 'force').flag('force'));
  }
}

/** @throws KvsError `invalid_parameter` for any other parameter */
function parametersOf({ url = '' }: IncomingMessage, ...known: readonly string[]): QueryParameters {
  return new QueryParameters(url, known);
}
