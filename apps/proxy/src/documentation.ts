import { describeRoutes } from '@kvs/http-api';
import { MAX_COPIES } from '@kvs/topology';
import { ApiBody, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { ClusterController } from './cluster.controller.js';
import { ControlPlaneController } from './cluster/control-plane.controller.js';

/** The descriptions of the routes that only a proxy has, for its OpenAPI document. */

const COUNT = { type: 'integer', minimum: 1, maximum: MAX_COPIES };

describeRoutes(ClusterController, [ApiTags('cluster')], {
  view: [ApiOperation({ summary: 'The nodes, whether they can be reached, and how much each holds' })],
});

describeRoutes(ControlPlaneController, [ApiTags('cluster')], {
  updateSettings: [
    ApiOperation({
      summary: 'Change how many copies each partition should have, and how many a write needs',
    }),
    ApiBody({ schema: { type: 'object', properties: { copies: COUNT, min_in_sync: COUNT } } }),
  ],
  topology: [
    ApiOperation({ summary: 'The nodes, and which process has which partition' }),
    ApiQuery({
      name: 'after',
      required: false,
      schema: { type: 'integer', minimum: 0 },
      description: 'A revision: the answer comes as soon as there is a higher one, and is 204 if none comes',
    }),
  ],
  join: [ApiOperation({ summary: 'A node joins, or says that it has started again' })],
  entries: [ApiOperation({ summary: 'A node asks for changes of the copies of partitions' })],
  startLost: [
    ApiOperation({
      summary:
        'Start the lost partitions of a cluster with --when-lost offline; the proxy that leads does it',
    }),
  ],
  report: [ApiOperation({ summary: 'A node reports' })],
  update: [
    ApiOperation({ summary: 'Change the weight or the zone of a node, or drain it' }),
    ApiBody({
      schema: {
        type: 'object',
        properties: {
          weight: { type: 'number' },
          zone: { type: 'string' },
          state: { type: 'string', enum: ['active', 'draining'] },
        },
      },
    }),
  ],
  remove: [
    ApiOperation({
      summary:
        'Drain a node, and take it off the list once it has no copies; with force=true, it is gone already',
    }),
    ApiQuery({
      name: 'force',
      required: false,
      schema: { type: 'boolean' },
      description: 'Whether the process has ended and its pairs are gone',
    }),
  ],
});
