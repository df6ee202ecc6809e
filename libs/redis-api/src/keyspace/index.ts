export { FetchCount, unitsOf } from './fetch-count.js';
export { fetchVersions } from './fetch-versions.js';
export { Keyspace, type KeyspaceOptions, type KeysPage } from './keyspace.js';
export { BATCHES, runCall, type CallKind, type CallKinds, type SingleCall } from './single-call.js';
