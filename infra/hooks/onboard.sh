#!/bin/sh
# Onboards the vaults that KEYTURN_VAULTS names, once the app lists its functions, and waits until Keyturn gets at them. Run by
# azd after a deployment, and by hand with the same variables (outputs of infra/main.bicep). Running it again changes nothing.
#
# AZURE_ROLES_AT, if it is set, is the management group at which infra/roles.bicep made the roles.
#
# A vault that fails does not keep the others waiting: the hook ends with 1 and names it. HOOK_PAUSE_SECONDS is the time
# between two looks, HOOK_WAIT_SECONDS the longest wait for readiness.
#
# Unverified: how az words a refused token; what is not known as one is asked again until the time is over.
set -eu

vaults=$(printf '%s' "${KEYTURN_VAULTS:-}" | tr ',' '\n' | tr -d ' \t\r' | sed '/^$/d')
if [ -z "$vaults" ]; then
  echo 'KEYTURN_VAULTS names no vault: none is onboarded.'
  exit 0
fi

: "${AZURE_FUNCTION_APP_ID:?}" "${AZURE_FUNCTION_APP_HOST:?}" "${AZURE_IDENTITY_PRINCIPAL_ID:?}" "${AZURE_HOST_STORAGE_ID:?}"
: "${AZURE_WORKSPACE_ID:?}" "${AZURE_EVENTS_IDENTITY_ID:?}" "${AZURE_NETWORK_MODE:?}"
template="$(dirname "$0")/../vault.bicep"
pause="${HOOK_PAUSE_SECONDS:-10}"

lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }

say() { printf '%s\n' "$*"; }

# A part of a resource id: 3 is the subscription, 5 the group, 9 the name.
part() { printf '%s' "$1" | cut -d/ -f"$2"; }

# All are looked at before anything is asked or changed.
while IFS= read -r vault; do
  case "$vault" in
    "/subscriptions/$(part "$vault" 3)"/resource[gG]roups/"$(part "$vault" 5)/providers/Microsoft.KeyVault/vaults/$(part "$vault" 9)") ;;
    *)
      say "KEYTURN_VAULTS: $vault is not the resource id of a vault." >&2
      exit 1
      ;;
  esac
done <<VAULTS
$vaults
VAULTS

# In the private mode events go to a queue, which needs no function.
if [ "$AZURE_NETWORK_MODE" = public ]; then
  tries=0
  until az resource show --ids "$AZURE_FUNCTION_APP_ID/functions/secretEvents" --api-version 2024-04-01 --output none; do
    tries=$((tries + 1))
    if [ "$tries" -ge 30 ]; then
      say 'The app does not list the function secretEvents; see its log, then run this again.' >&2
      exit 1
    fi
    sleep "$pause"
  done
fi

# System topics that may be seen: id, source, kind of identity and the user-assigned ones. Not everybody may list a whole
# subscription; a topic in another group is then found by the deployment, which fails.
topics_near() { # SUBSCRIPTION GROUP
  query="[].[id,source,identity.type,join(',',keys(identity.userAssignedIdentities||\`{}\`))]"
  az eventgrid system-topic list --subscription "$1" --query "$query" --output tsv 2>/dev/null ||
    az eventgrid system-topic list --subscription "$1" --resource-group "$2" --query "$query" --output tsv
}

# Sets `events` and `more`, the parameters for a vault that has a topic already: Azure allows one for each (azure-facts 3.3).
# The one that vault.bicep made itself is made again by it.
look_for_topic() { # VAULT NAME GROUP SUBSCRIPTION
  events=true
  more=''
  listed=$(topics_near "$4" "$3") || return 1
  own="egst-keyturn-$(lower "$2")"
  while IFS='	' read -r id source kind users; do
    [ "$(lower "$source")" = "$(lower "$1")" ] || continue
    topic=$(part "$id" 9)
    here=false
    [ "$(lower "$(part "$id" 5)")" != "$(lower "$3")" ] || here=true
    if [ "$here" = true ] && [ "$(lower "$topic")" = "$own" ]; then return 0; fi
    case "$kind" in
      *SystemAssigned*) identity=SystemAssigned ;;
      *UserAssigned*)
        identity=None
        case ",$(lower "$users")," in *",$(lower "$AZURE_EVENTS_IDENTITY_ID"),"*) identity=UserAssigned ;; esac
        ;;
      *) identity=None ;;
    esac
    if [ "$here" = false ]; then
      events=false
      say "$2: its system topic is in another group ($id): onboarded without events, by the sweep alone."
    elif [ "$AZURE_NETWORK_MODE" = private ] && [ "$identity" != SystemAssigned ]; then
      events=false
      say "$2: its system topic $topic has no system-assigned identity, which the private mode needs: onboarded without events."
    else
      more="systemTopicName=$topic systemTopicIdentity=$identity"
      say "$2: its system topic $topic is used."
      [ "$identity" != None ] || say "$2: this topic has no identity that may write: events that cannot be delivered are lost to the sweep."
    fi
    return 0
  done <<TOPICS
$listed
TOPICS
}

# Every step says `|| return`: within a condition a shell does not stop at an error by itself.
onboard() { # VAULT
  subscription=$(part "$1" 3)
  group=$(part "$1" 5)
  name=$(part "$1" 9)
  say "Onboarding $name"
  location=$(az resource show --ids "$1" --query location --output tsv </dev/null) || return 1
  look_for_topic "$1" "$name" "$group" "$subscription" || return 1
  # $more is parted on purpose: names of topics hold letters, digits and dashes.
  # shellcheck disable=SC2086
  az deployment group create --subscription "$subscription" --resource-group "$group" --name "keyturn-$name" \
    --template-file "$template" --output none --parameters \
    vaultName="$name" location="$location" principalId="$AZURE_IDENTITY_PRINCIPAL_ID" network="$AZURE_NETWORK_MODE" \
    functionAppId="$AZURE_FUNCTION_APP_ID" hostStorageId="$AZURE_HOST_STORAGE_ID" workspaceId="$AZURE_WORKSPACE_ID" \
    rolesAt="${AZURE_ROLES_AT:-}" eventsIdentityId="$AZURE_EVENTS_IDENTITY_ID" events="$events" $more </dev/null
}

onboarded=''
failed=''
while IFS= read -r vault; do
  if onboard "$vault"; then
    onboarded="$onboarded $(lower "$(part "$vault" 9)")"
  else
    failed="$failed $(part "$vault" 9)"
    say "$(part "$vault" 9) was not onboarded; going on with the others." >&2
  fi
done <<VAULTS
$vaults
VAULTS

# What the app answered, or az said instead; short, and without what could act on a terminal.
answer=''
ask() { # PATH [OPTION...]
  path="$1"
  shift
  # On anything but 2xx az rest fails and prints `<reason phrase>(<body>)`.
  if answer=$(az rest --method get --url "https://$AZURE_FUNCTION_APP_HOST/api/$path" "$@" --output none 2>&1 </dev/null); then
    return 0
  fi
  answer=$(printf '%s' "$answer" | tr -d '\000-\010\013-\037')
  return 1
}

shown() { printf '%s' "$answer" | cut -c 1-4000; }

# What the answer means: ready; `ours`: ready but for what was not onboarded here, such as a permission that graph.sh grants
# later; refused: not for who runs this; anything else: not yet.
meaning() {
  case "$answer" in
    *'"storage":{"ready":true'*)
      for name in $onboarded; do
        case "$(lower "$answer")" in *"\"vault\":\"$name\",\"ready\":true"*) ;; *) echo later && return ;; esac
      done
      echo ours
      ;;
    *'"storage":{'*) echo later ;;
    *'Unauthorized('* | *'Forbidden('* | *AADSTS* | *'az login'*) echo refused ;;
    *) echo later ;;
  esac
}

# Asks until it is answered with 2xx, is told something else than "later", or the time is over.
ask_until() { # END PATH [OPTION...]
  end="$1"
  shift
  until ask "$@"; do
    said=$(meaning)
    if [ "$said" != later ]; then return 0; fi
    if [ "$(date +%s)" -ge "$end" ]; then return 1; fi
    sleep "$pause"
  done
  said=ready
}

# Roles take minutes to spread, once 28 (case DP-05): asked of the app itself, which touches every vault.
wait_until_ready() {
  wait="${HOOK_WAIT_SECONDS:-1800}"
  by=$(($(date +%s) + wait))
  if [ "$AZURE_NETWORK_MODE" = private ] && ! ask health --skip-authorization-header; then
    case "$answer" in
      *'Service Unavailable('*) ;;
      *)
        say 'The app cannot be reached from here, as is usual in the private mode: ask api/readiness from inside its network.'
        return 0
        ;;
    esac
  fi
  say "Waiting until Keyturn gets at what was onboarded, for at most $wait s: roles take minutes to spread."
  said=later
  ask_until "$by" readiness --resource "${KEYTURN_AUDIENCE:-unset}" || true
  if [ "$said" = refused ]; then
    say 'Who runs this may not ask api/readiness (role Keyturn.Read of the API): asking api/health, which knows nothing of vaults.'
    ask_until "$by" health --skip-authorization-header || true
    if [ "$said" = ready ]; then
      say 'The app is healthy. Let somebody with Keyturn.Read look at api/readiness.'
      return 0
    fi
  fi
  case "$said" in
    ready) say 'Keyturn is ready.' ;;
    ours) say "What was onboarded is ready. What is not: $(shown)" ;;
    *)
      say "Not ready after $wait s. All is deployed: ask api/readiness later, or run this again. The last answer: $(shown)" >&2
      return 1
      ;;
  esac
}

code=0
if [ -n "$onboarded" ]; then wait_until_ready || code=1; fi
if [ -n "$failed" ]; then
  say "Not onboarded:$failed. The errors are above; the others are done. Run this again once they are mended." >&2
  code=1
fi
exit "$code"
