import type { ServerResponse } from 'node:http';
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
  Query,
  Res,
} from '@nestjs/common';
import { JSON_TYPE, JsonBodyPipe, RawBody } from '@kvs/http-api';
import { KvsError } from '@kvs/protocol';
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
    @Res({ passthrough: true }) response: ServerResponse,
    @Query('after') after?: unknown,
  ): Promise<string | undefined> {
    const { control } = this.#member;
    if (after === undefined) return topologyAnswerToJson(await control.read());
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const newer = await control.newerThan(revisionFrom(after), gone.signal);
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
  remove(@Param('id') id: string, @Query('force') force?: unknown): Promise<NodeRemoval> {
    if (force !== undefined && force !== 'true' && force !== 'false')
      throw new KvsError('invalid_parameter', 'force is true or false');
    return this.#member.control.removeNode(id, force === 'true');
  }
}

/** @throws KvsError `invalid_parameter` */
function revisionFrom(after: unknown): number {
  const revision = typeof after === 'string' && /^\d+$/.test(after) ? Number(after) : NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw new KvsError('invalid_parameter', 'after is the revision of a topology, a whole number');
}
