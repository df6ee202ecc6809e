export { operationLine, type Act, type Operation, type Result } from './check/history.js';
export { checkLinearizable, type Verdict } from './check/linearizability.js';
export { checkVersions } from './check/versions.js';
export { Random } from './world/random.js';
