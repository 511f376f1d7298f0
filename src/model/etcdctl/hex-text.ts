/** Bytes as `--hex` prints them. */

/** `\x68\x69` for `hi`. @source etcd v3.4.23 etcdctl util.go addHexPrefix */
export const hexText = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
