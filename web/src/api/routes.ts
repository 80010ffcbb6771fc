/** What the description of the API says of a route: which there are, what they take, what they answer. */
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type Verb = 'get' | 'post' | 'put' | 'delete';

/** The routes that know this verb, as they are written in the description. */
type Known<V extends Verb> = { [K in keyof paths]: paths[K] extends Record<V, { responses: unknown }> ? K : never }[keyof paths];
/** `/a/{id}/b` as it is written with an id in it. */
type Filled<K extends string> = K extends `${infer Before}{${string}}${infer After}` ? `${Before}${string | number}${Filled<After>}` : K;
/** Every path that may be asked with this verb. */
export type PathOf<V extends Verb> = Filled<Known<V>>;
type Parts<S extends string> = S extends `${infer Head}/${infer Rest}` ? [Head, ...Parts<Rest>] : [S];
type Same<K extends string, P extends string> = Parts<P>['length'] extends Parts<K>['length'] ? (P extends Filled<K> ? K : never) : never;
/** The route that a path belongs to; one without a parameter comes first. */
type RouteOf<V extends Verb, P extends string> = P extends Known<V> ? P : { [K in Known<V>]: Same<K, P> }[Known<V>];
type Operation<V extends Verb, P extends string> = paths[RouteOf<V, P>][V & keyof paths[RouteOf<V, P>]];

type Content<A> = A extends { content: { 'application/json': infer T } } ? T : never;
type Success<R> = { [S in Extract<keyof R, 200 | 201 | 202>]: Content<R[S]> }[Extract<keyof R, 200 | 201 | 202>];

/** The body of the answer, with its envelope. */
export type AnswerOf<V extends Verb, P extends string> = Operation<V, P> extends { responses: infer R } ? Success<R> : never;
/** The answer without its envelope. */
export type DataOf<V extends Verb, P extends string> = AnswerOf<V, P> extends { data: infer T } ? T : never;
/** One of the rows that a page of a list has. */
export type RowOf<P extends string> = DataOf<'get', P> extends (infer T)[] ? T : never;
/** What may be asked for in the query. Names are held to the description; values come from the address as text, and the server checks them. */
export type QueryOf<V extends Verb, P extends string> = Operation<V, P> extends { parameters: { query?: infer Q } }
  ? [Q] extends [undefined] ? Record<string, never> : { [K in keyof Q]?: string | number | boolean | null }
  : Record<string, never>;
/** What the body may be. */
export type BodyOf<V extends Verb, P extends string> = Operation<V, P> extends { requestBody?: { content: infer C } }
  ? C extends { 'application/json': infer T } ? T : never
  : never;
