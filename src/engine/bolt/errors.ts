/** What the store says about bad files and bad requests: codes are bbolt's texts. */

export type BoltErrorCode =
  | 'invalid database'
  | 'version mismatch'
  | 'checksum error'
  | 'tx not writable'
  | 'tx closed'
  | 'bucket not found'
  | 'bucket already exists'
  | 'bucket name required'
  | 'key required'
  | 'key too large'
  | 'value too large'
  | 'incompatible value'
  | 'mmap too large'
  | 'the source and target are the same bucket'
  | 'the source and target buckets are in different database files';

/** A fault of the file or of the request; `code` is bbolt's text, the message adds what was wrong. */
export class BoltError extends Error {
  override readonly name = 'BoltError';
  readonly code: BoltErrorCode;

  constructor(code: BoltErrorCode, detail = '') {
    super(detail === '' ? code : `${code}: ${detail}`);
    this.code = code;
  }
}
