import { MaglevRing } from '../index.js';

describe('maglev', () => {
  it('gives equal nodes numbers of entries that differ by at most one', () => {
    const tableSize = 1009;
    // A hash that walks through the table, so that each entry is looked up once.
    let next = 0;
    const ring = new MaglevRing(['a', 'b', 'c', 'd', 'e', 'f', 'g'], { tableSize, hash: () => next++ });
    const counts = new Map<string, number>();
    for (let entry = 0; entry < tableSize; entry++) {
      const { id } = ring.get('');
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
  });

  it.each([4, 1000, 2.5, -7, 1, 0, NaN, Infinity, 2 ** 31 - 1])(
    'refuses a table of %d entries for three nodes',
    (tableSize) => {
      const make = () => new MaglevRing(['a', 'b', 'c'], { tableSize });
      expect(make).toThrow(expect.objectContaining({ code: 'invalid_table_size' }));
    },
  );

  it('refuses a table smaller than the number of nodes', () => {
    const make = () => new MaglevRing(['a', 'b', 'c', 'd'], { tableSize: 3 });
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_table_size' }));
  });
});
