#!/usr/bin/env bash
# Gives a role of Keyturn's API to who calls it: applications, managed identities, groups, people. Or takes it back. Run again, it
# changes nothing. Needs az, signed in as somebody who may assign app roles.
#
# Unverified (azure-facts 6 has no recording of them): the bodies of POST and DELETE of appRoleAssignments, and that a group
# takes an app role in every edition of Entra ID. A token keeps the roles that it was issued with: the change is seen with
# the next one, for a managed identity up to a day later (case FN-03).
set -euo pipefail
# shellcheck source=infra/scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'TEXT'
Usage: infra/scripts/grant.sh --audience GUID --role ROLE ... (--app GUID | --identity GUID | --group GUID | --user GUID) ... [--take-back] [--dry-run]

  --audience GUID   client id of the API's registration: KEYTURN_AUDIENCE
  --role ROLE       Keyturn.Read, Keyturn.Rotate or Keyturn.Revoke; may be repeated
  --app GUID        client id of an application that calls the API
  --identity GUID   object id of a managed identity
  --group GUID      object id of a group, whose direct members get the role
  --user GUID       object id of a person
  --take-back       take the roles away instead
  --dry-run         say what would be changed, change nothing
TEXT
}

AUDIENCE=''
ROLES=()
WHO=()
TAKE_BACK=false
while [[ $# -gt 0 ]]; do
  case "$1" in
    --audience) need_value "$@"; AUDIENCE="$(lower "${2#api://}")"; shift 2 ;;
    --role) need_value "$@"; ROLES+=("$2"); shift 2 ;;
    --app) need_value "$@"; need_guid "$1" "$2"; WHO+=("app $(lower "$2")"); shift 2 ;;
    --identity) need_value "$@"; need_guid "$1" "$2"; WHO+=("identity $(lower "$2")"); shift 2 ;;
    --group) need_value "$@"; need_guid "$1" "$2"; WHO+=("group $(lower "$2")"); shift 2 ;;
    --user) need_value "$@"; need_guid "$1" "$2"; WHO+=("user $(lower "$2")"); shift 2 ;;
    --take-back) TAKE_BACK=true; shift ;;
    --dry-run) DRY_RUN=true; shift ;;
    --help) usage; exit 0 ;;
    *) fail "Unknown option $(printf '%q' "${1:0:64}"); see --help." ;;
  esac
done
[[ -n "$AUDIENCE" ]] || fail '--audience is missing; see --help.'
need_guid --audience "$AUDIENCE"
[[ ${#ROLES[@]} -gt 0 ]] || fail '--role is missing; see --help.'
[[ ${#WHO[@]} -gt 0 ]] || fail 'Name who gets the role: --app, --identity, --group or --user; see --help.'
for role in "${ROLES[@]}"; do
  [[ "$role" =~ ^Keyturn\.(Read|Rotate|Revoke)$ ]] || fail "--role takes Keyturn.Read, Keyturn.Rotate or Keyturn.Revoke, not $(printf '%q' "${role:0:64}")."
done
GRAPH="$(graph_root)"

API="$(read_graph "/servicePrincipals?\$filter=appId%20eq%20'$AUDIENCE'&\$select=id" 'value[].[id]')"
[[ -n "$API" ]] || fail "No API with the client id $AUDIENCE is in this tenant; infra/scripts/api-app.sh makes it."
need_guid 'The id of the API' "$API"
OFFERED="$(read_graph "/servicePrincipals/$API?\$select=appRoles" 'appRoles[].[id,value,isEnabled]' | plain_booleans)"

role_id() { # ROLE
  local id
  id="$(awk -F '\t' -v role="$1" '$2 == role && $3 == "true" { print $1 }' <<<"$OFFERED")"
  is_guid "$id" || fail "The API does not offer $1; infra/scripts/api-app.sh puts that right."
  printf '%s' "$id"
}

# The path of somebody in the directory; the kind of the object is checked by the address.
path_of() { # KIND ID
  local id
  case "$1" in
    app)
      id="$(read_graph "/servicePrincipals?\$filter=appId%20eq%20'$2'&\$select=id" 'value[].[id]')"
      is_guid "$id" || fail "No application with the client id $2 can log in to this tenant."
      printf '/servicePrincipals/%s' "$id"
      ;;
    identity) printf '/servicePrincipals/%s' "$2" ;;
    group) printf '/groups/%s' "$2" ;;
    user) printf '/users/%s' "$2" ;;
  esac
}

settle() { # PLACE WHAT ROLE ROLE_ID
  local held assignment
  held="$(read_graph "$1/appRoleAssignments" 'value[].[id,appRoleId,resourceId]')"
  assignment="$(awk -F '\t' -v role="$4" -v api="$API" 'tolower($2) == role && tolower($3) == api { print $1; exit }' <<<"$held")"
  if [[ "$TAKE_BACK" == true ]]; then
    [[ -n "$assignment" ]] || return 0
    # Goes into an address: as Graph makes it, letters, digits, `-` and `_`.
    [[ "$assignment" =~ ^[A-Za-z0-9_-]{1,128}$ ]] || fail "The assignment of $3 to $2 has an id that is not understood."
    change delete "$1/appRoleAssignments/$assignment" '' "Take $3 from $2."
  elif [[ -z "$assignment" ]]; then
    change post "$1/appRoleAssignments" \
      '{"principalId":"'"${1##*/}"'","resourceId":"'"$API"'","appRoleId":"'"$4"'"}' "Give $3 to $2."
  fi
}

# All are found before any is changed.
PLACES=()
IDS=()
for role in "${ROLES[@]}"; do
  id="$(role_id "$role")"
  IDS+=("$id")
done
for who in "${WHO[@]}"; do
  place="$(path_of "${who%% *}" "${who##* }")"
  read_graph "$place?\$select=id" id >/dev/null || fail "No ${who%% *} ${who##* } was found; nothing was changed."
  PLACES+=("$place")
done
for ((at = 0; at < ${#WHO[@]}; at++)); do
  for ((each = 0; each < ${#ROLES[@]}; each++)); do
    settle "${PLACES[at]}" "the ${WHO[at]}" "${ROLES[each]}" "$(lower "${IDS[each]}")"
  done
done
finish "Roles of the API $AUDIENCE"
