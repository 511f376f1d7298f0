/**
 * What the world around the members did: network, disks, processes, clients. Times are integer microseconds.
 */
export type SimEvent =
  | {
      readonly type: 'sim.send';
      readonly message: number;
      readonly from: number;
      readonly to: number;
      readonly messageType: string;
      readonly sentAt: number;
      readonly deliverAt: number;
      readonly sizeBytes: number;
      readonly term: number;
      readonly index: number;
      readonly entryCount: number;
      readonly reject: boolean;
    }
  | { readonly type: 'sim.deliver'; readonly message: number }
  | {
      readonly type: 'sim.drop';
      readonly message: number;
      readonly because: 'cut' | 'down' | 'loss' | 'command';
    }
  | {
      readonly type: 'sim.diskWrite';
      readonly file: string;
      readonly offset: number;
      readonly sizeBytes: number;
    }
  | {
      readonly type: 'sim.diskSync';
      readonly file: string;
      readonly request: number;
      readonly doneAt: number;
    }
  | { readonly type: 'sim.diskSynced'; readonly file: string; readonly request: number }
  | { readonly type: 'sim.diskError'; readonly file: string; readonly code: string }
  | { readonly type: 'sim.start'; readonly epoch: number }
  | { readonly type: 'sim.kill' }
  | {
      readonly type: 'sim.powerCut';
      readonly keptWrites: number;
      readonly lostWrites: number;
      readonly tornWrites: number;
    }
  | { readonly type: 'sim.pause' }
  | { readonly type: 'sim.resume' }
  | { readonly type: 'sim.cut'; readonly from: number; readonly to: number }
  | { readonly type: 'sim.heal'; readonly from: number; readonly to: number }
  /** A client's request travels to a member (0: the client could not reach any). */
  | {
      readonly type: 'sim.clientSend';
      readonly request: number;
      readonly to: number;
      readonly method: string;
      readonly label: string;
      readonly sentAt: number;
      readonly deliverAt: number;
    }
  | {
      readonly type: 'sim.clientReply';
      readonly request: number;
      readonly from: number;
      readonly code: number;
      readonly sentAt: number;
      readonly deliverAt: number;
    }
  | {
      readonly type: 'sim.clientDone';
      readonly request: number;
      readonly code: number;
      readonly message: string;
    };
