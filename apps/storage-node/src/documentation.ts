import { describeRoutes } from '@kvs/http-api';
import { ApiProblem } from '@kvs/protocol/openapi';
import { ApiBody, ApiExcludeEndpoint, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ClusterController } from './cluster/cluster.controller.js';
import { StatsController } from './stats.controller.js';

/** The descriptions of the routes that only a node has, for its OpenAPI document. It leaves out the one that only proxies use. */

describeRoutes(StatsController, [ApiTags('cluster')], {
  stats: [
    ApiOperation({ summary: 'The engine and how many pairs it holds' }),
    ApiResponse({
      status: 200,
      description: 'The engine and the pairs of now',
      schema: {
        type: 'object',
        required: ['engine', 'keys'],
        properties: { engine: { type: 'string' }, keys: { type: 'integer', minimum: 0 } },
      },
    }),
  ],
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
    ApiResponse({ status: 204, description: 'The node asks the proxy' }),
    ApiProblem(400, 'The body is not valid'),
    ApiProblem(501, 'The storage engine of the node cannot be part of a cluster'),
  ],
  promotions: [ApiExcludeEndpoint()],
});
