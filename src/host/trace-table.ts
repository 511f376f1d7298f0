/** How each event's fields travel: one row an event type, checked against the unions by the compiler. */
import type { LabEvent } from '../sim/types.ts';

/**
 * `f64` takes two words and holds any safe integer; `u32` and `i32` take one. Lists begin with their length.
 */
export type FieldKind = 'u32' | 'i32' | 'f64' | 'bool' | 'text' | 'numbers' | 'texts';

type KindFor<Value> = [Value] extends [boolean]
  ? 'bool'
  : [Value] extends [number]
    ? 'u32' | 'i32' | 'f64'
    : [Value] extends [string]
      ? 'text'
      : [Value] extends [readonly number[]]
        ? 'numbers'
        : [Value] extends [readonly string[]]
          ? 'texts'
          : never;

/** One kind for each field but `type`: a field or an event type without one does not compile. */
export type EventTable = {
  readonly [Event in LabEvent as Event['type']]: {
    readonly [Field in Exclude<keyof Event, 'type'>]: KindFor<Event[Field]>;
  };
};

const traced = {
  messageType: 'text',
  from: 'u32',
  to: 'u32',
  term: 'f64',
  index: 'f64',
  logTerm: 'f64',
  entryCount: 'u32',
  commit: 'f64',
  reject: 'bool',
} as const;
const tracedVote = { ...traced, pre: 'bool' } as const;

const raftRows = {
  'raft.initState': {
    term: 'f64',
    vote: 'u32',
    commit: 'f64',
    applied: 'f64',
    firstIndex: 'f64',
    entryTerms: 'numbers',
  },
  'raft.becomeFollower': { term: 'f64', lead: 'u32' },
  'raft.becomePreCandidate': { term: 'f64' },
  'raft.becomeCandidate': { term: 'f64' },
  'raft.becomeLeader': { term: 'f64' },
  'raft.leaderChanged': { term: 'f64', lead: 'u32' },
  'raft.replicate': { term: 'f64', index: 'f64', entryCount: 'u32' },
  'raft.append': { index: 'f64', entryTerms: 'numbers', truncated: 'u32' },
  'raft.stable': { index: 'f64', term: 'f64' },
  'raft.commit': { term: 'f64', index: 'f64' },
  'raft.compact': { firstIndex: 'f64' },
  'raft.changeConf': { index: 'f64', change: 'text' },
  'raft.applyConfChange': {
    voters: 'numbers',
    votersOutgoing: 'numbers',
    learners: 'numbers',
    learnersNext: 'numbers',
    autoLeave: 'bool',
  },
  'raft.ready': { entryCount: 'u32', committedCount: 'u32', messageCount: 'u32', mustSync: 'bool' },
  'raft.sendAppendEntriesRequest': traced,
  'raft.receiveAppendEntriesRequest': traced,
  'raft.sendAppendEntriesResponse': traced,
  'raft.receiveAppendEntriesResponse': traced,
  'raft.sendRequestVoteRequest': tracedVote,
  'raft.receiveRequestVoteRequest': tracedVote,
  'raft.sendRequestVoteResponse': tracedVote,
  'raft.receiveRequestVoteResponse': tracedVote,
  'raft.sendSnapshot': traced,
  'raft.receiveSnapshot': traced,
  'raft.decideVote': { candidate: 'u32', term: 'f64', pre: 'bool', granted: 'bool', because: 'text' },
  'raft.resetElectionTimer': { state: 'text', timeoutTicks: 'u32' },
  'raft.progress': {
    peer: 'u32',
    isLearner: 'bool',
    state: 'text',
    match: 'f64',
    next: 'f64',
    inflightCount: 'u32',
    inflightLimit: 'u32',
    paused: 'bool',
    pendingSnapshot: 'f64',
  },
  'raft.readIndex': { index: 'f64', confirmed: 'bool', position: 'u32' },
  'raft.readAck': { from: 'u32', position: 'u32' },
  'raft.transferLeader': { to: 'u32', step: 'text' },
} as const;

const freelistRows = {
  'freelist.init': { list: 'text', runStarts: 'numbers', runCounts: 'numbers' },
  'freelist.scan': {
    what: 'text',
    wanted: 'f64',
    descending: 'bool',
    runStarts: 'numbers',
    runCounts: 'numbers',
    found: 'f64',
  },
  'freelist.probe': { map: 'text', key: 'f64', found: 'f64' },
  'freelist.addSpan': { start: 'f64', count: 'f64' },
  'freelist.dropSpan': { start: 'f64', count: 'f64' },
  'freelist.take': { pgid: 'f64', count: 'f64', movedBytes: 'f64' },
  'freelist.put': { pgid: 'f64', count: 'f64', movedBytes: 'f64' },
  'freelist.grow': { movedBytes: 'f64' },
  'freelist.merge': { pgid: 'f64', count: 'f64', leftCount: 'f64', rightCount: 'f64' },
} as const;

const storeRows = {
  'bolt.open': {
    pageSize: 'u32',
    txid: 'f64',
    highWater: 'f64',
    freelist: 'text',
    metaTxids: 'numbers',
    root: 'f64',
    runKinds: 'numbers',
    runStarts: 'numbers',
    runCounts: 'numbers',
  },
  'bolt.tree': {
    pgids: 'numbers',
    pageCounts: 'numbers',
    itemCounts: 'numbers',
    usedBytes: 'numbers',
    childCounts: 'numbers',
    children: 'numbers',
    bucketCounts: 'numbers',
    buckets: 'texts',
    bucketRoots: 'numbers',
  },
  'bolt.allocate': { txid: 'f64', pgid: 'f64', count: 'f64', scanned: 'f64', path: 'text' },
  'bolt.free': { txid: 'f64', pgid: 'f64', count: 'f64' },
  'bolt.release': { txid: 'f64', runStarts: 'numbers', runCounts: 'numbers' },
  'bolt.split': { txid: 'f64', pgid: 'f64', parts: 'u32' },
  'bolt.rebalance': { txid: 'f64', pgid: 'f64' },
  'bolt.merge': { txid: 'f64', pgid: 'f64', from: 'f64' },
  'bolt.spill': { txid: 'f64', pgid: 'f64', from: 'f64', leaf: 'bool' },
  'bolt.write': {
    txid: 'f64',
    pgid: 'f64',
    count: 'f64',
    kind: 'u32',
    itemCount: 'f64',
    usedBytes: 'f64',
    children: 'numbers',
    buckets: 'texts',
    bucketRoots: 'numbers',
  },
  'bolt.sync': { txid: 'f64', what: 'text' },
  'bolt.writeMeta': { txid: 'f64', slot: 'u32', highWater: 'f64', root: 'f64' },
  'wal.open': { segment: 'text', entryCount: 'u32', tornBytes: 'f64' },
  'wal.append': { firstIndex: 'f64', entryCount: 'u32', hardState: 'bool', sizeBytes: 'f64' },
  'wal.sync': {},
  'wal.synced': { index: 'f64' },
  'wal.cut': { segment: 'text' },
  'wal.purge': { segment: 'text' },
  'backend.put': { bucket: 'text', sizeBytes: 'f64', pendingCount: 'u32' },
  'backend.commit': { reason: 'text', operationCount: 'u32', txid: 'f64' },
  'backend.committed': { txid: 'f64', consistentIndex: 'f64' },
  'mvcc.open': { revision: 'f64', compactRevision: 'f64', keyCount: 'u32' },
  'mvcc.index': {
    keys: 'texts',
    lifeCounts: 'numbers',
    versions: 'numbers',
    createdMains: 'numbers',
    createdSubs: 'numbers',
    revisionCounts: 'numbers',
    mains: 'numbers',
    subs: 'numbers',
  },
  'mvcc.put': {
    key: 'text',
    main: 'f64',
    sub: 'f64',
    createRevision: 'f64',
    version: 'f64',
    sizeBytes: 'f64',
  },
  'mvcc.tombstone': { key: 'text', main: 'f64', sub: 'f64' },
  'mvcc.compact': { revision: 'f64', currentRevision: 'f64' },
  'mvcc.compactIndex': { revision: 'f64', keyCount: 'u32' },
  'mvcc.compactBatch': { revision: 'f64', seenCount: 'u32', deletedCount: 'u32' },
  'mvcc.finishCompaction': { revision: 'f64', deletedCount: 'f64' },
  'watch.move': {
    watcher: 'f64',
    id: 'text',
    key: 'text',
    end: 'text',
    from: 'text',
    to: 'text',
    minRevision: 'f64',
  },
  'watch.notify': { watcher: 'f64', revision: 'f64', eventCount: 'u32' },
} as const;

const authRows = {
  'auth.enable': { revision: 'f64' },
  'auth.disable': { revision: 'f64' },
  'auth.user': { name: 'text', change: 'text', roles: 'texts', revision: 'f64' },
  'auth.role': { name: 'text', change: 'text', permissionCount: 'u32', revision: 'f64' },
  'auth.token': { name: 'text', tokenCount: 'u32' },
  'auth.hash': { cost: 'u32' },
} as const;

const leaseRows = {
  'lease.open': { expiry: 'text', ids: 'texts', ttlsSeconds: 'numbers' },
  'lease.grant': { id: 'text', ttlSeconds: 'f64', expiryUs: 'f64' },
  'lease.revoke': { id: 'text', keyCount: 'u32', revision: 'f64' },
  'lease.renew': { id: 'text', ttlSeconds: 'f64', expiryUs: 'f64' },
  'lease.attach': { id: 'text', key: 'text', keyCount: 'u32' },
  'lease.detach': { id: 'text', key: 'text', keyCount: 'u32' },
  'lease.expire': { id: 'text', expiryUs: 'f64' },
  'lease.promote': { extendUs: 'f64', ids: 'texts', expiriesUs: 'numbers', spreadCount: 'u32' },
  'lease.checkpoint': { id: 'text', remainingSeconds: 'f64' },
  'lease.demote': { leaseCount: 'u32' },
  'lease.heap': {
    op: 'text',
    id: 'text',
    timeUs: 'f64',
    from: 'i32',
    to: 'i32',
    size: 'u32',
    touched: 'u32',
    compared: 'f64',
  },
} as const;

const serverRows = {
  'server.boot': { name: 'text', memberId: 'text', clusterId: 'text', fresh: 'bool' },
  'server.request': { request: 'f64', method: 'text', label: 'text' },
  'server.propose': { request: 'f64', label: 'text' },
  'server.entries': { firstIndex: 'f64', entryTerms: 'numbers', labels: 'texts' },
  'server.apply': { index: 'f64', term: 'f64', label: 'text', revision: 'f64', skipped: 'bool' },
  'server.reply': { request: 'f64', code: 'u32', message: 'text' },
  'snapshot.save': { index: 'f64', term: 'f64', file: 'text', sizeBytes: 'f64' },
  'snapshot.send': { to: 'u32', index: 'f64', sizeBytes: 'f64', state: 'text' },
  'snapshot.receive': { from: 'u32', receivedBytes: 'f64', totalBytes: 'f64', saved: 'bool' },
  'snapshot.apply': { index: 'f64', term: 'f64', revision: 'f64' },
  'server.members': {
    nodes: 'numbers',
    ids: 'texts',
    names: 'texts',
    peerUrls: 'texts',
    learners: 'numbers',
    removedIds: 'texts',
  },
  'server.moveLeader': { to: 'u32' },
  'server.autoCompact': { revision: 'f64' },
  'server.corruptCheck': { revision: 'f64', peerCount: 'u32', corrupt: 'bool' },
  'server.defragment': { beforeBytes: 'f64', afterBytes: 'f64' },
  'alarm.raise': { memberId: 'text', alarm: 'text' },
  'alarm.disarm': { memberId: 'text', alarm: 'text' },
  'server.halt': { reason: 'text' },
} as const;

const simRows = {
  'sim.send': {
    message: 'f64',
    from: 'u32',
    to: 'u32',
    messageType: 'text',
    sentAt: 'f64',
    deliverAt: 'f64',
    sizeBytes: 'f64',
    term: 'f64',
    index: 'f64',
    entryCount: 'u32',
    reject: 'bool',
  },
  'sim.deliver': { message: 'f64' },
  'sim.drop': { message: 'f64', because: 'text' },
  'sim.diskWrite': { file: 'text', offset: 'f64', sizeBytes: 'f64' },
  'sim.diskSync': { file: 'text', request: 'f64', doneAt: 'f64' },
  'sim.diskSynced': { file: 'text', request: 'f64' },
  'sim.diskError': { file: 'text', code: 'text' },
  'sim.start': { epoch: 'u32' },
  'sim.kill': {},
  'sim.addHost': { name: 'text', peerUrl: 'text', clientUrl: 'text' },
  'sim.wipe': { fileCount: 'u32' },
  'sim.powerCut': { keptWrites: 'u32', lostWrites: 'u32', tornWrites: 'u32' },
  'sim.pause': {},
  'sim.resume': {},
  'sim.cut': { from: 'u32', to: 'u32' },
  'sim.heal': { from: 'u32', to: 'u32' },
  'sim.link': { from: 'u32', to: 'u32', extraDelayUs: 'u32', lossPerMille: 'u32' },
  'sim.slowDisk': { factor: 'u32' },
  'sim.hold': { message: 'f64', because: 'text' },
  'sim.release': { message: 'f64', because: 'text', deliverAt: 'f64' },
  'sim.load': {
    kind: 'text',
    perSecond: 'u32',
    issued: 'u32',
    ok: 'u32',
    failed: 'u32',
    dropped: 'u32',
    waiting: 'u32',
    p50Us: 'f64',
    p99Us: 'f64',
  },
  'sim.clientSend': {
    request: 'f64',
    to: 'u32',
    method: 'text',
    label: 'text',
    sentAt: 'f64',
    deliverAt: 'f64',
  },
  'sim.clientReply': { request: 'f64', from: 'u32', code: 'u32', sentAt: 'f64', deliverAt: 'f64' },
  'sim.watch': {
    watch: 'f64',
    clusterId: 'text',
    memberId: 'text',
    revision: 'f64',
    raftTerm: 'f64',
    compactRevision: 'f64',
    events: 'texts',
    ended: 'text',
  },
  'sim.keepAlive': {
    request: 'f64',
    lease: 'text',
    ttlSeconds: 'f64',
    clusterId: 'text',
    memberId: 'text',
    revision: 'f64',
    raftTerm: 'f64',
    ended: 'text',
  },
  'sim.clientDone': { request: 'f64', code: 'u32', message: 'text' },
} as const;

/** Both sides of a port must be of one build: a type travels as its place in this table. */
export const eventTable: EventTable = {
  ...raftRows,
  ...freelistRows,
  ...storeRows,
  ...leaseRows,
  ...authRows,
  ...serverRows,
  ...simRows,
};
