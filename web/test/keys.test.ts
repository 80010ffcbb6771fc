import { describe, expect, it } from 'vitest';
import { addUp, batches, bodyFilter } from '../src/keys';

describe('an import is cut into batches', () => {
  it('that know where they begin', () => {
    const text = Array.from({ length: 25 }, (_, i) => `fk-${i}`).join('\n');
    expect(batches(text, 10).map((b) => [b.before, b.lines, b.type])).toEqual([[0, 10, 'text/plain'], [10, 10, 'text/plain'], [20, 5, 'text/plain']]);
  });
  it('with the header of a CSV in front of each', () => {
    const list = batches('name,key\na,fk-1\nb,fk-2\nc,fk-3\n', 2);
    expect(list.map((b) => b.content)).toEqual(['name,key\na,fk-1', 'name,key\nb,fk-2\nc,fk-3']);
    // Line 2 of the second batch is line 3 of the input.
    expect(2 + list[1]!.before).toBe(3);
  });
  it('but JSON stays whole', () => {
    expect(batches('["fk-1"]')).toEqual([{ content: '{"keys":["fk-1"]}', type: 'application/json', before: 0, lines: 1 }]);
  });
  it('and nothing is nothing', () => expect(batches('\n\n')).toEqual([]));
});

it('results add up, with the lines of the whole input', () => {
  const none = { success: 0, failed: 0, duplicates: 0, total: 0, errors: [] };
  const one = { success: 3, failed: 1, duplicates: 2, total: 6, errors: [{ line: 4, error: 'x' }] };
  expect(addUp(addUp(none, one, 0), one, 10)).toEqual({ success: 6, failed: 2, duplicates: 4, total: 12, errors: [{ line: 4, error: 'x' }, { line: 14, error: 'x' }] });
});

it('a filter in a body has numbers where the API wants numbers, and nothing that is empty', () => {
  expect(bodyFilter({ q: '', status: 'ok', remaining_min: '5', ratio_max: '0.5' })).toEqual({ status: 'ok', remaining_min: 5, ratio_max: 0.5 });
});
