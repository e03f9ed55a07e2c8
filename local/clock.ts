/** A clock that can be moved. The local tenant, Azurite and the product live in one process and share it. */
const RealDate = globalThis.Date;
let offset = 0;

/** Milliseconds since 1970 by the movable clock. */
export const now = (): number => RealDate.now() + offset;

/** Moves the clock forward. Timers (`setTimeout`) keep real time: what waits on `Date` sees the jump, nothing else does. */
export function advance(by: {
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
}): void {
  const { days = 0, hours = 0, minutes = 0, seconds = 0 } = by;
  offset += (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

/** Sets the clock back to real time. */
export function reset(): void {
  offset = 0;
}

/** Makes `new Date()` and `Date.now()` of this process follow the movable clock. */
export function install(): void {
  if (globalThis.Date !== RealDate) return;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, self) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, self),
    apply: () => new RealDate(now()).toString(),
    get: (target, key, self) => (key === 'now' ? now : Reflect.get(target, key, self)),
  });
}
