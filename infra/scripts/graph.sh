#!/usr/bin/env bash
# Lets Keyturn's identity manage the client secrets of given applications: grants it Application.ReadWrite.OwnedBy of
# Microsoft Graph and makes it an owner of each. For `app-registration` only; every other rotator works without it.
# Run again, it changes nothing. Needs az, signed in as somebody who may grant application permissions.
#
# Unverified (azure-facts 6 and 13): the bodies of both POSTs, the wording of "already exists", and the answers while a
# fresh identity is not known everywhere yet. Tokens keep what they held when they were issued, for up to a day (case
# FN-03): GET /api/readiness tells "granted, not yet in the token" from "not granted".
set -euo pipefail
# shellcheck source=infra/scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'TEXT'
Usage: infra/scripts/graph.sh --principal-id GUID [--app GUID ...] [--allow-privileged] [--dry-run]

  --principal-id GUID   object id of Keyturn's managed identity (output AZURE_IDENTITY_PRINCIPAL_ID)
  --app GUID            client id of an application whose secrets Keyturn shall rotate; may be repeated
                        (reads its Azure roles: takes Reader in the subscription that az has selected)
  --allow-privileged    also applications with privileged roles: their owner can become them
  --dry-run             say what would be changed, change nothing
TEXT
}

readonly GRAPH_APP=00000003-0000-0000-c000-000000000000
readonly OWNED_BY=18a4783c-866b-4cc7-a460-3d5e5662c884
readonly WRITE_ALL=1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9
readonly TRIES=6
# Azure roles that change resources or rights (any role above a resource group counts, too), and permissions of Microsoft
# Graph that change something or act as somebody.
readonly PRIVILEGED_ROLES='^(Owner|Contributor|User Access Administrator|Role Based Access Control Administrator|Key Vault Administrator)$'
readonly PRIVILEGED_PERMISSIONS='(Write|FullControl|Manage|AccessAsUser|\.Send|PrivilegedOperations)'

PRINCIPAL=''
APPS=()
ALLOW_PRIVILEGED=false
while [[ $# -gt 0 ]]; do
  case "$1" in
    --principal-id) need_value "$@"; PRINCIPAL="$(lower "$2")"; shift 2 ;;
    --app) need_value "$@"; APPS+=("$(lower "$2")"); shift 2 ;;
    --allow-privileged) ALLOW_PRIVILEGED=true; shift ;;
    --dry-run) DRY_RUN=true; shift ;;
    --help) usage; exit 0 ;;
    *) fail "Unknown option $(printf '%q' "${1:0:64}"); see --help." ;;
  esac
done
[[ -n "$PRINCIPAL" ]] || fail '--principal-id is missing; see --help.'
need_guid --principal-id "$PRINCIPAL"
for app in ${APPS[@]+"${APPS[@]}"}; do need_guid --app "$app"; done
GRAPH="$(graph_root)"

# Sends a change until the directory knows what it names. "Already exists" is what was wanted (case DP-03).
change_patiently() {
  local try answer
  if [[ "$DRY_RUN" == true ]]; then
    change "$@"
    return 0
  fi
  for ((try = 1; ; try++)); do
    if answer="$(change "$@" 2>&1)"; then
      CHANGES=$((CHANGES + 1)) # the one that was counted stays in the subshell
      say "$4"
      return 0
    fi
    case "$answer" in
      *'already exist'*) return 0 ;;
      *'Not a valid reference update'* | *'does not exist or one of its queried reference-property'*) ;;
      *) fail "$(tail -n 3 <<<"$answer" | tr -d '\000-\010\013-\037' | cut -c 1-400)" ;;
    esac
    [[ "$try" -lt "$TRIES" ]] || fail "Microsoft Graph does not know the identity $PRINCIPAL yet. Run this again in some minutes."
    sleep "$RETRY_SECONDS"
  done
}

grant_permission() {
  local graph_id held
  graph_id="$(read_graph "/servicePrincipals(appId='$GRAPH_APP')?\$select=id" id)"
  need_guid 'The id of Microsoft Graph' "$graph_id"
  held="$(read_graph "/servicePrincipals/$PRINCIPAL/appRoleAssignments" "value[].[appRoleId,resourceId]")"
  if grep -qF "$WRITE_ALL" <<<"$held"; then
    fail "The identity holds Application.ReadWrite.All: every application of the tenant. Take it away first; Keyturn needs OwnedBy."
  fi
  if grep -qF "$OWNED_BY"$'\t'"$graph_id" <<<"$held"; then return 0; fi
  change_patiently post "/servicePrincipals/$PRINCIPAL/appRoleAssignments" \
    '{"principalId":"'"$PRINCIPAL"'","resourceId":"'"$graph_id"'","appRoleId":"'$OWNED_BY'"}' \
    'Grant Application.ReadWrite.OwnedBy to the identity.'
}

# What an owner of the application would gain, in words, one a line; nothing for a harmless one. A read that fails ends
# it with 1 (bash leaves -e off in command substitutions), so that nothing unknown counts as harmless.
privileges_of() {
  local app="$1" service id value roles permissions names
  service="$(read_graph "/servicePrincipals?\$filter=appId%20eq%20'$app'&\$select=id" 'value[].[id]')" || return 1
  [[ -n "$service" ]] || return 0
  is_guid "$service" || return 1
  roles="$(read_graph "/servicePrincipals/$service/transitiveMemberOf/microsoft.graph.directoryRole?\$select=displayName" 'value[].[displayName]')" || return 1
  [[ -z "$roles" ]] || printf 'directory role %s\n' "$(tr '\n' ',' <<<"$roles" | tr -cd 'A-Za-z0-9 ,.-')"
  permissions="$(read_graph "/servicePrincipals/$service/appRoleAssignments" 'value[].[appRoleId]')" || return 1
  names="$(read_graph "/servicePrincipals(appId='$GRAPH_APP')?\$select=appRoles" 'appRoles[].[id,value]')" || return 1
  while IFS=$'\t' read -r id value; do
    if [[ -n "$id" && "$permissions" == *"$id"* && "$value" =~ $PRIVILEGED_PERMISSIONS ]]; then
      printf 'Microsoft Graph permission %s\n' "$value"
    fi
  done <<<"$names"
  # In the subscription that az has selected, and above it.
  roles="$(az role assignment list --assignee "$service" --all --query '[].[roleDefinitionName,scope]' --output tsv)" || return 1
  while IFS=$'\t' read -r value id; do
    if [[ -n "$value" ]] && [[ "$value" =~ $PRIVILEGED_ROLES || "$id" != */resourceGroups/* ]]; then
      printf 'Azure role %s at %s\n' "$(tr -cd 'A-Za-z0-9 ._-' <<<"$value")" "$(printf '%q' "${id:0:200}")"
    fi
  done <<<"$roles"
}

own() {
  local app="$1" object owners gains
  object="$(read_graph "/applications(appId='$app')?\$select=id" id)"
  need_guid "The id of the application $app" "$object"
  owners="$(read_graph "/applications/$object/owners?\$select=id" 'value[].[id]')"
  if grep -qiF "$PRINCIPAL" <<<"$owners"; then return 0; fi
  gains="$(privileges_of "$app")" || fail "The rights of the application $app could not be read; nothing was changed."
  if [[ -n "$gains" && "$ALLOW_PRIVILEGED" == false ]]; then
    fail "The application $app is privileged, and its owner can become it: $(tr '\n' ';' <<<"$gains") Keyturn is not made its owner. --allow-privileged does it all the same."
  fi
  change_patiently post "/applications/$object/owners/\$ref" \
    '{"@odata.id":"'"$GRAPH/v1.0/directoryObjects/$PRINCIPAL"'"}' "Make the identity an owner of the application $app."
}

# Looked at first, so that a refused application leaves nothing half done.
for app in ${APPS[@]+"${APPS[@]}"}; do (DRY_RUN=true; own "$app" >/dev/null); done
grant_permission
for app in ${APPS[@]+"${APPS[@]}"}; do own "$app"; done
finish "Identity $PRINCIPAL"
if [[ ${#APPS[@]} -gt 0 ]]; then
  say "Consent is the application owner's: a tag \`keyturn app-registration: <vault>/<secret>\` among the tags of the application."
fi
