import express from 'express';
import { announce, BareStore } from './bare-store.js';

/** As raw-server, on Express with its body parser. */

const store = new BareStore();
const app = express();
app.use(express.json({ limit: '32mb' }));
app.put('/set', (request, response) => void response.json(store.set(request.body)));
app.post('/fetch', (request, response) => void response.json(store.fetch(request.body)));
app.post('/query', (request, response) => void response.json(store.query(request.body)));
const server = app.listen(0, 'localhost', () => announce(server));
