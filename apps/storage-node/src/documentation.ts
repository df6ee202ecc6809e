import { describeRoutes } from '@kvs/http-api';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ClusterController } from './cluster/cluster.controller.js';
import { StatsController } from './stats.controller.js';

/** The descriptions of the routes that only a node has, for its OpenAPI document. */

describeRoutes(StatsController, [ApiTags('cluster')], {
  stats: [ApiOperation({ summary: 'The engine and how many pairs it holds' })],
});

describeRoutes(ClusterController, [ApiTags('cluster')], {
  invitation: [
    ApiOperation({ summary: 'Join the cluster of a proxy, unless the node is part of a cluster already' }),
    ApiBody({
      schema: {
        type: 'object',
        required: ['proxy', 'address'],
        properties: {
          proxy: { type: 'string', format: 'uri', description: 'Where the proxy can be reached' },
          address: { type: 'string', description: 'Where the proxy reaches the node, as host:port' },
        },
      },
    }),
  ],
  promotions: [ApiOperation({ summary: 'Say of which partitions the node agrees to become primary' })],
});
