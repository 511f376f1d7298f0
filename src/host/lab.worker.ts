/**
 * The one worker script: the lab, the past of its run, or one member, as its name says. One script for all is
 * fetched once, and holds the engine once.
 */
import { runLab } from './lab-role.ts';
import { runMember } from './member-role.ts';
import type { WorkerScope } from './member-protocol.ts';
import { runTime } from './time-role.ts';
import { labWorkerName, timeWorkerName } from './worker-script.ts';

const scope = self as unknown as Omit<WorkerScope, 'onfailure'>;

/** Reports errors that nobody caught, and keeps them from the console: they have a screen of their own. */
function onfailure(report: (error: unknown) => void): void {
  addEventListener('error', (event) => {
    event.preventDefault();
    report(event.error ?? event.message);
  });
  addEventListener('unhandledrejection', (event) => {
    event.preventDefault();
    report(event.reason);
  });
}

if (scope.name === labWorkerName) runLab(Object.assign(scope, { onfailure }));
else if (scope.name === timeWorkerName) runTime(Object.assign(scope, { onfailure }));
else runMember(Object.assign(scope, { onfailure }));
