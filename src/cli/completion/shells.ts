/**
 * Scripts that let shells complete the words of `ratesync`. They ask the program itself, so that they need not be renewed.
 *
 * @module
 */

/** What the program answers where names of files can be completed, which shells do themselves. */
export const FILES = ":files";

/** Scripts by shell. */
export const SHELLS: Readonly<Record<"bash" | "zsh" | "fish", string>> = {
  bash: `# bash completion of ratesync. In ~/.bashrc: source <(ratesync completion bash)
_ratesync() {
  local line found
  COMPREPLY=()
  found=$(ratesync completion --words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  if [ "$found" = "${FILES}" ]; then
    compopt -o default 2>/dev/null
    return
  fi
  while IFS= read -r line; do
    line=\${line%%$'\\t'*}
    [ -n "$line" ] && COMPREPLY+=("$(printf %q "$line")")
  done <<< "$found"
}
complete -F _ratesync ratesync`,
  zsh: `#compdef ratesync
# zsh completion of ratesync. In ~/.zshrc, behind compinit: source <(ratesync completion zsh)
_ratesync() {
  local line found
  local -a words_found
  found=$(ratesync completion --words -- "\${(@)words[2,CURRENT]}" 2>/dev/null) || return
  if [[ "$found" == "${FILES}" ]]; then
    _files
    return
  fi
  for line in "\${(@f)found}"; do
    [[ "$line" == *$'\\t'* ]] || line="$line"$'\\t'
    [[ "$line" == $'\\t' ]] || words_found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe ratesync words_found
}
compdef _ratesync ratesync`,
  fish: `# fish completion of ratesync. In ~/.config/fish/completions/ratesync.fish: ratesync completion fish | source
function __ratesync_words
  set -l words (commandline -opc) (commandline -ct)
  set -l found (ratesync completion --words -- $words[2..-1] 2>/dev/null)
  if test "$found" = "${FILES}"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c ratesync -f -a '(__ratesync_words)'`,
};
