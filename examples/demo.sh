#!/usr/bin/env bash
# Starts Tandem with an administrator and two extensions, and tells how to use them. Usage: examples/demo.sh BINARY
set -euo pipefail

binary=$1
data=${TANDEM_DATA:-data}
http=${TANDEM_HTTP:-127.0.0.1:8080}
sip=${TANDEM_SIP:-0.0.0.0:5060}
# Browsers let a page hear the microphone only by HTTPS, or on this machine.
https=${TANDEM_HTTPS:-0.0.0.0:8443}
notes="$data/demo.txt"

mkdir -p "$data"
if ! [ -s "$notes" ]; then
    umask 077
    word() { od -An -N8 -tx1 /dev/urandom | tr -d ' \n'; }
    printf '%s\n' "$(word)" "$(word)" "$(word)" >"$notes"
fi
{ read -r admin; read -r first; read -r second; } <"$notes"

TANDEM_ADMIN_PASSWORD=$admin "$binary" --data "$data" --sip "$sip" --http "$http" --https "$https" \
    --rtp "${TANDEM_RTP:-0.0.0.0:30000-30999}" --webrtc "${TANDEM_WEBRTC:-0.0.0.0:3478}" &
tandem=$!
trap 'kill -TERM $tandem 2>/dev/null || true; wait $tandem || true' EXIT INT TERM

until curl -fs "http://$http/healthz" >/dev/null; do
    kill -0 "$tandem" 2>/dev/null || exit 1
    sleep 0.1
done

token=$(curl -fsS "http://$http/auth/login" -H 'Content-Type: application/json' \
    -d "{\"username\":\"admin\",\"password\":\"$admin\"}" | sed 's/.*"token":"\([^"]*\)".*/\1/')
extension() { # number password name; one that is there already stays as it is
    curl -sS -o /dev/null "http://$http/v1.0/extensions" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
        -d "{\"extension\":\"$1\",\"password\":\"$2\",\"name\":\"$3\",\"detail\":\"made by make run\"}"
}
extension 1001 "$first" "Front desk"
extension 1002 "$second" "Workshop"
extension 1003 "$second-3" "This page"

# The administrator calls from the page as 1003, unless something else was set.
me=$(curl -fsS "http://$http/v1.0/me" -H "Authorization: Bearer $token")
case $me in *'"addresses":[]'*)
    id=$(printf %s "$me" | sed 's/.*"id":"\([^"]*\)".*/\1/')
    curl -fsS -o /dev/null -X PUT "http://$http/v1.0/agents/$id/addresses" -H "Authorization: Bearer $token" \
        -H 'Content-Type: application/json' -d '{"addresses":[{"type":"extension","target":"1003"}]}' ;;
esac

# Phones are told an address, not all of them: the machine's first one.
phones=$sip
if [ "${sip%:*}" = 0.0.0.0 ]; then
    own=$(hostname -I 2>/dev/null | cut -d ' ' -f 1)
    phones="${own:-127.0.0.1}:${sip##*:}"
fi

cat <<END

  Tandem is running.

  Web page   http://$http    user admin    password $admin
             https://${phones%:*}:${https##*:} for the page as a phone (Phone), from any machine
             once it trusts http://$http/authority.pem
  Phones     registrar $phones, UDP or TCP
             user 1001   password $first
             user 1002   password $second

  Register two phones, call 1002 from 1001, and open the call in the web page to see its sequence.
  Stop with Ctrl-C. What is remembered lies in $data/.

END
wait "$tandem"
