/** What is wrong with a log's files: codes are etcd's texts. */

export type WalErrorCode =
  /** No segment reaches back to the snapshot, or one in between is missing. */
  | 'wal: file not found'
  | 'wal: conflicting metadata found'
  /** A segment does not go on where the one before it ended. */
  | 'wal: crc mismatch'
  /** A record's data are not what was written. */
  | 'walpb: crc mismatch'
  | 'wal: snapshot mismatch'
  | 'wal: snapshot not found'
  | 'wal: slice bounds out of range'
  | 'wal: max entry size limit exceeded'
  /** A segment ends within a record, and it is not the last. */
  | 'unexpected EOF'
  | 'wal: bad record'
  | 'unexpected block type';

/** A fault of the files; the message adds where. */
export class WalError extends Error {
  override readonly name = 'WalError';
  readonly code: WalErrorCode;

  constructor(code: WalErrorCode, detail = '') {
    super(detail === '' ? code : `${code}: ${detail}`);
    this.code = code;
  }
}
