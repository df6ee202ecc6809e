import { describeRoutes } from '@kvs/http-api';
import { ApiProblem } from '@kvs/protocol/openapi';
import { MAX_COPIES } from '@kvs/topology';
import { ApiBody, ApiExcludeEndpoint, ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ClusterController } from './cluster.controller.js';
import { ControlPlaneController } from './cluster/control-plane.controller.js';

/** The descriptions of the routes that only a proxy has, for its OpenAPI document. It leaves out those that only nodes use. */

const COUNT = { type: 'integer', minimum: 1, maximum: MAX_COPIES };
const NATURAL = { type: 'integer', minimum: 0 };
const NOT_VALID = ApiProblem(400, 'The body or a parameter is not valid');
const UNKNOWN_NODE = ApiProblem(404, 'No node has this id');
const NO_STORE = ApiProblem(503, 'The store of the topology cannot be reached, or cannot be used');

describeRoutes(ClusterController, [ApiTags('cluster')], {
  view: [
    ApiOperation({ summary: 'The nodes, whether they can be reached, and how much each holds' }),
    ApiResponse({
      status: 200,
      description: 'The cluster as this proxy sees it',
      schema: {
        type: 'object',
        required: ['partitions', 'nodes'],
        properties: {
          partitions: NATURAL,
          nodes: {
            type: 'array',
            items: {
              type: 'object',
              required: ['node', 'state', 'partitions', 'keys'],
              properties: {
                node: { type: 'string', description: 'As host:port' },
                state: { type: 'string', enum: ['up', 'down'] },
                partitions: { ...NATURAL, description: 'How many the node owns' },
                keys: {
                  ...NATURAL,
                  nullable: true,
                  description: 'How many pairs it holds; null if it is down',
                },
                engine: { type: 'string' },
                reason: { type: 'string', description: 'Why it is down' },
              },
            },
          },
          topology: {
            type: 'object',
            description: 'Of a proxy with --topology: see "The state of a cluster" in docs/protocol.md',
          },
        },
      },
    }),
  ],
});

describeRoutes(ControlPlaneController, [ApiTags('cluster')], {
  updateSettings: [
    ApiOperation({
      summary: 'Change how many copies each partition should have, and how many a write needs',
    }),
    ApiBody({ schema: { type: 'object', properties: { copies: COUNT, min_in_sync: COUNT } } }),
    ApiResponse({ status: 204, description: 'Changed' }),
    NOT_VALID,
    NO_STORE,
  ],
  topology: [
    ApiOperation({ summary: 'The nodes, and which process has which partition' }),
    ApiQuery({
      name: 'after',
      required: false,
      schema: { type: 'integer', minimum: 0 },
      description: 'A revision: the answer comes as soon as there is a higher one, and is 204 if none comes',
    }),
    ApiResponse({
      status: 200,
      description: 'The topology: see "Partitions" in docs/protocol.md',
      schema: { type: 'object' },
    }),
    ApiResponse({ status: 204, description: 'There is no higher revision yet' }),
    NOT_VALID,
    NO_STORE,
  ],
  join: [ApiExcludeEndpoint()],
  entries: [ApiExcludeEndpoint()],
  report: [ApiExcludeEndpoint()],
  startLost: [
    ApiOperation({
      summary:
        'Start the lost partitions of a cluster with --when-lost offline; the proxy that leads does it',
    }),
    ApiResponse({
      status: 200,
      description: 'How many partitions start',
      schema: { type: 'object', required: ['started'], properties: { started: NATURAL } },
    }),
    ApiProblem(409, 'Another proxy leads'),
    NO_STORE,
  ],
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
    ApiResponse({ status: 204, description: 'Changed' }),
    NOT_VALID,
    UNKNOWN_NODE,
    NO_STORE,
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
    ApiResponse({
      status: 200,
      description: 'The node is off the list, or is drained first',
      schema: {
        type: 'object',
        required: ['state'],
        properties: {
          state: { type: 'string', enum: ['draining', 'removed'] },
          copies: { ...NATURAL, description: 'Of a node that is drained: how many copies it has' },
        },
      },
    }),
    NOT_VALID,
    UNKNOWN_NODE,
    ApiProblem(
      409,
      'The id is that of a process that has a role in some partition, and force=true is not given; or it is, and the process runs',
    ),
    NO_STORE,
  ],
});
