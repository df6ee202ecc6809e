/** No proxy answered, or one refused. */
export class ControlPlaneError extends Error {
  override readonly name = 'ControlPlaneError';
  /** Whether no process listens at the URL of any proxy, so that none can answer soon. */
  readonly hasNoListener: boolean;

  /** @param code the code of the proxy's refusal; undefined if it has none, or if no proxy answered */
  constructor(
    readonly code: string | undefined,
    message: string,
    { hasNoListener = false, ...options }: ErrorOptions & { readonly hasNoListener?: boolean } = {},
  ) {
    super(message, options);
    this.hasNoListener = hasNoListener;
  }
}
