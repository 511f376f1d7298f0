/**
 * A nominal type: a `number` or `bigint` that only its own constructor makes. It costs nothing at run time.
 */
export type Brand<Base, Name extends string> = Base & { readonly __brand: Name };
