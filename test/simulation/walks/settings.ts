/** Every configuration over every scenario, alone and with a worker killed at a write to vault or target. */
import { type ConfigurationName, configurations } from '../configurations.ts';
import { everyKind, type KindName } from '../everyKind.ts';
import { at, pathOf } from '../path.ts';
import { type ScenarioName, scenarios } from '../scenarios.ts';
import { fitting, ofEachKind, range, type Walk } from './walk.ts';

const all = Object.keys(configurations) as ConfigurationName[];
const fittingIn = (kind: KindName): readonly ConfigurationName[] =>
  all.filter((name) => configurations[name].fits?.(everyKind[kind]) ?? true);
const everyScenario = (Object.keys(scenarios) as ScenarioName[]).filter((name) => name !== 'teams');

/** Who does not follow is waited for during another grace. */
const untilTheLimit = ({ configuration }: { configuration: ConfigurationName }) =>
  configuration === 'stragglers' ? { days: 7 } : {};

const alone = (kind: KindName): Walk => ({
  kind,
  title: 'every configuration over every scenario',
  how: 'complete',
  *paths(thin) {
    const pairs = fittingIn(kind).flatMap((configuration) =>
      fitting(kind, everyScenario).map((scenario) => ({ configuration, scenario })),
    );
    for (const pair of thin(pairs, 16)) yield pathOf({ kind, ...pair, ...untilTheLimit(pair) });
  },
});

const killed = (kind: KindName): Walk => ({
  kind,
  title:
    'one crash at every second of the first 90 writes, before and after in turn, under every configuration',
  how: 'complete',
  *paths(thin) {
    for (const configuration of fittingIn(kind).filter((name) => name !== 'run')) {
      const path = pathOf({ kind, configuration, days: kind === 'app' ? 64 : 4 });
      const { writes } = yield path;
      for (const write of thin(range(1, Math.min(90, writes), 2), 1))
        yield { ...path, faults: [at(write % 4 === 1 ? 'crash-after' : 'crash-before', write)] };
    }
  },
});

/** It has read what was, and another pass has told and written since: it says nothing any more. */
const frozen = (kind: KindName): Walk => ({
  kind,
  title:
    'a pass that stands still for 12 minutes before every third of its first 40 calls, under every configuration',
  how: 'complete',
  *paths(thin) {
    for (const configuration of fittingIn(kind).filter((name) => name !== 'run'))
      for (const call of thin(range(1, 40, 3), 1))
        yield pathOf({
          kind,
          configuration,
          freeze: { call, minutes: 12 },
          days: kind === 'app' ? 68 : 4,
        });
  },
});

export const settings: readonly Walk[] = [
  ...ofEachKind(alone),
  ...ofEachKind(killed),
  ...ofEachKind(frozen),
];
