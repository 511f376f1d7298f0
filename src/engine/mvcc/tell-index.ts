/** What an open has found in the index, told in pieces: pictures know each key's history from the start. */
import { emptyBytes } from '../../base/bytes.ts';
import type { Trace } from '../../base/trace.ts';
import { keyText } from '../../base/utf8.ts';
import type { MvccEvent } from './events.ts';
import type { KeyIndex } from './key-index.ts';
import type { TreeIndex } from './tree-index.ts';

const keysPerPiece = 1000;

export function tellIndex(index: TreeIndex, trace: Trace<MvccEvent>): void {
  let piece: KeyIndex[] = [];
  const tell = (): void => {
    if (piece.length > 0) trace.emit(pieceOf(piece));
    piece = [];
  };
  index.visit(emptyBytes, emptyBytes, (keyIndex) => {
    piece.push(keyIndex);
    if (piece.length === keysPerPiece) tell();
  });
  tell();
}

function pieceOf(keys: readonly KeyIndex[]): MvccEvent {
  const lives = keys.flatMap(({ generations }) => generations);
  const revisions = lives.flatMap((life) => life.revisions);
  return {
    type: 'mvcc.index',
    keys: keys.map(({ key }) => keyText(key)),
    lifeCounts: keys.map(({ generations }) => generations.length),
    versions: lives.map(({ version }) => version),
    createdMains: lives.map(({ created }) => created.main),
    createdSubs: lives.map(({ created }) => created.sub),
    revisionCounts: lives.map((life) => life.revisions.length),
    mains: revisions.map(({ main }) => main),
    subs: revisions.map(({ sub }) => sub),
  };
}
