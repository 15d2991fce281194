#!/bin/sh
# Starts processes that ignore signals and leave their session, then stays in the foreground for a while.
# Nothing of it outlives this folder.
trap '' HUP INT QUIT TERM
leave=$(command -v setsid || echo nohup)
for number in 1 2 3 4; do
  ($leave sh -c 'trap "" HUP INT QUIT TERM; while [ -f watch.sh ]; do sleep 0.5; done' >/dev/null 2>&1 </dev/null &)
  echo "watcher $number is in the background"
done
round=0
while [ -f watch.sh ] && [ "$round" -lt 40 ]; do
  round=$((round + 1))
  echo "watching, round $round"
  sleep 0.5
done
