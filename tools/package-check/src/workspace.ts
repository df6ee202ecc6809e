import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from '@kvs-tools/local-cluster';

/** The parts of package.json that these tests use. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface PublishedPackage {
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Returns the libs and apps, which are the published packages. */
export function publishedPackages(): PublishedPackage[] {
  return ['libs', 'apps'].flatMap((group) =>
    readdirSync(join(workspaceRoot, group)).map((name) => {
      const directory = join(workspaceRoot, group, name);
      const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
      return { directory, manifest };
    }),
  );
}

/** Returns our packages among the direct and indirect dependencies of a package. */
export function ownDependencies(name: string, packages: readonly PublishedPackage[]): Set<string> {
  const found = new Set<string>();
  const visit = (each: string): void => {
    const manifest = packages.find((candidate) => candidate.manifest.name === each)?.manifest;
    for (const dependency of Object.keys(manifest?.dependencies ?? {})) {
      const ours = packages.some((candidate) => candidate.manifest.name === dependency);
      if (!ours || found.has(dependency)) continue;
      found.add(dependency);
      visit(dependency);
    }
  };
  visit(name);
  return found;
}
