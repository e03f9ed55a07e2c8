#!/bin/sh
# Looks at the names in the environment before a deployment: one with KEYTURN_ that infra/main.bicepparam does not read would be
# left out without a word, and the app would run without it. Run by azd before it provisions, and by hand before plain az. Changes
# nothing, and prints names alone, never a value.
set -eu

here="$(dirname "$0")/.."
read_names=$(sed -n "s/.*readEnvironmentVariable('\([A-Z0-9_]*\)'.*/\1/p" "$here/main.bicepparam")
outputs=$(sed -n 's/^output \([A-Z0-9_]*\) .*/\1/p' "$here/main.bicep")
# What azd and az know themselves, and what infra/hooks/onboard.sh reads.
others='AZURE_ENV_NAME AZURE_SUBSCRIPTION_ID AZURE_TENANT_ID AZURE_RESOURCE_GROUP AZURE_PRINCIPAL_ID AZURE_PRINCIPAL_TYPE
  AZURE_CLIENT_ID AZURE_CONFIG_DIR AZURE_EXTENSION_DIR AZURE_ROLES_AT'

is_one_of() { # NAME LIST
  for each in $2; do [ "$each" != "$1" ] || return 0; done
  return 1
}

unknown=''
unread=''
for name in $(env | sed -n 's/^\([A-Za-z0-9_]*\)=..*/\1/p' | grep -E '^(KEYTURN|AZURE)_' | sort -u); do
  if is_one_of "$name" "$read_names $outputs $others"; then continue; fi
  case "$name" in
    KEYTURN_TENANT_ID | KEYTURN_IDENTITY_CLIENT_ID | KEYTURN_IDENTITY_PRINCIPAL_ID)
      printf '%s\n' "$name is set by the deployment itself: unset it." >&2
      unknown="$unknown $name"
      ;;
    KEYTURN_*)
      printf '%s\n' "$name is nothing that infra/main.bicepparam reads: correct its name (docs/settings.md), or unset it." >&2
      unknown="$unknown $name"
      ;;
    *) unread="$unread $name" ;;
  esac
done
if [ -n "$unread" ]; then printf '%s\n' "Not read by the templates (others may read them):$unread"; fi
[ -z "$unknown" ]
