/** What every store must do. `open` opens the same database each time; at first it is empty. */
import { describe } from 'vitest';
import { auditContract } from './contract/audit.ts';
import { callsContract } from './contract/calls.ts';
import { changesContract } from './contract/changes.ts';
import { commandsContract } from './contract/commands.ts';
import { costsContract } from './contract/costs.ts';
import { deadlinesContract } from './contract/deadlines.ts';
import { findingContract } from './contract/finding.ts';
import { historyContract } from './contract/history.ts';
import { legsContract } from './contract/legs.ts';
import { listsContract } from './contract/lists.ts';
import { loadsContract } from './contract/loads.ts';
import { newerRowsContract } from './contract/newer-rows.ts';
import { openingContract } from './contract/opening.ts';
import { pruningContract } from './contract/pruning.ts';
import { recordingsContract } from './contract/recordings.ts';
import { routeVersionsContract } from './contract/route-versions.ts';
import { type Opened, setScene } from './contract/scene.ts';
import { settingsContract } from './contract/settings.ts';
import { tallyContract } from './contract/tally.ts';
import { timelineContract } from './contract/timeline.ts';
import { writersContract } from './contract/writers.ts';

export function storeContract(name: string, prepare: () => Promise<Opened>): void {
  describe(name, () => {
    setScene(prepare);
    callsContract();
    loadsContract();
    timelineContract();
    recordingsContract();
    commandsContract();
    deadlinesContract();
    listsContract();
    legsContract();
    findingContract();
    costsContract();
    tallyContract();
    historyContract();
    changesContract();
    writersContract();
    newerRowsContract();
    pruningContract();
    settingsContract();
    routeVersionsContract();
    auditContract();
    openingContract();
  });
}
