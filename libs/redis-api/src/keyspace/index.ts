export { fetchVersions } from './fetch-versions.js';
export { Keyspace, type KeyspaceOptions, type KeysPage } from './keyspace.js';
export {
  BATCHES,
  MAX_FETCHED_BYTES,
  runCall,
  type CallKind,
  type CallKinds,
  type SingleCall,
} from './single-call.js';
