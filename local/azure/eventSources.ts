/** What ARM shows of event subscriptions and system topics. */

/** `source` is a vault or a system topic. */
export interface ArmEventSubscription {
  source: string;
  name: string;
  properties: {
    provisioningState?: string;
    destination?: { endpointType: string; properties?: Record<string, unknown> };
    filter?: { includedEventTypes?: string[] };
    expirationTimeUtc?: string;
  };
}

export interface SystemTopic {
  id: string;
  /** The vault. */
  source: string;
}
