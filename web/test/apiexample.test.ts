import text from '../../docs/openapi.json?raw';
import { describe, expect, it } from 'vitest';
import { content, entries, type Description, type Schema } from '../src/apidocs';
import { command, example } from '../src/apiexample';

const real = JSON.parse(text) as Description;
const small = (schemas: Record<string, Schema>): Description => ({ info: { title: '', version: '' }, paths: {}, components: { schemas, responses: {} } });
const X = '#/components/schemas/X';

describe('an example', () => {
  it.each<[Schema, unknown]>([
    [{ type: 'string' }, 'text'],
    [{ type: 'string', maxLength: 2 }, 'te'],
    [{ type: ['integer', 'null'], minimum: 5 }, 5],
    [{ type: 'integer', maximum: 0 }, 0],
    [{ type: 'string', default: 'x' }, 'x'],
    [{ enum: ['a', 'b'] }, 'a'],
    [{ anyOf: [{ $ref: X }, { type: 'null' }] }, { name: 'text', inner: null }],
    [{ type: 'array', items: { type: 'boolean' } }, [false]],
    [{ type: 'object', additionalProperties: { type: 'integer' } }, { name: 1 }],
    [{}, null],
  ])('of %j', (schema, value) => {
    const description = small({ X: { type: 'object', properties: { name: { type: 'string' }, inner: { $ref: X } } } });
    expect(example(description, schema)).toEqual(value);
  });
  it('has what every body of the API needs', () => {
    let bodies = 0;
    for (const entry of entries(real)) {
      const body = content(entry.operation.requestBody);
      if (!body || body.form !== 'application/json') continue;
      bodies += 1;
      const made = example(real, body.schema);
      expect(made, entry.id).not.toBe(undefined);
      expect(command(real, 'http://here', entry, body.form, body.schema)).toContain(`-X ${entry.verb.toUpperCase()}`);
    }
    expect(bodies).toBeGreaterThan(20);
  });
  it('asks a public route without a key', () => {
    expect(command(real, 'http://here', { verb: 'get', path: '/api/v1/ips', who: 'market' }, undefined, undefined)).toBe("curl 'http://here/api/v1/ips'");
  });
});
