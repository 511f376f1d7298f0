/** The worker in which the engine's freelists race, so that the page itself holds no engine. */
import { runRaces } from './freelist-role.ts';

runRaces(self as unknown as Parameters<typeof runRaces>[0]);
