/** Stops a server after its use. */
export async function using<Server extends { stop(): Promise<unknown> }, Result>(
  server: Server,
  use: (server: Server) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}
