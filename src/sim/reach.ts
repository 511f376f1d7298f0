/** How often each fault really happened: a fault that is set but never fires proves nothing. */

export interface FaultReach {
  kills: number;
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
  /** A load's requests: sent, and not sent for too many were waiting. */
  loadIssued: number;
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
  /** Clients' connections refused or broken, requests tried again, commands that ran out of time. */
  connectionsRefused: number;
  connectionsBroken: number;
  requestsRetried: number;
  commandsTimedOut: number;
}

export function newReach(): FaultReach {
  return {
    kills: 0,
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
    loadDropped: 0,
    writesKept: 0,
    writesLost: 0,
    writesTorn: 0,
    syncsFailed: 0,
    syncsOutlived: 0,
    inputsHeld: 0,
    halts: 0,
    connectionsRefused: 0,
    connectionsBroken: 0,
    requestsRetried: 0,
    commandsTimedOut: 0,
  };
}
