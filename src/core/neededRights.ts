/** What a kind has to be allowed, by who gives it: roles, pages, checks and the proof that a role is what is used read all of it. */
export interface NeededRights {
  /** Actions of Azure Resource Manager: `Actions` of the kind's custom role. */
  readonly actions: readonly string[];
  /** Data actions of Azure: `DataActions` of the same role. */
  readonly dataActions?: readonly string[];
  /** Application permissions of Microsoft Graph; all of them. */
  readonly graph?: readonly string[];
  /** Grants inside a database server, in words that may stand in a table: no role of Azure reaches there. */
  readonly database?: readonly string[];
  /** What the page of rights says of those that its own words do not fit, by the right as it is spelt above. */
  readonly notes?: Readonly<Record<string, RightNote>>;
}

/** What a right is for, in words that may stand in a table. */
export interface RightNote {
  readonly call: string;
  /** What whoever has this right could do with it. */
  readonly misuse: string;
  /** Where the spelling of the action is from; undefined: unverified. */
  readonly source?: string;
}

/** All that stands in the kind's custom role, of both planes; empty where Azure's roles give none of it. */
export const inRole = ({ actions, dataActions = [] }: NeededRights): readonly string[] => [
  ...actions,
  ...dataActions,
];
