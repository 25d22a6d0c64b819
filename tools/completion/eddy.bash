# eddy.bash: completion of the eddy command for bash. What there is to complete, the command says itself.
# SPDX-License-Identifier: Apache-2.0

# The commands, or the options of one, from its help.
_eddy_commands() {
    eddy --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

_eddy_options() {
    eddy "$1" --help 2>/dev/null | sed -n 's/^ \{1,6\}\(-.*\)/\1/p' | sed 's/  .*//; s/, /\n/g' |
        sed 's/=[A-Z]*$/=/'
}

# Topics by name, those alone that a shell takes as one plain word.
_eddy_topics() {
    eddy ls --all 2>/dev/null | awk 'NR > 1 && /^[^ ]/ && $1 ~ /^[A-Za-z0-9_.:\/-]+$/ { print $1 }'
}

# Numbers of the reliable readers of topic $1.
_eddy_readers() {
    eddy ls --all --verbose 2>/dev/null |
        awk -v topic="$1" '/^[^ ]/ { here = $1 == topic }
                           here && $1 == "reader" { for (i = 2; i < NF; i++)
                               if ($i == "number") print $(i + 1) }' | tr -d ',:'
}

_eddy_complete() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        # shellcheck disable=SC2207 # they are plain words
        COMPREPLY=($(compgen -W "$(_eddy_commands) --help --version" -- "$word"))
        return
    fi
    # "--dir=x" comes as three words, or as two while x is empty.
    [ "$word" != = ] || word=""
    [ "$before" != = ] || before=${COMP_WORDS[COMP_CWORD - 2]}
    case $before in
    -d | --dir | --dir=)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    esac
    case $command,$word in
    help,*) mapfile -t COMPREPLY < <(compgen -W "$(_eddy_commands)" -- "$word") ;;
    *,-*)
        mapfile -t COMPREPLY < <(compgen -W "$(_eddy_options "$command")" -- "$word")
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
        ;;
    run,* | doctor,*)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
        ;;
    why,*) mapfile -t COMPREPLY < <(compgen -W "$(_eddy_topics)" -- "$word") ;;
    kick,*)
        if [ "$COMP_CWORD" -eq 2 ]; then
            mapfile -t COMPREPLY < <(compgen -W "$(_eddy_topics)" -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -W "$(_eddy_readers "$before")" -- "$word")
        fi
        ;;
    esac
}

complete -F _eddy_complete eddy
