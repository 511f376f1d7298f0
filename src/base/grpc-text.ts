/** A failed call in the words of its client. */

/** The codes that the connection itself may give; others are etcd's own, or the client's before it sent. */
const transportCodes: Readonly<Record<number, string>> = {
  1: 'Canceled',
  2: 'Unknown',
  8: 'ResourceExhausted',
  12: 'Unimplemented',
  13: 'Internal',
  14: 'Unavailable',
};

/**
 * etcd's own errors and the client's are told bare, the connection's with a gRPC code.
 * @source etcd v3.4.23 clientv3/client.go toErr
 */
export function callError(code: number, message: string): string {
  const name = message.startsWith('etcdserver: ') ? undefined : transportCodes[code];
  return name === undefined ? message : `rpc error: code = ${name} desc = ${message}`;
}
