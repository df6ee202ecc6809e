/** The part of negotiator that is used. The published types are those of an older version. */
declare module 'negotiator' {
  class Negotiator {
    constructor(request: { readonly headers: { readonly accept: string } });
    mediaType(offers: readonly string[]): string | undefined;
  }
  export = Negotiator;
}
