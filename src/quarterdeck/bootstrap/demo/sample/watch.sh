# Starts processes that ignore signals and leave their session, then stays in the foreground.
trap '' TERM HUP INT
for number in 1 2 3 4; do
  (setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 0.5; done' >/dev/null 2>&1 &)
done
count=0
while [ "$count" -lt 40 ]; do
  count=$((count + 1))
  echo "watching, round $count"
  sleep 0.5
done
