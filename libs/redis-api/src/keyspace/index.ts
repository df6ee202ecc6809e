export { Keyspace, type KeyspaceOptions, type KeysPage } from './keyspace.js';
