/** Where a node offers its link, and the token of its protocol in the `Upgrade` header. The number is its version. */
export const LINK_PATH = '/link';
export const LINK_TOKEN = 'kvs-link/3';
