import 'reflect-metadata';
import { LIMITS } from '@kvs/http-api';
import { Router } from '@kvs/router';
import { Test } from '@nestjs/testing';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { ClusterController } from './cluster.controller.js';
import { ClusterMember } from './cluster/cluster-member.js';
import { ControlPlaneController } from './cluster/control-plane.controller.js';
import './documentation.js';

it('describes the requests of operators with all their answers, and none of those of nodes', async () => {
  const module = await Test.createTestingModule({
    controllers: [ClusterController, ControlPlaneController],
    providers: [Router, ClusterMember, LIMITS].map((provide) => ({ provide, useValue: {} })),
  }).compile();
  const app = module.createNestApplication();
  const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  const statuses = Object.entries(paths).flatMap(([path, { get, post, patch, delete: remove }]) =>
    Object.entries({ get, post, patch, remove }).flatMap(([method, operation]) =>
      operation === undefined
        ? []
        : [`${method} ${path} ${Object.keys(operation.responses).sort().join(' ')}`],
    ),
  );
  expect(statuses.sort()).toEqual([
    'get /cluster 200',
    'get /cluster/topology 200 204 400 503',
    'patch /cluster 204 400 503',
    'patch /cluster/nodes/{id} 204 400 404 503',
    'post /cluster/lost/start 200 409 503',
    'remove /cluster/nodes/{id} 200 400 404 409 503',
  ]);
  await app.close();
});
