#!/usr/bin/env bash
# Registers the API of Keyturn in Entra ID: audience, three app roles, one delegated scope, and the Azure CLI as a
# pre-authorised client. The registration has no secret and no certificate: it only receives tokens. Run again, it
# changes nothing; what is missing or differs is put right.
#
# Unverified (azure-facts 13 has no recording of them): that a registration with requestedAccessTokenVersion 2 puts its
# client id into `aud`, and that a scope must exist before a client is pre-authorised for it, hence two requests.
set -euo pipefail
# shellcheck source=infra/scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'TEXT'
Usage: infra/scripts/api-app.sh [--name NAME] [--app-id GUID] [--dry-run]

  --name NAME     display name of the registration (default: Keyturn)
  --app-id GUID   client id of a registration that is there already, made by somebody else
  --dry-run       say what would be changed, change nothing

Prints KEYTURN_AUDIENCE, the setting of the app. Needs az, signed in as somebody who may register applications.
TEXT
}

# Ids of our own, the same in every tenant: a second run finds what the first one made.
readonly READ_ID=2f0f1a6e-6a55-4f0c-9d3b-0d9b5e6f7a01
readonly ROTATE_ID=2f0f1a6e-6a55-4f0c-9d3b-0d9b5e6f7a02
readonly REVOKE_ID=2f0f1a6e-6a55-4f0c-9d3b-0d9b5e6f7a03
readonly SCOPE_ID=2f0f1a6e-6a55-4f0c-9d3b-0d9b5e6f7a04
readonly AZURE_CLI=04b07795-8ddb-461a-bbee-02f9e1bf7b46

NAME=Keyturn
APP_ID=''
while [[ $# -gt 0 ]]; do
  case "$1" in
    --name) need_value "$@"; NAME="$2"; shift 2 ;;
    --app-id) need_value "$@"; APP_ID="$(lower "$2")"; shift 2 ;;
    --dry-run) DRY_RUN=true; shift ;;
    --help) usage; exit 0 ;;
    *) fail "Unknown option $(printf '%q' "${1:0:64}"); see --help." ;;
  esac
done
# The name goes into a filter and a body.
[[ "$NAME" =~ ^[A-Za-z0-9][A-Za-z0-9\ ._-]{0,63}$ ]] || fail "--name takes 1 to 64 letters, digits, blanks, '.', '_' and '-'."
[[ -z "$APP_ID" ]] || need_guid --app-id "$APP_ID"
GRAPH="$(graph_root)"

role() { # ID VALUE DESCRIPTION
  printf '{"id":"%s","value":"%s","displayName":"%s","description":"%s","allowedMemberTypes":["User","Application"],"isEnabled":true}' \
    "$1" "$2" "$2" "$3"
}
ROLES="[$(role "$READ_ID" Keyturn.Read 'See secrets, their state and history; never a value.'),$(
  role "$ROTATE_ID" Keyturn.Rotate 'Ask for a rotation.'),$(
  role "$REVOKE_ID" Keyturn.Revoke 'Ask for a revocation before the grace is over, and set obstacles aside.')]"
SCOPES='[{"id":"'$SCOPE_ID'","value":"Keyturn.Access","type":"User","isEnabled":true,"adminConsentDisplayName":"Use Keyturn","adminConsentDescription":"Call Keyturn as the signed-in user, who needs a role of it.","userConsentDisplayName":"Use Keyturn","userConsentDescription":"Call Keyturn as you; you need a role of it."}]'
readonly ROLES SCOPES
WANTED_ROLES="$(printf '%s\t%s\ttrue\n' "$READ_ID" Keyturn.Read "$ROTATE_ID" Keyturn.Rotate "$REVOKE_ID" Keyturn.Revoke)"
WANTED_SCOPES="$(printf '%s\tKeyturn.Access\ttrue' "$SCOPE_ID")"
WANTED_CLIENTS="$(printf '%s\t%s' "$AZURE_CLI" "$SCOPE_ID")"
readonly WANTED_ROLES WANTED_SCOPES WANTED_CLIENTS

# Anyone in a tenant may register an application of any name, and whoever owns it may give himself its roles. So one that
# is found by its name counts only if nobody but the caller owns it; another has to be named by --app-id.
find_by_name() {
  local found owners me
  found="$(read_graph "/applications?\$filter=displayName%20eq%20'${NAME// /%20}'&\$select=id,appId" 'value[].[id,appId]')"
  [[ -n "$found" ]] || return 0
  [[ "$(wc -l <<<"$found")" -eq 1 ]] || fail "Several registrations are called '$NAME'. Choose one with --app-id, or another --name."
  OBJECT_ID="$(cut -f1 <<<"$found")"
  APP_ID="$(cut -f2 <<<"$found")"
  need_guid 'The id of the registration' "$OBJECT_ID"
  need_guid 'The client id of the registration' "$APP_ID"
  owners="$(read_graph "/applications/$OBJECT_ID/owners?\$select=id" 'value[].[id]')"
  # Fails for a service principal, which then has to say which registration it means.
  me="$(read_graph '/me?$select=id' id 2>/dev/null || true)"
  [[ -n "$me" && "$owners" == "$me" ]] ||
    fail "'$NAME' ($APP_ID) is there and is not yours alone. Check who owns it; if it is right, name it: --app-id $APP_ID"
}

create() {
  change post /applications '{"displayName":"'"$NAME"'","signInAudience":"AzureADMyOrg"}' \
    "Register the application '$NAME'." '[id,appId]'
  [[ "$DRY_RUN" == false ]] || return 0
  # az prints a list of two as one row, or as two.
  read -r OBJECT_ID APP_ID <<<"$(tr '\n' '\t' <<<"$ANSWER")"
  need_guid 'The id of the new registration' "$OBJECT_ID"
  need_guid 'The client id of the new registration' "$APP_ID"
}

# Own things only: a registration that serves something else, or that can sign in by itself, is not taken over.
refuse_foreign() {
  local secrets roles scopes clients
  secrets="$(read_graph "$APP_PATH?\$select=passwordCredentials,keyCredentials" '[passwordCredentials[].keyId,keyCredentials[].keyId][]')"
  [[ -z "$secrets" ]] || fail "The registration $APP_ID has a secret or a certificate. Keyturn's has none: remove it, or choose another --name."
  roles="$(foreign "$ROLES_NOW" "$WANTED_ROLES")"
  scopes="$(foreign "$SCOPES_NOW" "$WANTED_SCOPES")"
  clients="$(foreign "$CLIENTS_NOW" "$WANTED_CLIENTS")"
  [[ -z "$roles$scopes$clients" ]] || fail "The registration $APP_ID has roles, scopes or clients that are not Keyturn's; choose another --name."
}

# Lines of NOW whose id (first cell) is not among those of WANTED.
foreign() {
  local line
  while IFS= read -r line; do
    [[ -z "$line" || "$2" == *"${line%%$'\t'*}"* ]] || printf '%s\n' "${line%%$'\t'*}"
  done <<<"$1"
}

sorted() { sort <<<"$1"; }

put_right() {
  if [[ "$(sorted "$ROLES_NOW")" != "$(sorted "$WANTED_ROLES")" ]]; then
    change patch "$APP_PATH" '{"appRoles":'"$ROLES"'}' 'Set the roles Keyturn.Read, Keyturn.Rotate and Keyturn.Revoke.'
  fi
  if [[ "$SCOPES_NOW" != "$WANTED_SCOPES" || "$VERSION_NOW" != 2 ]]; then
    change patch "$APP_PATH" '{"api":{"requestedAccessTokenVersion":2,"oauth2PermissionScopes":'"$SCOPES"'}}' \
      'Set the scope `Keyturn.Access` and tokens of version 2.'
  fi
  if [[ "$CLIENTS_NOW" != "$WANTED_CLIENTS" ]]; then
    change patch "$APP_PATH" '{"api":{"preAuthorizedApplications":[{"appId":"'$AZURE_CLI'","delegatedPermissionIds":["'$SCOPE_ID'"]}]}}' \
      'Pre-authorise the Azure CLI for the scope.'
  fi
  if [[ "$URIS_NOW" != "api://$APP_ID" ]]; then
    change patch "$APP_PATH" '{"identifierUris":["api://'"$APP_ID"'"]}' "Set the application id URI api://$APP_ID."
  fi
}

ROLES_NOW='' SCOPES_NOW='' CLIENTS_NOW='' URIS_NOW='' VERSION_NOW='' OBJECT_ID='' SERVICE=''
[[ -n "$APP_ID" ]] || find_by_name
[[ -n "$APP_ID" ]] || create
if [[ -n "$APP_ID" ]]; then
  APP_PATH="/applications(appId='$APP_ID')"
  ROLES_NOW="$(read_graph "$APP_PATH?\$select=appRoles" 'appRoles[].[id,value,isEnabled]' | plain_booleans)"
  SCOPES_NOW="$(read_graph "$APP_PATH?\$select=api" 'api.oauth2PermissionScopes[].[id,value,isEnabled]' | plain_booleans)"
  CLIENTS_NOW="$(read_graph "$APP_PATH?\$select=api" 'api.preAuthorizedApplications[].[appId,delegatedPermissionIds[0]]')"
  URIS_NOW="$(read_graph "$APP_PATH?\$select=identifierUris" 'identifierUris[]')"
  VERSION_NOW="$(read_graph "$APP_PATH?\$select=api" 'api.requestedAccessTokenVersion')"
  SERVICE="$(read_graph "/servicePrincipals?\$filter=appId%20eq%20'$APP_ID'&\$select=id" 'value[].[id]')"
  refuse_foreign
else
  APP_PATH='/applications/new' # a dry run of the first run: nothing is sent there
  APP_ID=00000000-0000-0000-0000-000000000000
fi
put_right
if [[ -z "$SERVICE" ]]; then
  change post /servicePrincipals '{"appId":"'"$APP_ID"'"}' 'Make its service principal, to which the roles are assigned.'
fi
finish "Registration '$NAME'"
[[ "$DRY_RUN" == true ]] || say "KEYTURN_AUDIENCE=$APP_ID"
