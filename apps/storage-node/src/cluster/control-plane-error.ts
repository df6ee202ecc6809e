/** No proxy answered, or one refused. */
export class ControlPlaneError extends Error {
  override readonly name = 'ControlPlaneError';

  /** @param code the code of the proxy's refusal; undefined if it has none, or if no proxy answered */
  constructor(
    readonly code: string | undefined,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
