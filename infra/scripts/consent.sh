#!/usr/bin/env bash
# Gives a target to a secret, or takes it away again: adds or removes that one name in the description of Keyturn's role
# assignment there, and keeps what the owner gave to others. Run again, it changes nothing. Needs az, signed in as somebody who
# may read and write role assignments at the target; where Keyturn has no role for the kind in that group yet, also role
# definitions and deployments there (infra/target.bicep), unless --role-id names one.
#
# A role assignment has no ETag that is known to guard a write (unverified), so nothing is sent over a text that changed since it
# was read, and what was written is read again: an entry that somebody else's write took away meanwhile is merged in anew.
set -euo pipefail
# shellcheck source=infra/scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'TEXT'
Usage: infra/scripts/consent.sh --target ID --kind KIND --principal-id GUID (--add | --remove) SECRET
                                [--role-id GUID] [--upgrade] [--dry-run]

  --target ID           resource id where the consent shall stand: the target, or a resource that it stands below
  --kind KIND           the tag value that names the rotator: storage-account-key
  --principal-id GUID   object id of Keyturn's managed identity (output AZURE_IDENTITY_PRINCIPAL_ID)
  --add SECRET          kv-shop/orders-storage; with what it gets: 'kv-shop/orders-sql(app_a,app_b)', 'kv-shop/db(readonly)'
  --remove SECRET       the same; without parentheses every entry of this kind that names the secret
  --role-id GUID        a role for this kind that is there already; otherwise the one of the group, made if need be
  --upgrade             entries of the old form, without a kind, become entries of this kind (otherwise they are kept, and give
                        nothing)
  --dry-run             say what would be changed, change nothing
TEXT
}

once() { [[ -z "$HOW" ]] || fail 'One --add or --remove at a time.'; }

readonly API=2022-04-01
readonly TRIES=5
INFRA="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

TARGET=''
KIND=''
PRINCIPAL=''
ROLE=''
ENTRY=''
HOW=''
UPGRADE=false
while [[ $# -gt 0 ]]; do
  case "$1" in
    --target) need_value "$@"; TARGET="${2%/}"; shift 2 ;;
    --kind) need_value "$@"; KIND="$(lower "$2")"; shift 2 ;;
    --principal-id) need_value "$@"; PRINCIPAL="$(lower "$2")"; shift 2 ;;
    --add) need_value "$@"; once; HOW=add; ENTRY="$2"; shift 2 ;;
    --remove) need_value "$@"; once; HOW=remove; ENTRY="$2"; shift 2 ;;
    --role-id) need_value "$@"; ROLE="$(lower "$2")"; shift 2 ;;
    --upgrade) UPGRADE=true; shift ;;
    --dry-run) DRY_RUN=true; shift ;;
    --help) usage; exit 0 ;;
    *) fail "Unknown option $(printf '%q' "${1:0:64}"); see --help." ;;
  esac
done

shown() { printf '%q' "${1:0:200}"; }

# Only what these patterns let through gets into an address or a body.
[[ -n "$TARGET" ]] || fail '--target is missing; see --help.'
# Groups have letters of all scripts; in an address they are percent-encoded (case VAL-09). Byte for byte, whatever the locale.
encoded() {
  local LC_ALL=C text="$1" character code
  while [[ -n "$text" ]]; do
    character="${text:0:1}"
    text="${text:1}"
    case "$character" in
      [A-Za-z0-9/_.\(\)-]) printf '%s' "$character" ;;
      *)
        printf -v code '%d' "'$character"
        if ((code < 0)); then code=$((code + 256)); fi
        # What is of ASCII needs no encoding, or has no business in a name: the pattern refuses it.
        if ((code < 128)); then printf '?'; else printf '%%%02X' "$code"; fi
        ;;
    esac
  done
}
PLACE="$(encoded "$TARGET")"
[[ "$PLACE" =~ ^/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/([A-Za-z0-9_().-]|%[89A-F][0-9A-F]){1,270}(/providers/[A-Za-z]+(\.[A-Za-z]+)+(/[A-Za-z]+/[A-Za-z0-9_.-]+)+)?$ &&
  "$TARGET" != *..* ]] || fail "--target must be the id of a resource or a group, not $(shown "$TARGET")."
[[ -n "$PRINCIPAL" ]] || fail '--principal-id is missing; see --help.'
need_guid --principal-id "$PRINCIPAL"
[[ -z "$ROLE" ]] || need_guid --role-id "$ROLE"
[[ -n "$KIND" ]] || fail '--kind is missing; see --help.'
KINDS="$(sed -nE 's/^    "([a-z-]+)": \{.*/\1/p' "$INFRA/roles.json")"
grep -qxF -- "$KIND" <<<"$KINDS" || fail "There is no kind $(shown "$KIND") at resources. Known: $(tr '\n' ' ' <<<"$KINDS")"
[[ -n "$HOW" ]] || fail '--add or --remove is missing; see --help.'
SECRET="$(lower "${ENTRY%%(*}")"
[[ "$ENTRY" =~ ^[A-Za-z0-9-]{1,24}/(\*|[A-Za-z0-9-]{1,127})(\([^\(\)]{1,600}\))?$ && ! "$ENTRY" =~ [[:cntrl:]] ]] ||
  fail "--$HOW takes <vault>/<secret>, with its parts in parentheses, not $(shown "$ENTRY")."
if [[ "$HOW" == add ]]; then
  case "$KIND" in
    sql-admin-password)
      [[ "$ENTRY" != *'('* && "$SECRET" != *'/*' ]] || fail 'An administrator is given to a secret by name, without parentheses.'
      [[ "$(lower "$TARGET")" == */providers/microsoft.sql/servers/* ]] || fail 'An administrator is given at the server itself.' ;;
    *-login) [[ "$ENTRY" == *'('* ]] || fail "Name the logins that are given: '$ENTRY(app_a,app_b)'." ;;
  esac
fi

ARM="$(az cloud show --query endpoints.resourceManager --output tsv)"
ARM="${ARM%/}"
[[ "$ARM" =~ ^https://[a-z0-9.-]+$ ]] || fail 'az cloud show names no address of Azure Resource Manager.'
readonly AT="$PLACE/providers/Microsoft.Authorization/roleAssignments"

# The pieces of TEXT between separators outside of parentheses, into PIECES. As Keyturn reads it (src/core/consent.ts).
split() {
  local text="$1" separator="$2" piece='' rest character inside
  PIECES=()
  while [[ -n "$text" ]]; do
    character="${text:0:1}"
    if [[ "$character" == '(' ]]; then
      rest="${text:1}"
      inside="${rest%%[()]*}"
      if [[ "${rest:${#inside}:1}" == ')' ]]; then
        piece+="($inside)"
        text="${rest:${#inside}+1}"
        continue
      fi
    fi
    if [[ "$character" == "$separator" ]]; then
      PIECES+=("$piece")
      piece=''
    else
      piece+="$character"
    fi
    text="${text:1}"
  done
  PIECES+=("$piece")
}

trim() {
  local text="$1"
  text="${text#"${text%%[![:space:]]*}"}"
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# The kind of a clause into CLAUSE_KIND (empty in the old form), its list into CLAUSE_LIST.
read_clause() {
  local clause head
  clause="$(trim "$1")"
  if [[ "$(lower "$clause")" =~ ^keyturn[[:space:]:] ]]; then clause="$(trim "${clause:7}")"; fi
  CLAUSE_KIND=''
  CLAUSE_LIST="$clause"
  head="${clause%%[:/()]*}"
  if [[ "${clause:${#head}:1}" == ':' ]]; then
    CLAUSE_KIND="$(lower "$(trim "$head")")"
    CLAUSE_LIST="$(trim "${clause:${#head}+1}")"
  fi
}

same() { [[ "$(lower "${1//[[:space:]]/}")" == "$(lower "${2//[[:space:]]/}")" ]]; }

# Whether an entry is the one to be added or removed.
is_meant() {
  same "$1" "$ENTRY" || { [[ "$HOW" == remove && "$ENTRY" != *'('* ]] && same "${1%%(*}" "$SECRET"; }
}

joined() {
  local text="$1"
  shift
  for piece in "$@"; do text+=", $piece"; done
  printf '%s' "$text"
}

# What the description shall be, from what it is, into MERGED.
merge() {
  local text="$1" entry clause
  local -a clauses=() kept=() lists=() ours=()
  if [[ -n "$(trim "$text")" ]]; then
    [[ "$(lower "$(trim "$text")")" =~ ^keyturn[[:space:]:] ]] ||
      fail "The description of the assignment is no consent, and is left as it is: $(shown "$text")"
    split "$text" ';'
    clauses=(${PIECES[@]+"${PIECES[@]}"})
  fi
  for clause in ${clauses[@]+"${clauses[@]}"}; do
    read_clause "$clause"
    if [[ "$CLAUSE_KIND" == "$KIND" || (-z "$CLAUSE_KIND" && "$UPGRADE" == true) ]]; then
      split "$CLAUSE_LIST" ','
      for entry in ${PIECES[@]+"${PIECES[@]}"}; do
        entry="$(trim "$entry")"
        [[ -z "$entry" ]] || is_meant "$entry" || ours+=("$entry")
      done
    elif [[ -n "$(trim "$clause")" ]]; then
      lists+=("keyturn${CLAUSE_KIND:+ $CLAUSE_KIND}: $CLAUSE_LIST")
    fi
  done
  [[ "$HOW" == remove ]] || ours+=("$ENTRY")
  [[ ${#ours[@]} -eq 0 ]] || kept=("keyturn $KIND: $(joined "${ours[@]}")")
  MERGED=''
  for clause in ${lists[@]+"${lists[@]}"} ${kept[@]+"${kept[@]}"}; do MERGED+="${MERGED:+; }$clause"; done
}

# Whether the text gives the secret what it shall, and is otherwise as wanted: then nothing is sent.
holds() {
  local clause entry found=false old=false
  split "$1" ';'
  local -a clauses=("${PIECES[@]}")
  for clause in "${clauses[@]}"; do
    read_clause "$clause"
    [[ -n "$CLAUSE_KIND" || -z "$CLAUSE_LIST" ]] || old=true
    [[ "$CLAUSE_KIND" == "$KIND" ]] || continue
    split "$CLAUSE_LIST" ','
    for entry in "${PIECES[@]}"; do
      if is_meant "$(trim "$entry")"; then found=true; fi
    done
  done
  [[ "$UPGRADE" == false || "$old" == false ]] || return 1
  if [[ "$HOW" == add ]]; then [[ "$found" == true ]]; else [[ "$found" == false ]]; fi
}

json() {
  local text="$1"
  [[ ! "$text" =~ [[:cntrl:]] ]] || fail 'A text of the assignment holds characters that do not print; nothing was changed.'
  text="${text//\\/\\\\}"
  printf '"%s"' "${text//\"/\\\"}"
}

member() { az rest --method get --url "$ARM$AT/$NAME?api-version=$API" --query "properties.$1" --output tsv; }

# Name of the assignment at this very scope that is written: of the role that is named, or the one that has the kind already.
find_assignment() {
  local rows name scope role next text
  NAME=''
  rows="$(az rest --method get --url "$ARM$AT?api-version=$API&\$filter=principalId%20eq%20'$PRINCIPAL'" \
    --query 'value[].[name,properties.scope,properties.roleDefinitionId]' --output tsv)"
  next="$(az rest --method get --url "$ARM$AT?api-version=$API&\$filter=principalId%20eq%20'$PRINCIPAL'" --query nextLink --output tsv)"
  [[ -z "$next" ]] || fail 'There are more assignments of the identity than one page shows; nothing was changed.'
  while IFS=$'\t' read -r name scope role; do
    [[ -n "$name" && "$(lower "${scope%/}")" == "$(lower "$TARGET")" ]] || continue
    need_guid 'The name of an assignment' "$name"
    if [[ -n "$ROLE" ]]; then
      [[ "$(lower "${role##*/}")" == "$ROLE" ]] || continue
      NAME="$name"
      return 0
    fi
    NAME="$name"
    text="$(member description)"
    split "$text" ';'
    local -a clauses=("${PIECES[@]}")
    for clause in "${clauses[@]}"; do
      read_clause "$clause"
      if [[ "$CLAUSE_KIND" == "$KIND" ]]; then return 0; fi
    done
    NAME=''
  done <<<"$rows"
}

# The role of the group, made where there is none; a deployment of the template changes nothing of one that is there.
find_role() {
  local group subscription
  [[ "$TARGET" =~ ^/subscriptions/([^/]+)/resourceGroups/([^/]+) ]]
  subscription="${BASH_REMATCH[1]}"
  group="${BASH_REMATCH[2]}"
  if [[ "$DRY_RUN" == true ]]; then
    say "Would: Deploy infra/target.bicep into $group: the role for $KIND there."
    CHANGES=$((CHANGES + 1))
    return 0
  fi
  say "Deploy infra/target.bicep into $group: the role for $KIND there."
  ROLE="$(lower "$(az deployment group create --subscription "$subscription" --resource-group "$group" --name "keyturn-$KIND" \
    --template-file "$INFRA/target.bicep" --parameters "rotator=$KIND" --query properties.outputs.roleId.value --output tsv)")"
  need_guid 'The role of the deployment' "$ROLE"
  CHANGES=$((CHANGES + 1))
}

# What is kept of the assignment beside its description, or what a new one has.
read_rest() {
  CONDITION=''
  VERSION=''
  if [[ -n "$NAME" ]]; then
    DEFINITION="$(member roleDefinitionId)"
    CONDITION="$(member condition)"
    VERSION="$(member conditionVersion)"
    return 0
  fi
  [[ "$TARGET" =~ ^/subscriptions/([^/]+)/ ]]
  DEFINITION="/subscriptions/${BASH_REMATCH[1]}/providers/Microsoft.Authorization/roleDefinitions/$ROLE"
}

write() {
  local body
  if [[ -z "$NAME" ]]; then
    NAME="$(lower "$(uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid)")"
    need_guid 'A new name' "$NAME"
  fi
  body='{"properties":{"principalId":"'"$PRINCIPAL"'","principalType":"ServicePrincipal","roleDefinitionId":'"$(json "$DEFINITION")"
  body+=',"description":'"$(json "$MERGED")"
  if [[ -n "$CONDITION" ]]; then body+=',"condition":'"$(json "$CONDITION")"',"conditionVersion":'"$(json "$VERSION")"; fi
  az rest --method put --url "$ARM$AT/$NAME?api-version=$API" --headers Content-Type=application/json --body "$body}}" --output none
}

find_assignment
if [[ "$HOW" == add && -z "$NAME" && -z "$ROLE" ]]; then
  find_role
  [[ -z "$ROLE" ]] || find_assignment
fi
for ((try = 1; ; try++)); do
  before=''
  if [[ -n "$NAME" ]]; then before="$(member description)"; fi
  if [[ -z "$NAME" && "$HOW" == remove ]] || { [[ -n "$NAME" ]] && holds "$before"; }; then break; fi
  merge "$before"
  if [[ "$try" -eq 1 ]]; then
    CHANGES=$((CHANGES + 1))
    line="Write at $TARGET: ${MERGED:-nothing} (was: ${before:-nothing})."
    if [[ "$DRY_RUN" == true ]]; then
      say "Would: $line"
      break
    fi
    say "$line"
  fi
  [[ "$try" -le "$TRIES" ]] || fail 'Others keep writing this description. Look at it, and run this again.'
  read_rest
  # Not over a text that changed while it was merged. What is written in the moment between is written over, and whoever wrote
  # it by this script finds that out and merges again.
  if [[ -n "$NAME" && "$(member description)" != "$before" ]]; then continue; fi
  write
  sleep "$RETRY_SECONDS"
done
finish "Consent of $KIND for $ENTRY"
if [[ "$HOW" == remove && "$CHANGES" -gt 0 ]]; then
  say 'What is owed in its grace can no longer be revoked without this consent: end the grace first where that matters.'
  [[ -n "$MERGED" ]] || say "Nobody is named any more. The right is still there: az role assignment delete --ids $AT/$NAME"
fi
