/** The console line that does what a menu offers: a menu types it, so that it can be learnt from. */
import type { ClientAction, LabAction } from '../sim/types.ts';
import { labLine } from './etcdctl/lab-line.ts';
import { addLine } from './etcdctl/member-action.ts';

type MemberChange = Extract<
  ClientAction,
  { type: 'memberAdd' | 'memberPromote' | 'memberRemove' | 'moveLeader' }
>;
/** What operators do by mistake, beside faults. */
type Mistaken = Extract<ClientAction, { type: 'del' | 'compaction' | 'alarmDisarm' | 'defrag' }>;

/** What menus do: faults and their ends, and changes of the cluster's members. */
export type MenuAction = LabAction | MemberChange | Mistaken;

/** Read back by the console, the line means this action and no other. */
export function commandLine(action: MenuAction): string {
  switch (action.type) {
    case 'memberAdd': {
      const line = addLine(action.name, action.peerUrls.join(','));
      return `${line}${action.learner === true ? ' --learner' : ''}${endpoints(action)}`;
    }
    case 'memberPromote':
      return `member promote ${action.id}${endpoints(action)}`;
    case 'memberRemove':
      return `member remove ${action.id}${endpoints(action)}`;
    case 'moveLeader':
      return `move-leader ${action.id}${endpoints(action)}`;
    case 'del':
      return `del ${action.key === '' ? '""' : action.key}${action.fromKey === true ? ' --from-key' : ''}`;
    case 'compaction':
      return `compaction ${action.revision}`;
    case 'alarmDisarm':
      return 'alarm disarm';
    case 'defrag':
      return `defrag${endpoints(action)}`;
    default:
      return labLine(action);
  }
}

const endpoints = ({ endpoints: names }: MemberChange | Mistaken): string =>
  names === undefined ? '' : ` --endpoints ${names.join(',')}`;
