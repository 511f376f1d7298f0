/** How often each fault really happened: a fault that is set but never fires proves nothing. */

export interface FaultReach {
  kills: number;
  stops: number;
  powerCuts: number;
  restarts: number;
  wipes: number;
  pauses: number;
  cuts: number;
  heals: number;
  droppedByCut: number;
  droppedByDown: number;
  droppedByLoss: number;
  duplicated: number;
  /** Disks made slower, and the syncs that were for it. */
  slowDisks: number;
  syncsSlowed: number;
  /** Links made slower or worse, and the messages that were delayed or lost for it. */
  linkFaults: number;
  delayedByLink: number;
  lostByLink: number;
  /** What was done to messages by hand; those behind a held one. */
  messagesHeld: number;
  messagesBehind: number;
  messagesReleased: number;
  messagesDelayed: number;
  messagesCopied: number;
  droppedByCommand: number;
  /** A load's requests: sent, sent again, and not sent for too many were waiting. */
  loadIssued: number;
  loadRepeated: number;
  loadDropped: number;
  /** Unsynced writes at power cuts. */
  writesKept: number;
  writesLost: number;
  writesTorn: number;
  /** Syncs that ended with an error, and those whose process was gone when they ended. */
  syncsFailed: number;
  syncsOutlived: number;
  /** Inputs that waited for a paused process. */
  inputsHeld: number;
  halts: number;
  /** Crash points set, and come to. */
  crashPoints: number;
  crashes: number;
  /** Processors made slower, and the inputs that waited for them; clocks set; limits set, and passed. */
  slowCpus: number;
  inputsSlowed: number;
  clockRates: number;
  /** Clocks set ahead, and the turns of those whose rate changes by itself. */
  clockSteps: number;
  clockTurns: number;
  memoryLimits: number;
  outOfMemory: number;
  allocationsFailed: number;
  /** Members that were added, for somebody to start. */
  membersAnnounced: number;
  /** Processes that ended and are started again by a supervisor. */
  restartsDelayed: number;
  imagesKept: number;
  rollbacks: number;
  /** Disks made worse, and what came of it. */
  diskSettings: number;
  writesFailed: number;
  readsFailed: number;
  diskFull: number;
  stalls: number;
  /** Reads that took their time, and syncs and reads that waited for a disk's operations before them. */
  readsSlowed: number;
  operationsQueued: number;
  bitsRotten: number;
  misdirected: number;
  /** Pages of the store that were said to be written and were not, and those read from another's place. */
  pagesLost: number;
  misread: number;
  filesLost: number;
  newClustersForced: number;
  /** Data directories that run twice, and what went to the second one. */
  membersCopied: number;
  sentToCopies: number;
  syncsLied: number;
  /** What a link's faults did to messages. */
  droppedByQueue: number;
  droppedByFilter: number;
  droppedCorrupt: number;
  overtaken: number;
  duplicatedByLink: number;
  jittered: number;
  /** Links that clogged, and the messages that waited for them. */
  clogs: number;
  clogged: number;
  /** Links that began to flap, and their turns. */
  flaps: number;
  flapTurns: number;
  healedEverything: number;
  /** Clients' connections refused or broken, requests tried again, commands that ran out of time. */
  connectionsRefused: number;
  connectionsBroken: number;
  requestsRetried: number;
  commandsTimedOut: number;
  /** Watches that wanted what was compacted, and were told so. */
  watchesCompacted: number;
}

export function newReach(): FaultReach {
  return {
    kills: 0,
    stops: 0,
    powerCuts: 0,
    restarts: 0,
    wipes: 0,
    pauses: 0,
    cuts: 0,
    heals: 0,
    droppedByCut: 0,
    droppedByDown: 0,
    droppedByLoss: 0,
    duplicated: 0,
    slowDisks: 0,
    syncsSlowed: 0,
    linkFaults: 0,
    delayedByLink: 0,
    lostByLink: 0,
    messagesHeld: 0,
    messagesBehind: 0,
    messagesReleased: 0,
    messagesDelayed: 0,
    messagesCopied: 0,
    droppedByCommand: 0,
    loadIssued: 0,
    loadRepeated: 0,
    loadDropped: 0,
    writesKept: 0,
    writesLost: 0,
    writesTorn: 0,
    syncsFailed: 0,
    syncsOutlived: 0,
    inputsHeld: 0,
    halts: 0,
    crashPoints: 0,
    crashes: 0,
    slowCpus: 0,
    inputsSlowed: 0,
    clockRates: 0,
    ...{ clockSteps: 0, clockTurns: 0 },
    memoryLimits: 0,
    ...{ outOfMemory: 0, allocationsFailed: 0, restartsDelayed: 0, membersAnnounced: 0 },
    imagesKept: 0,
    rollbacks: 0,
    diskSettings: 0,
    writesFailed: 0,
    readsFailed: 0,
    diskFull: 0,
    ...{ stalls: 0, readsSlowed: 0, operationsQueued: 0 },
    bitsRotten: 0,
    misdirected: 0,
    ...{ pagesLost: 0, misread: 0, filesLost: 0, newClustersForced: 0, membersCopied: 0, sentToCopies: 0 },
    syncsLied: 0,
    droppedByQueue: 0,
    droppedByFilter: 0,
    droppedCorrupt: 0,
    overtaken: 0,
    duplicatedByLink: 0,
    jittered: 0,
    ...{ clogs: 0, clogged: 0 },
    flaps: 0,
    flapTurns: 0,
    healedEverything: 0,
    connectionsRefused: 0,
    connectionsBroken: 0,
    requestsRetried: 0,
    ...{ commandsTimedOut: 0, watchesCompacted: 0 },
  };
}
