/** Why the engine cannot be opened, in a line for whoever started the node. */
export class EngineStartError extends Error {
  override readonly name = 'EngineStartError';
}
