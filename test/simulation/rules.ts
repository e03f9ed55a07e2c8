export const missingRules = (_: Readonly<Record<string, number>>): readonly string[] => [];
