#!/bin/sh
# Cleans up after a test process, however that ended. It reads lines "+ KIND VALUE" and "- KIND VALUE" and, at the end
# of its input, undoes everything that was added and not taken back. KIND is process (killed),
# daemon (asked to end, which takes its own children along), container or directory (removed).
trap '' INT TERM HUP

tracked=''
newline='
'
while IFS= read -r line; do
  value=${line#? }
  case $line in
    '+ '*) tracked="$tracked$value$newline" ;;
    '- '*) tracked=$(printf '%s' "$tracked" | grep -Fvx -- "$value")${newline} ;;
  esac
done

each() {
  printf '%s' "$tracked" | while IFS= read -r entry; do
    case $entry in
      "$1 "*) printf '%s\n' "${entry#"$1 "}" ;;
    esac
  done
}

each process | while IFS= read -r pid; do kill -9 "$pid" 2>/dev/null; done
each container | while IFS= read -r container; do docker rm -f -v "$container" >/dev/null 2>&1; done
each daemon | while IFS= read -r pid; do
  kill -15 "$pid" 2>/dev/null
  for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 1
  done
done
# A process that was killed just now may still finish a write.
for attempt in 1 2 3; do
  each directory | while IFS= read -r directory; do
    # A second look at the name: nothing but the harness's own directories may ever go.
    case $directory in
      /*/ktables-*) rm -rf -- "$directory" ;;
    esac
  done
  sleep 0.2
done
