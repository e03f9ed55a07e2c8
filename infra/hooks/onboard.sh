#!/bin/sh
# Onboards the vaults that KEYTURN_VAULTS names, once the app lists its functions. Run by azd after a deployment, and by hand
# with the same variables (outputs of infra/main.bicep). Running it again changes nothing.
set -eu

vaults=$(printf '%s' "${KEYTURN_VAULTS:-}" | tr ',' '\n' | tr -d ' \t\r')
if [ -z "$vaults" ]; then
  echo 'KEYTURN_VAULTS names no vault: none is onboarded.'
  exit 0
fi

: "${AZURE_FUNCTION_APP_ID:?}" "${AZURE_IDENTITY_PRINCIPAL_ID:?}" "${AZURE_HOST_STORAGE_ID:?}" "${AZURE_WORKSPACE_ID:?}"
: "${AZURE_EVENTS_IDENTITY_ID:?}" "${AZURE_NETWORK_MODE:?}"
template="$(dirname "$0")/../vault.bicep"

# In the private mode events go to a queue, which needs no function.
if [ "$AZURE_NETWORK_MODE" = public ]; then
  tries=0
  until az resource show --ids "$AZURE_FUNCTION_APP_ID/functions/secretEvents" --api-version 2024-04-01 --output none; do
    tries=$((tries + 1))
    if [ "$tries" -ge 30 ]; then
      echo 'The app does not list the function secretEvents; see its log, then run this again.' >&2
      exit 1
    fi
    sleep "${HOOK_PAUSE_SECONDS:-10}"
  done
fi

printf '%s\n' "$vaults" | while IFS= read -r vault; do
  [ -n "$vault" ] || continue
  subscription=$(printf '%s' "$vault" | cut -d/ -f3)
  group=$(printf '%s' "$vault" | cut -d/ -f5)
  name=$(printf '%s' "$vault" | cut -d/ -f9)
  case "$vault" in
    /subscriptions/"$subscription"/resource[gG]roups/"$group"/providers/Microsoft.KeyVault/vaults/"$name") ;;
    *)
      echo "KEYTURN_VAULTS: $vault is not the resource id of a vault." >&2
      exit 1
      ;;
  esac
  location=$(az resource show --ids "$vault" --query location --output tsv)
  echo "Onboarding $name"
  az deployment group create --subscription "$subscription" --resource-group "$group" --name "keyturn-$name" \
    --template-file "$template" --output none --parameters \
    vaultName="$name" location="$location" principalId="$AZURE_IDENTITY_PRINCIPAL_ID" network="$AZURE_NETWORK_MODE" \
    functionAppId="$AZURE_FUNCTION_APP_ID" hostStorageId="$AZURE_HOST_STORAGE_ID" workspaceId="$AZURE_WORKSPACE_ID" \
    eventsIdentityId="$AZURE_EVENTS_IDENTITY_ID"
done
