/** Scripts of configuration changes alone: one Changer a file. */
import { RaftError } from '../../../../src/engine/raft/errors.ts';
import { Changer } from '../../../../src/engine/raft/confchange/confchange.ts';
import type { Reconfiguration } from '../../../../src/engine/raft/confchange/confchange.ts';
import { describeConfig, describeProgressMap } from '../../../../src/engine/raft/describe.ts';
import { emptyConfState } from '../../../../src/engine/raft/storage.ts';
import { logIndex } from '../../../../src/engine/raft/types.ts';
import { parseBoolean, parseChanges, ScriptError } from './arguments.ts';
import type { Block } from './datadriven.ts';

export class ConfChangeScript {
  #current: Reconfiguration = { config: emptyConfState, progress: [] };
  #lastIndex = 0;

  handle(block: Block): string[] {
    const base = { ...this.#current, maxInflight: 10, maxInflightBytes: 0 };
    const changer = new Changer(base, logIndex(this.#lastIndex++));
    try {
      const changes = parseChanges(block.input);
      if (block.command === 'simple') this.#current = changer.simple(changes);
      else if (block.command === 'enter-joint') {
        const autoLeave = block.args.some(
          ({ key, values }) => key === 'autoleave' && parseBoolean(values[0]),
        );
        this.#current = changer.enterJoint(autoLeave, changes);
      } else if (block.command !== 'leave-joint') return ['unknown command'];
      else if (changes.length > 0) return ['this command takes no input'];
      else this.#current = changer.leaveJoint();
    } catch (error) {
      if (error instanceof RaftError || error instanceof ScriptError) return [error.message];
      throw error;
    }
    const { config, progress } = this.#current;
    return `${describeConfig(config)}\n${describeProgressMap(progress)}`.trimEnd().split('\n');
  }
}
