/** Forty planted bugs and the museum's, each with the checker that must find it. */
import { diskMutations } from './mutations-disk.ts';
import { raftMutations } from './mutations-raft.ts';
import type { Mutation } from './mutation.ts';

export const mutations: readonly Mutation[] = [...raftMutations, ...diskMutations];
