# What ./kuguru and ./test share: building what is missing, and Debian packages. Sourced, with $house set to the project's root.

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

die()
{
    echo "${0##*/}: $*" >&2
    exit 1
}

need_sdk()
{
    command -v dotnet >/dev/null && dotnet --list-sdks | grep -q '^10\.' ||
        die "the .NET 10 SDK is missing: https://dotnet.microsoft.com/download/dotnet/10.0 says how to install it"
}

# One number for what a build would read: names, sizes and times of the sources in the folders named.
fingerprint()
{
    (cd "$house" && find "$@" .editorconfig ./*.props ./*.slnx \( -name bin -o -name obj \) -prune -o -type f -printf '%p %s %T@\n') |
        LC_ALL=C sort | cksum | tr -d ' '
}

# build PROJECT [OPTION...]: Release, quiet, independent of build servers that other clones may have running.
build()
{
    local log
    need_sdk
    log=$(cd "$house" && dotnet build "$@" -c Release --disable-build-servers -v quiet -clp:NoSummary 2>&1 9>&-) || {
        { grep -E ': (error|warning) ' <<<"$log" || tail -n 20 <<<"$log"; } | sed "s|$house/||g" | sort -u >&2
        die "the build failed"
    }
}

# Only one build at a time in this clone; the lock ends with the shell, or with unlock.
lock()
{
    mkdir -p "$house/artifacts"
    exec 9>"$house/artifacts/lock"
    flock 9
}

unlock()
{
    exec 9>&-
}

# packages NAME...: install those that are missing, or say which; services that come with them are not started.
packages()
{
    local missing=() policy=/usr/sbin/policy-rc.d name made= log
    for name; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    command -v apt-get >/dev/null || die "not a Debian system; install what these packages hold: ${missing[*]}"
    [[ $EUID -eq 0 ]] || die "Debian packages are missing: sudo apt-get install ${missing[*]}"
    echo "${0##*/}: installing ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    if [[ ! -e $policy ]]; then
        made=$policy
        trap 'rm -f '"$policy" EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    log=$( (apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}") 2>&1 \
        </dev/null 9>&- | tail -n 5; exit "${PIPESTATUS[0]}") || die "apt-get could not install ${missing[*]}: ${log##*$'\n'}"
    if [[ " ${missing[*]} " == *" charon-systemd "* && -d /run/systemd/system ]]; then
        systemctl --quiet disable --now strongswan.service || true
    fi
    if [[ $made ]]; then
        rm -f "$made"
        trap - EXIT
    fi
}
