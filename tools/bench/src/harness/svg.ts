/**
 * Returns an SVG image. It has no background, and its text follows the reader's color scheme.
 *
 * @param colors the styles of its shapes
 */
export function svgImage(
  size: { readonly width: number; readonly height: number },
  title: string,
  colors: readonly string[],
  parts: readonly string[],
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-labelledby="title">
<title id="title">${title}</title>
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .name { font-weight: 600; }
  .quiet { fill: #59636e; font-size: 11px; }
  .axis { stroke: #8b949e; stroke-width: 1; }
  ${colors.join('\n  ')}
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .quiet { fill: #9da7b3; } }
</style>
${parts.join('\n')}
</svg>
`;
}

/** Rounds to a tenth of a pixel. */
export function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}
