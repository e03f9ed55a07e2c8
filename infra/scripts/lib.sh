# Shared by the scripts of this folder; sourced, never run. Needs nothing but bash and az.

DRY_RUN=false
CHANGES=0
# Seconds between the tries of a request that the directory does not take yet (case DP-03).
RETRY_SECONDS="${KEYTURN_RETRY_SECONDS:-10}"

say() { printf '%s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

is_guid() { [[ "$1" =~ ^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$ ]]; }

# Stops on anything but a GUID: these go into addresses and bodies. What was given is shown quoted and short.
need_guid() {
  is_guid "$2" || fail "$1 must be a GUID, not $(printf '%q' "${2:0:64}")."
}

# The value of an option; "--name" at the end of the line, or before another option, has none.
need_value() {
  [[ $# -ge 2 && -n "$2" && "$2" != --* ]] || fail "$1 needs a value."
}

lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }

# az prints booleans as True or as true, depending on its version.
plain_booleans() { sed -e $'s/\tTrue$/\ttrue/' -e $'s/\tFalse$/\tfalse/'; }

# The address of Microsoft Graph in the cloud that az is signed in to, so that sovereign clouds need no option.
graph_root() {
  local root
  root="$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)"
  root="${root%/}"
  [[ "$root" =~ ^https://[a-z0-9.-]+$ ]] || fail "az cloud show names no address of Microsoft Graph."
  printf '%s' "$root"
}

# read_graph PATH QUERY: what the JMESPath query takes from the answer, as lines of tab-separated cells.
read_graph() {
  az rest --method get --url "$GRAPH/v1.0$1" --query "$2" --output tsv
}

# change METHOD PATH BODY WHAT [QUERY]: says what it does, and does it unless this is a dry run. ANSWER is what the JMESPath
# query takes from the answer.
change() {
  local method="$1" path="$2" body="$3" what="$4" query="${5:-}"
  CHANGES=$((CHANGES + 1))
  if [[ "$DRY_RUN" == true ]]; then
    say "Would: $what"
    return 0
  fi
  say "$what"
  if [[ -z "$body" ]]; then
    ANSWER="$(az rest --method "$method" --url "$GRAPH/v1.0$path" --output tsv)"
    return 0
  fi
  ANSWER="$(az rest --method "$method" --url "$GRAPH/v1.0$path" --headers Content-Type=application/json \
    --body "$body" ${query:+--query "$query"} --output tsv)"
}

# finish WHAT: the last line, the same for a run that found nothing to do.
finish() {
  if [[ "$CHANGES" -eq 0 ]]; then
    say "$1: nothing to change."
  elif [[ "$DRY_RUN" == true ]]; then
    say "$1: $CHANGES changes would be made (dry run, nothing was changed)."
  else
    say "$1: $CHANGES changes made."
  fi
}
