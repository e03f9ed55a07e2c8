/** The consent of the target's owner, as something to paste. */
import { usage } from '../failure.ts';

export const CONSENT_FORMS = ['az', 'bicep', 'terraform'] as const;
export type ConsentForm = (typeof CONSENT_FORMS)[number];

interface Asked {
  /** `keyturn storage-account-key: kv-shop/orders-storage` */
  readonly line: string;
  readonly kind: string;
  readonly target: string;
  readonly principalId: string;
}

export function formIn(text: string | undefined): ConsentForm {
  const form = CONSENT_FORMS.find((each) => each === (text ?? 'az'));
  if (!form) throw usage(`--as is ${text}; it is one of ${CONSENT_FORMS.join(', ')}.`);
  return form;
}

/** Lines to paste; texts in them are quoted for the language that they are in. */
export function consentIn(
  form: ConsentForm,
  { line, kind, target, principalId }: Asked,
): readonly string[] {
  const entry = line.slice(line.indexOf(': ') + 2);
  if (kind === 'app-registration')
    return [`# One of the tags of the application ${target}, set by its owner:`, `# ${line}`];
  if (form === 'az')
    return [
      `infra/scripts/consent.sh --principal-id ${shell(principalId)} --kind ${shell(kind)} --add ${shell(entry)} \\`,
      `  --target ${shell(target)}`,
    ];
  const whole =
    'The description is the whole list of this target and kind: keep what stands there for other secrets.';
  if (form === 'terraform')
    return [
      `# ${whole}`,
      `resource "azurerm_role_assignment" "keyturn" {`,
      `  scope              = ${JSON.stringify(target)}`,
      `  role_definition_id = var.keyturn_role_id # of the kind ${kind}: infra/target.bicep makes it`,
      `  principal_id       = ${JSON.stringify(principalId)}`,
      `  principal_type     = "ServicePrincipal"`,
      `  description        = ${hcl(line)}`,
      '}',
    ];
  return [
    `// ${whole}`,
    `resource keyturn 'Microsoft.Authorization/roleAssignments@2022-04-01' = {`,
    `  scope: target // ${target}`,
    `  name: guid(target.id, ${bicep(principalId)}, roleId)`,
    '  properties: {',
    `    roleDefinitionId: roleId // of the kind ${kind}: infra/target.bicep makes it`,
    `    principalId: ${bicep(principalId)}`,
    `    principalType: 'ServicePrincipal'`,
    `    description: ${bicep(line)}`,
    '  }',
    '}',
  ];
}

const shell = (text: string): string =>
  /^[\w/.:@%+=,*-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
const hcl = (text: string): string =>
  JSON.stringify(text).replaceAll('${', '$${').replaceAll('%{', '%%{');
const bicep = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('${', '\\${')}'`;
