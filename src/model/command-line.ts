/** The console line that does what a menu offers: a menu types it, so that it can be learnt from. */
import type { ClientAction, LabAction } from '../sim/types.ts';
import { labLine } from './etcdctl/lab-line.ts';
import { addLine } from './etcdctl/member-action.ts';

type MemberChange = Extract<
  ClientAction,
  { type: 'memberAdd' | 'memberPromote' | 'memberRemove' | 'moveLeader' }
>;

/** What menus do: faults and their ends, and changes of the cluster's members. */
export type MenuAction = LabAction | MemberChange;

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
    default:
      return labLine(action);
  }
}

const endpoints = ({ endpoints: names }: MemberChange): string =>
  names === undefined ? '' : ` --endpoints ${names.join(',')}`;
