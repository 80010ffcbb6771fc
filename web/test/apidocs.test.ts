import text from '../../docs/openapi.json?raw';
import { describe, expect, it } from 'vitest';
import { address, answer, content, entries, lines, matching, typeOf, type Description, type Schema } from '../src/apidocs';

const real = JSON.parse(text) as Description;
const small = (schemas: Record<string, Schema>): Description => ({ info: { title: '', version: '' }, paths: {}, components: { schemas, responses: {} } });

describe('the description of the API', () => {
  const all = entries(real);
  it('has an entry for each route, with who may use it and what it does', () => {
    const count = Object.values(real.paths).reduce((n, path) => n + Object.keys(path).length, 0);
    expect(all.length).toBe(count);
    expect(all.filter((entry) => !entry.who || !entry.about || !entry.area)).toEqual([]);
  });
  it('finds by words and by role', () => {
    expect(matching(all, 'GET hourly', '').map((e) => e.path)).toEqual(['/api/v1/ips/{id}/stats/hourly']);
    expect(matching(all, '', 'admin').every((e) => e.who === 'admin')).toBe(true);
    expect(matching(all, 'no such thing', '')).toEqual([]);
  });
  it('unfolds every body and every answer', () => {
    for (const entry of all) {
      for (const body of [entry.operation.requestBody, ...Object.values(entry.operation.responses).map((r) => answer(real, r))]) {
        const of = content(body);
        if (!of) continue;
        const unfolded = lines(real, of.schema);
        expect(unfolded.length, entry.id).toBeLessThan(400);
        expect(unfolded.filter((l) => !l.type || l.type.includes('undefined')), entry.id).toEqual([]);
      }
    }
    const shown = lines(real, content(real.paths['/api/v1/accounts']!.get!.responses['200'])!.schema).map((l) => `${'  '.repeat(l.depth)}${l.name}`);
    expect(shown).toContain('data');
    expect(shown).toContain('  name');
  });
  it('does not follow what refers to itself for ever', () => {
    const tree = { Tree: { type: 'object', properties: { name: { type: 'string' }, leaves: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } } } };
    expect(lines(small(tree), { $ref: '#/components/schemas/Tree' }).map((l) => l.name)).toEqual(['name', 'leaves']);
  });
  it.each([
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ enum: ['a', 'b'] }, '"a" | "b"'],
    [{ type: 'array', items: { type: 'integer' } }, 'integer[]'],
    [{ anyOf: [{ $ref: '#/components/schemas/X' }, { type: 'null' }] }, 'X | null'],
    [{ type: 'object', additionalProperties: { type: 'string' } }, '{ [name]: string }'],
    [{ const: 0 }, '0'],
    [{}, 'any'],
  ])('%j is %s', (schema, word) => expect(typeOf(small({ X: { type: 'object' } }), schema as Schema)).toBe(word));
  it('makes an address of what was typed', () => {
    const hourly = matching(all, 'GET hourly', '')[0]!;
    expect(address(hourly, {})).toBe(null);
    expect(address(hourly, { id: ' 7 ', limit: '24' })).toBe('/api/v1/ips/7/stats/hourly?limit=24');
    expect(address(hourly, { id: '../x', limit: '' })).toBe('/api/v1/ips/..%2Fx/stats/hourly');
  });
});
