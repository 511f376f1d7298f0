/** The state of a lab that is not open. */
import type { LabState } from './port.ts';

export const closedState: LabState = {
  version: 1,
  seed: 0,
  boot: 0,
  members: 0,
  preVote: true,
  settings: {},
  layout: 'one',
  storage: 'memory',
  bucketMiB: null,
  storageNotice: null,
  lossNotice: null,
  origin: null,
  replayed: null,
  storedCommits: 0,
  storedUs: 0,
  timeUs: 0,
  moment: 0,
  playing: false,
  pausedBecause: 'asked',
  speed: 0,
  chainHash: '0000000000000000',
  stopped: null,
  violation: null,
  planted: [],
};
