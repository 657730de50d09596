#!/bin/sh
# shellcheck disable=SC2317  # functions are called by name too: see until_answered and try
#
# A terminal with openssl (3 or later) and curl (7.55 or later) only: client.py in the shell, on the same folders.
# For whoever makes a terminal, to read or to run.
#
# What changes something has an id, which is made and kept before it is sent, and is sent again with that id until
# there is an answer: without one, the ticket may be redeemed or not. The same id twice redeems it once.
#
# A device is a folder, used by one process at a time. client.py says what is in it; here there is also `session`, one
# line: its id, its MAC key, when it ends by our clock, and by how many seconds the service's clock is ahead of ours.
# Keys stand in files and on pipes, never in the arguments of a program, where `ps` shows them to everybody. Codes
# stand in the arguments of this script, unless `batch` reads them.
set -eu
umask 077
export LC_ALL=C

help() {
    cat <<'END'
usage: sh client.sh FOLDER COMMAND [ARGUMENT...]

A terminal that redeems tickets. FOLDER is the device: its key, its name, and
what has no answer yet. One process at a time may use it; client.py may, too.

Commands, each with an example:

  make URL [ed25519 | ecdsa-p256-sha256]
      A new device with a key of its own, in a new FOLDER. URL is the
      service's: https, or on this machine. Prints the public key.
          sh client.sh till make http://127.0.0.1:8080
  enrol INVITATION
      Bind the device to a venue; `souche terminal invite` prints an
      invitation, good once and for ten minutes.
          sh client.sh till enrol t-0123456789ab-0123456789abcdef0123456789abcd
  session
      Open a session, and print its id. The other commands do it themselves.
          sh client.sh till session
  check CODE...
      Whether these tickets of one carnet would be taken. Changes nothing.
          sh client.sh till check BFC22-0001234-03-Y5XC1KP-2
  redeem CODE...
      Take tickets of one carnet, all or none. Keep the `claim_id` that the
      answer names: a void needs it.
          sh client.sh till redeem BFC22-0001234-03-Y5XC1KP-2
  void CLAIM_ID CODE...
      Take a redemption back: its `claim_id`, and all the codes that it took.
          sh client.sh till void 0190f5fe-7c00-7a00-8abc-0123456789ab \
              BFC22-0001234-03-Y5XC1KP-2
  batch
      Redeem what is on standard input: a line for each claim, with the codes
      of its tickets. Prints a verdict for each, in order.
          sh client.sh till batch < codes.txt
  resume
      Ask again, with the same ids, for all that has no answer yet.
          sh client.sh till resume

It prints the answer as JSON. Where there is none it waits, and sends the same
again, with the same id: the same id twice redeems a ticket once.

To check one function of the file against vectors.json:

          sh client.sh try check_character BFC220001234035R8T

Environment:
  SOUCHE_PATIENCE  seconds until a request is given up (60)
  SOUCHE_TIMEOUT   seconds for each try (10)

It needs openssl 3 or later, and curl 7.55 or later.

Exit codes:
  0  done
  1  refused: the answer's `title` tells people why, its `reason` programs
  2  not understood, and nothing was sent
  3  openssl or curl is missing or too old
  4  no answer: it may have happened, or not; `resume` later. A check
     changes nothing
END
}

usage() {
    say 'not understood: sh client.sh --help tells how'
    exit 2
}

say() { printf 'client: %s\n' "$*" >&2; }

# --- Bytes: each function has its cases in vectors.json -----------------------------------------------------------

base64_of() { openssl base64 -A; }
base64url() { openssl base64 -A | tr -d = | tr '+/' '-_'; } # the bytes on standard input, without padding
hex_of() { od -An -v -tx1 | tr -d ' \n'; }

# hex_of_base64url TEXT
hex_of_base64url() {
    text=$(printf %s "$1" | tr -- '-_' '+/')
    while [ $((${#text} % 4)) -ne 0 ]; do text=$text=; done
    printf %s "$text" | openssl base64 -A -d | hex_of
}

# bytes HEX [MASK]: the bytes, each of them XOR MASK
bytes() {
    digits=$1 escaped=''
    while [ -n "$digits" ]; do
        rest=${digits#??}
        byte=$((0x${digits%"$rest"} ^ ${2:-0}))
        escaped="$escaped\\0$((byte >> 6))$((byte >> 3 & 7))$((byte & 7))"
        digits=$rest
    done
    printf %b "$escaped"
}

# hmac HEX_KEY: HMAC-SHA256 of standard input (RFC 2104), which openssl would only do with the key as an argument
hmac() {
    key=$1
    while [ ${#key} -lt 128 ]; do key=${key}00; done
    { bytes "$key" 0x5c && { bytes "$key" 0x36 && cat; } | openssl dgst -sha256 -binary; } | openssl dgst -sha256 -binary
}

# algorithm KEY_FILE
algorithm() {
    case $(openssl pkey -in "$1" -noout -text_pub) in
    ED25519*) echo ed25519 ;;
    *) echo ecdsa-p256-sha256 ;;
    esac
}

# public_key KEY_FILE: 32 bytes, or the uncompressed point of P-256, 65 bytes; the end of what openssl writes
public_key() {
    case $(algorithm "$1") in ed25519) size=32 ;; *) size=65 ;; esac
    openssl pkey -in "$1" -pubout -outform DER | tail -c $size | base64url
}

# device_message KIND PART...: what the device's key signs: souche-session-v1 and so on, joined by line feeds
device_message() {
    printf 'souche-%s-v1' "$1"
    shift
    printf '\n%s' "$@"
}

# raw_signature: r and s, 32 bytes each, of the DER on standard input
raw_signature() {
    numbers=$(openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p')
    # shellcheck disable=SC2086  # two words
    bytes "$(printf '%64s%64s' $numbers | tr ' ' 0)"
}

# sign KEY_FILE MESSAGE_FILE: 64 bytes; for P-256 they are r and s
sign() {
    case $(algorithm "$1") in
    ed25519) openssl pkeyutl -sign -rawin -inkey "$1" -in "$2" ;;
    *) openssl dgst -sha256 -sign "$1" "$2" | raw_signature ;;
    esac | base64url
}

# content_digest BODY_FILE (RFC 9530)
content_digest() { printf 'sha-256=:%s:' "$(openssl dgst -sha256 -binary "$1" | base64_of)"; }

# signature_parameters SESSION CREATED
signature_parameters() {
    printf '("@method" "@authority" "@path" "content-digest");created=%s;keyid="%s";alg="hmac-sha256"' "$2" "$1"
}

# signature_base AUTHORITY PATH DIGEST PARAMETERS: what is signed (RFC 9421); no line feed at the end
signature_base() {
    printf '"@method": POST\n"@authority": %s\n"@path": %s\n"content-digest": %s\n"@signature-params": %s' "$@"
}

# signed_headers AUTHORITY PATH BODY_FILE SESSION HEX_MAC_KEY CREATED
signed_headers() {
    digest=$(content_digest "$3")
    parameters=$(signature_parameters "$4" "$6")
    mac=$(signature_base "$1" "$2" "$digest" "$parameters" | hmac "$5" | base64_of)
    printf 'Content-Digest: %s\nSignature-Input: souche=%s\nSignature: souche=:%s:\n' "$digest" "$parameters" "$mac"
}

# check_character PAYLOAD: the payload as a number in base 32, modulo 37; nothing where that has no letter
check_character() {
    rest=$1 remainder=0
    while [ -n "$rest" ]; do
        before=${alphabet%%"${rest%"${rest#?}"}"*}
        remainder=$(((remainder * 32 + ${#before}) % 37))
        rest=${rest#?}
    done
    after=$alphabet
    while [ $remainder -gt 0 ]; do after=${after#?} remainder=$((remainder - 1)); done
    printf '%.1s\n' "$after"
}
alphabet=0123456789ABCDEFGHJKMNPQRSTVWXYZ # Crockford's base 32

# read_code TYPED: a code in its one form. Separators and case don't matter, O is 0, I and L are 1.
read_code() {
    case $1 in *[!0-9A-Za-z\ .-]*) return 1 ;; esac
    text=$(printf %s "$1" | tr -d ' .-' | tr abcdefghijklmnopqrstuvwxyzILO ABCDEFGH1JK1MN0PQRSTUVWXYZ110)
    printf '%s\n' "$text" | grep -Eqx "[$alphabet]{2,8}[0-9]{9}[$alphabet]{8}" || return 1
    [ "$(check_character "${text%?}")" = "${text#"${text%?}"}" ] || return 1
    printf '%s\n' "$text"
}

# unix_time 2026-11-22T01:40:12Z: in seconds since 1970. Years begin in March, so that the leap day comes last.
unix_time() {
    IFS=-T:Z read -r year month day hour minute second _ <<END
$1
END
    year=${year#0} month=${month#0} day=${day#0} hour=${hour#0} minute=${minute#0} second=${second#0}
    if [ "$month" -le 2 ]; then year=$((year - 1)) month=$((month + 12)); fi
    days=$((365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 719469))
    echo $((((days * 24 + hour) * 60 + minute) * 60 + second))
}

# new_id: a UUID of version 7: milliseconds, then chance
new_id() {
    ms=$(printf %012x $(($(date +%s) * 1000)))
    chance=$(openssl rand -hex 10)
    printf '%.8s-%s-7%.3s-%x%.3s-%.12s\n' "$ms" "${ms#????????}" "$chance" \
        $((0x${chance#???????????????????} & 3 | 8)) "${chance#???}" "${chance#??????}"
}

# --- The service ---------------------------------------------------------------------------------------------------

# member NAME: that member of the answer, a string
member() { sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' "$scratch/answer"; }

# post PATH BODY_FILE [HEADERS_FILE]: one request; leaves $scratch/answer and $status.
# Fails where the service itself didn't answer, or says that a retry can help: $why.
post() {
    : >"$scratch/head"
    url=$(cat "$folder/url")
    status=$(curl -qs -m "${SOUCHE_TIMEOUT:-10}" -o "$scratch/answer" -D "$scratch/head" -w '%{http_code}' \
        -H 'Content-Type: application/json' -H 'Expect:' -H "@${3:-/dev/null}" \
        --data-binary "@$2" "$url$1") || { why=$(curl_said $?) && return 1; }
    case $status in 2*) kind=json ;; *) kind=problem+json ;; esac
    why="a $status by somebody on the way"
    grep -qi "^content-type: *application/$kind" "$scratch/head" || return 1
    if [ "$kind" = problem+json ] && [ -z "$(member reason)" ]; then return 1; fi
    case $kind in json) why='not all claims of the batch have a verdict' ;; *) why="$(member title)" ;; esac
    if grep -q '"retry": *true' "$scratch/answer"; then return 1; fi
}

# curl_said CODE: why there was no answer, as curl's manual has it
curl_said() {
    case $1 in
    6) echo "the host in $url is not known here" ;;
    7) echo "nothing listens at $url" ;;
    28) echo "$url did not answer in time" ;;
    60) echo "the certificate of $url is not trusted here" ;;
    52 | 56) echo "the connection to $url broke" ;;
    *) echo "$url can't be reached (curl tells $1)" ;;
    esac
}

# until_answered COMMAND...: try, wait longer each time, and try again
until_answered() {
    pause=1 give_up=$(($(date +%s) + ${SOUCHE_PATIENCE:-60}))
    until "$@"; do
        after=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]*\).*/\1/p' "$scratch/head" | tail -n 1)
        if [ "${after:-0}" -gt $pause ]; then pause=$after; fi
        left=$((give_up - $(date +%s)))
        if [ "$pause" -gt "$left" ]; then gave_up; fi
        say "no answer yet: $why. Sending the same again$with_its_id in $pause s, for $left s more."
        sleep "$pause"
        pause=$((pause < 5 ? pause * 2 : 10))
    done
}

# gave_up: say what is unknown now, and what to do
gave_up() {
    say "given up: $why."
    if [ "$word" = check ]; then
        say 'nothing was changed. Give the same command again later.'
    elif [ -z "$with_its_id" ]; then
        say 'it may have happened, or not. Give the same command again later.'
    else
        say "it may have happened, or not; it is kept with its id. Once the service answers: sh $0 '$folder' resume"
    fi
    exit 4
}

# open_session: sign a nonce. The answer's time tells how far our clock is off.
open_session() {
    terminal=$(cat "$folder/terminal")
    printf '{"terminal":"%s"}' "$terminal" >"$scratch/asked"
    post /v1/challenges "$scratch/asked" || return 1
    if [ "$status" != 201 ]; then return 0; fi
    nonce=$(member nonce)
    device_message session "$(authority)" "$terminal" "$nonce" >"$scratch/message"
    signature=$(sign "$folder/key.pem" "$scratch/message") || exit 3
    printf '{"terminal":"%s","nonce":"%s","signature":"%s"}' "$terminal" "$nonce" "$signature" >"$scratch/asked"
    now=$(date +%s)
    post /v1/sessions "$scratch/asked" || return 1
    if [ "$status" != 201 ]; then return 0; fi
    server=$(unix_time "$(member server_time)")
    ends=$(($(unix_time "$(member expires_at)") - server + now - 30)) # renewed half a minute before its end
    printf '%s %s %s %s\n' "$(member session)" "$(hex_of_base64url "$(member mac_key)")" "$ends" $((server - now)) |
        keep "$folder/session"
}

# post_signed PATH BODY_FILE: one try in our session; where that has ended, another in a new one
post_signed() {
    if [ -f "$folder/session" ]; then
        read -r session mac_key ends skew <"$folder/session"
        if [ "$(date +%s)" -lt "$ends" ]; then
            post_in_session "$1" "$2" || return 1
            if [ "$status" != 401 ]; then return 0; fi
        fi
    fi
    open_session || return 1
    if [ "$status" != 201 ]; then return 0; fi
    read -r session mac_key ends skew <"$folder/session"
    post_in_session "$1" "$2"
}

post_in_session() {
    signed_headers "$(authority)" "$1" "$2" "$session" "$mac_key" $(($(date +%s) + skew)) >"$scratch/headers"
    post "$1" "$2" "$scratch/headers"
}

# --- The device ----------------------------------------------------------------------------------------------------

# authority: the service's name for itself, which signatures cover
authority() {
    if [ -f "$folder/authority" ]; then cat "$folder/authority"; else
        sed 's|^[a-z]*://||' "$folder/url" | tr '[:upper:]' '[:lower:]'
    fi
}

# keep FILE: standard input, whole or not at all, on the disk
keep() {
    cat >"$folder/.draft" && sync "$folder/.draft" && mv "$folder/.draft" "$1" && sync "${1%/*}"
}

# codes CODE...: as JSON
codes() {
    [ $# -gt 0 ] || usage
    array=''
    for typed; do
        code=$(read_code "$typed") || { say "not a ticket code" && exit 2; }
        array="$array${array:+,}\"$code\""
    done
    printf '[%s]' "$array"
}

# claim CODE...: sets $claim, JSON, with an id and the next number
claim() {
    array=$(codes "$@")
    sequence=$((${sequence:-$(cat "$folder/sequence" 2>/dev/null || echo 0)} + 1))
    claim_id=$(new_id)
    claim=$(printf '{"claim_id":"%s","codes":%s,"sequence":%s}' "$claim_id" "$array" "$sequence")
}

# ask ID PATH BODY: keep it, send it, print the answer
ask() {
    printf '%s\n%s' "$2" "$3" | keep "$folder/pending/$1"
    settle "$folder/pending/$1"
}

# settle FILE: send what is kept until there is an answer, and only then forget it. Not to be let in is none.
settle() {
    with_its_id=', with the same id,'
    { read -r path && cat >"$scratch/kept"; } <"$1"
    until_answered post_signed "$path" "$scratch/kept"
    case $status in
    2*) rm "$1" ;;
    401) refused=1 ;;
    *) refused=1 && if [ "$(member reason)" != terminal-revoked ]; then rm "$1"; fi ;;
    esac
    print_answer
}

print_answer() { cat "$scratch/answer" && echo; }

make_device() {
    case $1 in
    https://* | http://127.0.0.1:* | http://localhost:*) ;;
    *) say "only by https: a session's key comes over this connection" && exit 2 ;;
    esac
    case ${2:-ed25519} in
    ed25519) set -- "${1%/}" -algorithm ed25519 ;;
    ecdsa-p256-sha256) set -- "${1%/}" -algorithm EC -pkeyopt ec_paramgen_curve:P-256 ;;
    *) usage ;;
    esac
    mkdir "$folder" "$folder/pending"
    printf %s "$1" | keep "$folder/url"
    shift
    openssl genpkey "$@" | keep "$folder/key.pem"
    public_key "$folder/key.pem" && echo
}

enrol() {
    case $1 in *[!0-9a-z-]*) usage ;; esac
    key=$(public_key "$folder/key.pem")
    device_message enrol "$(authority)" "$1" "$key" >"$scratch/message"
    printf '{"invitation":"%s","algorithm":"%s","public_key":"%s","signature":"%s"}' "$1" \
        "$(algorithm "$folder/key.pem")" "$key" "$(sign "$folder/key.pem" "$scratch/message")" >"$scratch/asked"
    until_answered post /v1/terminals/enrol "$scratch/asked"
    case $status in 2*) member terminal | tr -d '\n' | keep "$folder/terminal" ;; *) refused=1 ;; esac
    print_answer
}

void() {
    case $1 in *[!0-9a-f-]*) usage ;; esac
    void_id=$(new_id) claim_id=$1
    shift
    array=$(codes "$@")
    ask "$void_id" "/v1/redemptions/$claim_id/void" "{\"void_id\":\"$void_id\",\"codes\":$array}"
}

batch() {
    claims=''
    set -f # a line is words, not a pattern of file names
    while read -r line; do
        # shellcheck disable=SC2086  # the words of a line are the codes of a claim
        claim $line
        claims="$claims${claims:+,}$claim"
    done
    [ -n "$claims" ] || usage
    printf %s "$sequence" | keep "$folder/sequence"
    ask "$(new_id)" /v1/redemptions/batch "{\"claims\":[$claims]}"
}

for word; do
    case $word in -h | --help) help && exit ;; esac
done
case $(openssl version 2>/dev/null) in
"OpenSSL "[3-9]* | "OpenSSL "[1-9][0-9].*) ;;
*) say 'needs OpenSSL 3 or later' && exit 3 ;;
esac
command -v curl >/dev/null || { say 'needs curl' && exit 3; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
refused=0 with_its_id=''
[ $# -ge 2 ] || usage
if [ "$1" = try ]; then
    shift
    "$@"
    exit
fi
folder=$1 word=$2
shift 2
case $word in
make) [ ! -e "$folder" ] || { say "$folder is there already: a device is made in a new folder" && exit 2; } ;;
*) [ -f "$folder/key.pem" ] || { say "there is no device in $folder: make one there" && exit 2; } ;;
esac
case $word in
make | enrol) ;;
*) [ -f "$folder/terminal" ] || { say "the device in $folder is not enrolled: enrol it by an invitation" && exit 2; } ;;
esac
case $word-$# in
make-[12]) make_device "$@" ;;
enrol-1) enrol "$1" ;;
session-0)
    until_answered open_session
    if [ "$status" = 201 ]; then member session; else print_answer && exit 1; fi
    ;;
check-*)
    array=$(codes "$@")
    printf '{"codes":%s}' "$array" >"$scratch/kept"
    until_answered post_signed /v1/checks "$scratch/kept"
    print_answer
    case $status in 2*) ;; *) exit 1 ;; esac
    ;;
redeem-*)
    claim "$@"
    printf %s "$sequence" | keep "$folder/sequence"
    ask "$claim_id" /v1/redemptions "$claim"
    ;;
batch-0) batch ;;
void-[01]) usage ;;
void-*) void "$@" ;;
resume-0) for kept in "$folder"/pending/*; do if [ -f "$kept" ]; then settle "$kept"; fi; done ;;
*) usage ;;
esac
exit $refused
