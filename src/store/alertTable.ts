/** Alerts in the app's own table: when a reason was last alerted in a vault, and what has been counted since. */
import { addHours, addMinutes, type Clock } from '../core/clock.ts';
import type { Alerts, CountedAlert } from '../ports/alerts.ts';
import { readAlertHour, readCounted } from './schemas.ts';
import {
  fromStorage,
  keyOf,
  type OwnStorage,
  onFirstUse,
  statusOf,
  tableClient,
} from './storage.ts';

const HOURS = 'alert-hours';
const COUNTED = 'alerts-counted';
const GROUPED_HOURS = 1;
const SKEW_MINUTES = 5;
/** The service takes at most so many rows in one transaction, and gives as many in one page. */
const TRANSACTION_MAX = 100;
const PAGE_MAX = 1_000;

/** Alerts in the app's own table, which is made on first use. */
export function tableAlerts(own: OwnStorage, clock: Clock): Alerts {
  const client = tableClient(own, clock, { repeat: true });
  const ready = onFirstUse(() => client.createTable());

  async function hourOf(
    row: string,
  ): Promise<{ readonly etag: string; readonly on?: Date } | undefined> {
    try {
      const { json, etag } = await client.getEntity<{ json?: unknown }>(HOURS, row);
      const hour = readAlertHour(json);
      return hour?.group === row ? { etag, on: hour.on } : { etag };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw fromStorage(error);
    }
  }

  /** One compare-and-set. Repeated after a lost answer it may say that another was first: then the alert is told later. */
  async function begin(row: string, etag: string | undefined): Promise<boolean> {
    const entity = {
      partitionKey: HOURS,
      rowKey: row,
      json: JSON.stringify({ group: row, on: clock.now() }),
    };
    try {
      if (etag === undefined) await client.createEntity(entity);
      else await client.updateEntity(entity, 'Replace', { etag });
      return true;
    } catch (error) {
      if ([404, 409, 412].includes(statusOf(error) ?? 0)) return false;
      throw fromStorage(error);
    }
  }

  async function drop(alert: CountedAlert): Promise<void> {
    try {
      await client.deleteEntity(COUNTED, rowOf(alert));
    } catch (error) {
      if (statusOf(error) !== 404) throw fromStorage(error);
    }
  }

  return {
    async isFirst(vault, reason) {
      await ready();
      const row = `${keyOf(vault)}.${keyOf(reason)}`;
      const hour = await hourOf(row);
      const now = clock.now();
      // An hour that lies ahead counts for nothing, whoever wrote it (case SEC-07).
      const over =
        hour?.on === undefined ||
        hour.on <= addHours(now, -GROUPED_HOURS) ||
        hour.on > addMinutes(now, SKEW_MINUTES);
      return over && (await begin(row, hour?.etag));
    },
    async count(alert) {
      await ready();
      const { vault, name } = alert;
      const kept = { ...alert, vault: vault.toLowerCase(), name: name.toLowerCase() };
      try {
        const entity = { partitionKey: COUNTED, rowKey: rowOf(alert), json: JSON.stringify(kept) };
        await client.upsertEntity(entity, 'Replace');
      } catch (error) {
        throw fromStorage(error);
      }
    },
    async *counted() {
      await ready();
      const queryOptions = { filter: `PartitionKey eq '${COUNTED}'`, select: ['RowKey', 'json'] };
      const pages = client
        .listEntities<{ json?: unknown }>({ queryOptions })
        .byPage({ maxPageSize: PAGE_MAX });
      try {
        for await (const page of pages) {
          yield page.flatMap(({ json, rowKey }) => {
            const alert = readCounted(json);
            return alert && rowOf(alert) === rowKey ? [alert] : [];
          });
        }
      } catch (error) {
        throw fromStorage(error);
      }
    },
    async told(alerts) {
      for (let at = 0; at < alerts.length; at += TRANSACTION_MAX) {
        const some = alerts.slice(at, at + TRANSACTION_MAX);
        try {
          await client.submitTransaction(
            some.map((alert) => ['delete', { partitionKey: COUNTED, rowKey: rowOf(alert) }]),
          );
        } catch (error) {
          if (statusOf(error) !== 404) throw fromStorage(error);
          // One that is gone already keeps the others of its transaction.
          for (const alert of some) await drop(alert);
        }
      }
    },
  };
}

const rowOf = ({ vault, name, reason }: CountedAlert): string =>
  `${keyOf(vault)}.${keyOf(reason)}.${keyOf(name)}`;
